package chart_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/content"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/policies"
)

// scanned is a door with a scanner over records that were stored without one.
type scanned struct {
	*rig
	door  *chart.Chart
	lines *bytes.Buffer
	asked map[string]int
	down  error
}

func newScanned(t *testing.T) *scanned {
	s := &scanned{rig: newRig(t, 0), lines: &bytes.Buffer{}, asked: map[string]int{}}
	policy, err := authz.NewAt(policies.Files, s.clock)
	check(t, err)
	s.door = chart.New(chart.Config{
		Vault: s.vault, Log: s.log, Policy: policy, Clock: s.clock, Slog: slog.New(slog.NewTextHandler(s.lines, nil)), Minors: minors,
		Scan: func(_ context.Context, data []byte) (string, error) {
			s.asked[string(data)]++
			switch {
			case s.down != nil:
				return "", s.down
			case string(data) == "wicked":
				return "Wicked.Test", nil
			case string(data) == "unread":
				return "", content.ErrUnread
			}
			return "", nil
		},
	})
	return s
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func reportOf(id string, texts ...string) string {
	var forms []string
	for _, text := range texts {
		forms = append(forms, `{"contentType":"text/plain","data":"`+base64Of(text)+`","title":"form"}`)
	}
	return `{"resourceType":"DiagnosticReport","id":"` + id + `","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/ann"},"presentedForm":[` + strings.Join(forms, ",") + `]}`
}

// roads show the report by every road out of the door there is for it.
func (s *scanned) roads(t *testing.T, door *chart.Chart, a chart.Actor) map[string]string {
	ctx, out := context.Background(), map[string]string{}
	note := func(name string, err error, list ...chart.Resource) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, res := range list {
			if res.Resource != nil && res.Type() == "DiagnosticReport" {
				out[name] += string(res.JSON())
			}
		}
	}
	res, err := door.Read(ctx, a, "DiagnosticReport", "r", 0)
	note("read", err, res)
	res, err = door.Read(ctx, a, "DiagnosticReport", "r", 1)
	note("version", err, res)
	found, err := door.Search(ctx, a, chart.SearchRequest{Type: "DiagnosticReport", Params: []search.Param{{Key: "_id", Value: "r"}}})
	note("search", err, found.Matches...)
	found, err = door.Search(ctx, a, chart.SearchRequest{Type: "Patient", Params: []search.Param{{Key: "_id", Value: "ann"}, {Key: "_revinclude", Value: "DiagnosticReport:subject"}}})
	note("included", err, found.Included...)
	past, err := door.History(ctx, a, chart.HistoryRequest{Type: "DiagnosticReport", ID: "r"})
	note("history", err, past.Versions...)
	all, err := door.Everything(ctx, a, chart.EverythingRequest{Type: "Patient", ID: "ann"})
	note("everything", err, all.Resources...)
	at, err := door.Snapshot(ctx)
	note("snapshot", err)
	_, _, err = door.ExportLeg(ctx, a, chart.Extent{Type: "DiagnosticReport"}, at, 0, 0, func(list []chart.Resource) error {
		note("export", nil, list...)
		return nil
	})
	note("export", err)
	return out
}

