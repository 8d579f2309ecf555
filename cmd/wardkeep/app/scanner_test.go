package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestSettingsReachTheDoor: what is set of validation, the scanner and usual charts holds
// for whoever comes through it.
func TestSettingsReachTheDoor(t *testing.T) {
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.UsualCharts = t.TempDir(), 8, "program=1"
	cfg.Scanner = "unix:" + filepath.Join(cfg.Dir, "nobody")
	var lines bytes.Buffer
	ctx := context.Background()
	house, err := OpenHouse(ctx, cfg, slog.New(slog.NewTextHandler(&lines, nil)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = house.Close(ctx) })
	scopes, err := identity.ParseScopes("system/*.cruds")
	if err != nil {
		t.Fatal(err)
	}
	actor := identity.Actor{Kind: identity.KindClient, ID: "program", Scopes: scopes}
	write := func(text string) error {
		res, err := fhir.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = house.Chart.Update(ctx, actor, res, chart.Condition{})
		return err
	}
	if err := write(`{"resourceType":"Patient","id":"x","birthDate":"1980-01-02","deceasedDateTime":"1979-01-01"}`); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("a death before the birth: %v", err)
	}
	if err := write(`{"resourceType":"Binary","id":"b","contentType":"text/plain","data":"YQ=="}`); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without an answer of the scanner: %v", err)
	}
	for i := range 2 {
		if err := write(fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, i)); err != nil {
			t.Fatal(err)
		}
		if _, err := house.Chart.Read(ctx, actor, "Patient", fmt.Sprintf("p%d", i), 0); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(lines.String(), chart.ManyAlert); told != (i == 1) {
			t.Errorf("after %d charts, told: %v", i+1, told)
		}
	}
}

// TestDoctorOnScanner says whether files are looked at, and warns where it was decided
// that they are not; the log says it at each start.
func TestDoctorOnScanner(t *testing.T) {
	for name, c := range map[string]struct{ listen, scanner, state string }{
		"to try":      {"127.0.0.1:1", "", fine},
		"undecided":   {":443", "", failure},
		"decided":     {":443", "none", warning},
		"none to try": {"127.0.0.1:1", "none", warning},
		"silent":      {":443", "unix:/nowhere", failure},
	} {
		cfg := healthy(t)
		cfg.Listen, cfg.Scanner = c.listen, c.scanner
		if d := examined(cfg, nil, 0); states(d)["scanner"] != c.state {
			t.Errorf("%s: %+v", name, d.findings)
		}
		var lines bytes.Buffer
		(&House{Config: cfg, Slog: slog.New(slog.NewTextHandler(&lines, nil))}).tellChoices(t.Context())
		if told := strings.Contains(lines.String(), "scanner is none"); told != (c.scanner == "none") {
			t.Errorf("%s: the log says %s", name, &lines)
		}
	}
}
