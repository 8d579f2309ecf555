package chart_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
)

// TestFilesAreScanned: what the scanner refuses, or cannot look at, is stored by no road;
// what it found is told to the log and to the audit log, and to the sender not what it was.
func TestFilesAreScanned(t *testing.T) {
	r := newRig(t, 0)
	policy, err := authz.NewAt(policies.Files, r.clock)
	check(t, err)
	var lines bytes.Buffer
	looked := 0
	door := chart.New(chart.Config{
		Vault: r.vault, Log: r.log, Policy: policy, Clock: r.clock, Slog: slog.New(slog.NewTextHandler(&lines, nil)), Minors: minors,
		Scan: func(_ context.Context, data []byte) (string, error) {
			switch looked++; string(data) {
			case "wicked":
				return "Wicked.Test", nil
			case "silent":
				return "", errors.New("it does not answer")
			}
			return "", nil
		},
	})
	ctx, a := context.Background(), r.as(program(t))
	report := func(id, text string) string {
		return `{"resourceType":"DiagnosticReport","id":"` + id + `","status":"final","code":{"text":"x"},"presentedForm":[{"contentType":"text/plain","data":"` +
			base64.StdEncoding.EncodeToString([]byte(text)) + `"}]}`
	}
	put := func(id, text string) chart.Entry {
		return chart.Entry{Place: "here", Method: "PUT", URL: "DiagnosticReport/" + id, Resource: a.parse(report(id, text))}
	}
	roads := map[string]func(id, text string) error{
		"update": func(id, text string) error {
			_, err := door.Update(ctx, a.actor, a.parse(report(id, text)), chart.Condition{})
			return err
		},
		"transaction": func(id, text string) error {
			_, err := door.Transaction(ctx, a.actor, []chart.Entry{put("fine", "good"), put(id, text)})
			return err
		},
		"import": func(id, text string) error {
			var refused error
			_, err := door.File(ctx, identity.System("importer", "importer"), []chart.Entry{put(id, text)}, func(_ int, err error) { refused = err }, nil)
			return errors.Join(err, refused)
		},
	}
	for name, send := range roads {
		err := send(name, "wicked")
		wantKind(t, err, fault.Unprocessable, name)
		var f *fault.Error
		if errors.As(err, &f); len(f.Issues) != 1 || f.Issues[0].Expression != "DiagnosticReport.presentedForm[0].data" || strings.Contains(f.Issues[0].Text+f.Public, "Wicked") {
			t.Errorf("%s: %+v", name, f)
		}
		wantKind(t, send(name, "silent"), fault.Unavailable, name+", no answer")
		if err := a.get("DiagnosticReport/" + name); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: it is stored: %v", name, err)
		}
		check(t, send(name, "good"))
		check(t, a.get("DiagnosticReport/"+name))
	}
	check(t, r.log.Integrate(ctx))
	alerts := 0
	check(t, r.log.Search(ctx, audit.Filter{}, func(e *audit.Record) error {
		if e.Detail == chart.MalwareAlert+"Wicked.Test" && e.Type == "DiagnosticReport" {
			alerts++
		}
		return nil
	}))
	if told := strings.Count(lines.String(), "alert: malware was sent"); alerts != len(roads) || told != len(roads) || strings.Contains(lines.String(), "wicked") {
		t.Errorf("%d alerts, %d lines, of %d:\n%s", alerts, told, len(roads), &lines)
	}
	before := looked
	_, err = door.Update(ctx, a.actor, a.parse(patient("ann", "Adams", "1980-01-01")), chart.Condition{})
	if check(t, err); looked != before {
		t.Error("what holds no file is scanned")
	}
}
