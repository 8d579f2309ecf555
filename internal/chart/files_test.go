package chart_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TestStoredFilesStay: a record with a file that would not be taken any more can be
// amended; another such file is not put into it.
func TestStoredFilesStay(t *testing.T) {
	r := newRig(t, 0)
	a := r.as(program(t))
	const report = `{"resourceType":"DiagnosticReport","id":"d","status":"final","code":{"text":"x"},"presentedForm":[{"contentType":"application/pdf","data":"YQ=="}]}`
	_, err := r.vault.Commit(context.Background(), vault.Tx{Changes: []vault.Change{{
		TypeID: vault.TypeID{Type: "DiagnosticReport", ID: "d"}, Resource: a.parse(report),
	}}})
	check(t, err)
	update := func(from, to string) error {
		_, err := r.chart.Update(context.Background(), a.actor, a.parse(strings.Replace(report, from, to, 1)), chart.Condition{})
		return err
	}
	check(t, update("final", "amended"))
	for from, to := range map[string]string{"YQ==": "Yg==", "application/pdf": "image/png", `"data"`: `"url":"data:a","data"`} {
		if err := update(from, to); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s for %s: %v", to, from, err)
		}
	}
	check(t, update("application/pdf", "text/plain"))
}
