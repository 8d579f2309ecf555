package chart_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/policies"
)

// TestManyCharts: who is shown far more patients than is usual is told of, once an hour,
// in the log and in the entry of the read that was one too many.
func TestManyCharts(t *testing.T) {
	r := newRig(t, 0)
	p := r.as(program(t))
	for i := range 6 {
		p.put(patient(fmt.Sprintf("p%d", i), "Adams", "1970-01-01"))
	}
	policy, err := authz.NewAt(policies.Files, r.clock)
	check(t, err)
	var lines bytes.Buffer
	r.chart = chart.New(chart.Config{
		Vault: r.vault, Log: r.log, Policy: policy, Clock: r.clock, Slog: slog.New(slog.NewTextHandler(&lines, nil)), Minors: minors,
		UsualCharts: map[string]int{"program": 3, "registration": 2, "billing": 4},
	})
	alerts := func() (entries int) {
		check(t, r.log.Integrate(context.Background()))
		check(t, r.log.Search(context.Background(), audit.Filter{}, func(e *audit.Record) error {
			if e.Detail == chart.ManyAlert {
				entries++
			}
			return nil
		}))
		if said := strings.Count(lines.String(), chart.ManyAlert); said != entries {
			t.Errorf("%d lines, %d entries", said, entries)
		}
		return entries
	}
	want := func(n int, what string) {
		t.Helper()
		if got := alerts(); got != n {
			t.Errorf("%s: %d alerts, want %d", what, got, n)
		}
	}
	reads := func(a identity.Actor, ids ...string) {
		for _, id := range ids {
			check(t, r.as(a).get("Patient/"+id))
		}
	}
	reads(p.actor, "p0", "p1", "p2", "p0", "p1", "p2")
	want(0, "the same three again")
	reads(p.actor, "p3")
	want(1, "a fourth")
	reads(p.actor, "p4", "p5")
	want(1, "told once")
	r.clock.Advance(time.Hour)
	reads(p.actor, "p0", "p1", "p2")
	want(1, "another hour")
	_, err = r.as(p.actor).find("Patient?_sort=_id")
	check(t, err)
	want(2, "by a search")
	if _, err := r.as(p.actor).find("Patient?_summary=count"); err != nil {
		t.Fatal(err)
	}
	want(2, "a count shows nobody")
	if strings.Contains(lines.String(), "Adams") || strings.Contains(lines.String(), "p3") {
		t.Errorf("the log names patients: %s", &lines)
	}
	other := program(t)
	other.ID = "other"
	reads(other, "p0", "p1", "p2")
	want(2, "somebody else")
	clerk := person("registration")
	reads(clerk, "p0", "p1", "p2")
	want(3, "a clerk")
	clerk.ID, clerk.Roles = "registration-2", []string{"registration", "billing"}
	reads(clerk, "p0", "p1", "p2", "p3")
	want(3, "who is two things, and may see what either does")
	reads(clerk, "p4")
	want(4, "both")
}