// TestFilesAreLookedAtBeforeTheyAreShown: what was stored before there was a scanner is
// shown by no road until it has looked at it, and not at all if it finds something; that
// is told once. What is clean is shown, and looked at anew after a day.
func TestFilesAreLookedAtBeforeTheyAreShown(t *testing.T) {
	s := newScanned(t)
	a := s.as(program(t))
	a.put(patient("ann", "Adams", "1980-01-01"))
	a.put(reportOf("r", "wicked", "fine", "unread"))
	for name, text := range s.roads(t, s.chart, a.actor) {
		if !strings.Contains(text, base64Of("wicked")) {
			t.Fatalf("%s shows nothing without a scanner: %s", name, text)
		}
	}
	roads := s.roads(t, s.door, a.actor)
	if len(roads) != 7 {
		t.Errorf("%d roads", len(roads))
	}
	for name, text := range roads {
		if strings.Contains(text, base64Of("wicked")) || strings.Contains(text, base64Of("unread")) || !strings.Contains(text, base64Of("fine")) || !strings.Contains(text, "SUBSETTED") ||
			strings.Count(text, `"valueCode":"not-permitted"`) != 1 || strings.Count(text, `"valueCode":"temp-unknown"`) != 1 {
			t.Errorf("%s: %s", name, text)
		}
	}
	if s.asked["wicked"] != 1 || s.asked["fine"] != 1 {
		t.Errorf("asked %v", s.asked)
	}
	check(t, s.log.Integrate(context.Background()))
	alerts := 0
	check(t, s.log.Search(context.Background(), audit.Filter{}, func(e *audit.Record) error {
		if e.Detail == chart.StoredAlert+"Wicked.Test" && e.Type == "DiagnosticReport" && len(e.Items) == 1 {
			alerts++
		}
		return nil
	}))
	if alerts != 1 || strings.Count(s.lines.String(), "alert: malware was stored") != 1 {
		t.Errorf("%d alerts:\n%s", alerts, s.lines)
	}
	s.clock.Advance(25 * time.Hour)
	s.roads(t, s.door, a.actor)
	if s.asked["wicked"] != 2 || s.asked["fine"] != 2 {
		t.Errorf("a day later: asked %v", s.asked)
	}
	whole := identity.System("export", "exporter")
	if res, err := s.door.Read(context.Background(), whole, "DiagnosticReport", "r", 0); err != nil || !strings.Contains(string(res.JSON()), base64Of("wicked")) {
		t.Errorf("the operator's own export is not whole: %v", err)
	}
	if _, err := s.door.Update(context.Background(), a.actor, a.parse(strings.Replace(reportOf("r", "fine"), "final", "amended", 1)), chart.Condition{}); err != nil {
		t.Errorf("it cannot be mended: %v", err)
	}
}

// TestScannerIsAway: nothing that nobody has looked at is shown while the scanner does not
// answer, all the rest is; and nothing is lost by who writes back what he was shown.
func TestScannerIsAway(t *testing.T) {
	s := newScanned(t)
	ctx, a := context.Background(), s.as(program(t))
	a.put(patient("ann", "Adams", "1980-01-01"))
	a.put(reportOf("r", "fine", "good"))
	a.put(`{"resourceType":"Binary","id":"b","contentType":"text/plain","data":"` + base64Of("binary") + `"}`)
	a.put(`{"resourceType":"Binary","id":"w","contentType":"text/plain","data":"` + base64Of("wicked") + `"}`)
	s.down = errors.New("it does not answer")
	for name, text := range s.roads(t, s.door, a.actor) {
		if strings.Contains(text, base64Of("fine")) || strings.Count(text, "temp-unknown") != 2 || !strings.Contains(text, `"title":"form"`) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if s.asked["fine"]+s.asked["good"] != 1 {
		t.Errorf("asked again and again: %v", s.asked)
	}
	_, err := s.door.Read(ctx, a.actor, "Binary", "b", 0)
	wantKind(t, err, fault.Unavailable, "a Binary")
	cut, err := s.door.Read(ctx, a.actor, "DiagnosticReport", "r", 0)
	check(t, err)
	s.down = nil
	s.clock.Advance(6 * time.Second)
	_, err = s.door.Update(ctx, a.actor, a.parse(string(cut.JSON())), chart.Condition{})
	wantKind(t, err, fault.Unprocessable, "what was kept back is lost")
	for name, text := range s.roads(t, s.door, a.actor) {
		if !strings.Contains(text, base64Of("fine")) || strings.Contains(text, "SUBSETTED") {
			t.Errorf("%s, once it answers: %s", name, text)
		}
	}
	_, err = s.door.Read(ctx, a.actor, "Binary", "b", 0)
	check(t, err)
	_, err = s.door.Read(ctx, a.actor, "Binary", "w", 0)
	wantKind(t, err, fault.Denied, "an infected Binary")
	gone, cancel := context.WithCancel(ctx)
	a.put(reportOf("new", "never seen"))
	cancel()
	s.down = context.Canceled
	_, _ = s.door.Read(gone, a.actor, "DiagnosticReport", "new", 0)
	s.down = nil
	if res, err := s.door.Read(ctx, a.actor, "DiagnosticReport", "new", 0); err != nil || !strings.Contains(string(res.JSON()), base64Of("never seen")) {
		t.Errorf("whoever hangs up keeps others from their files: %v", err)
	}
}
