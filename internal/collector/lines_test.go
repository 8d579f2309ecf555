package collector_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
)

// TestSeverities: what an officer should look at stands out.
func TestSeverities(t *testing.T) {
	w := newWorld(t)
	w.look(1)
	for _, e := range []audit.Event{
		{Actor: "dr-1", Action: audit.ActionRead, Outcome: audit.OutcomeDenied}, {Actor: "dr-1", Action: audit.ActionBreak}, {Actor: "dr-1", Action: audit.ActionLogin, Outcome: audit.OutcomeSuccess},
	} {
		if err := w.log.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	w.look(1)
	f := w.collect("127.0.0.1:0", nil)
	c := w.config(f.address())
	c.Log = altered{w.log}
	start(t, c)
	until(t, "the entries", func() bool { return whole(f.indexes(), w.log.Size()) })
	var got []string
	for _, r := range f.all() {
		if r.id == "audit" {
			got = append(got, r.priority)
			if *r.entry.Index == 1 && !strings.Contains(r.text, `"altered":true`) {
				t.Errorf("what was altered is told as %s", r.text)
			}
		}
	}
	if want := []string{"<85", "<81", "<84", "<84", "<85", "<85"}; !slices.Equal(got, want) {
		t.Errorf("severities are %v, not %v", got, want)
	}
}

// TestHandler: lines are those of standard error, to the byte, with attributes and groups.
func TestHandler(t *testing.T) {
	w := newWorld(t)
	var screen strings.Builder
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	log := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(&screen, options), w.lines.Handler(options)))
	log.With("a", 1).WithGroup("g").Error("one\ntwo", "b", "x\"y")
	log.Debug("not this")
	f := w.collect("127.0.0.1:0", nil)
	start(t, w.config(f.address()))
	until(t, "the line", func() bool {
		return slices.ContainsFunc(f.all(), func(r received) bool {
			return r.id == "line" && r.text == strings.TrimSuffix(screen.String(), "\n") && r.priority == "<27" && json.Valid([]byte(r.text))
		})
	})
	for _, r := range f.all() {
		if strings.Contains(r.text, "not this") {
			t.Error("a line below the level is sent")
		}
	}
}
