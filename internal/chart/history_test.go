package chart_test

import (
	"context"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

func TestHistoryPages(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	for range 4 {
		p.put(result("ann", "5", "2026-11-20"))
	}
	page, seen := "", 0
	for range 10 {
		h, err := r.chart.History(context.Background(), p.actor, chart.HistoryRequest{Type: "Observation", ID: "k-ann", Count: 2, Page: page})
		check(t, err)
		seen += len(h.Versions)
		if page = h.Next; page == "" {
			break
		}
	}
	if seen != 5 {
		t.Errorf("pages show %d of 5 versions", seen)
	}
	_, err := p.history("Observation/nothing")
	wantKind(t, err, fault.NotFound, "history of nothing")
	h, err := r.chart.History(context.Background(), p.actor, chart.HistoryRequest{Type: "Observation", ID: "k-ann", Since: noon.Add(time.Hour)})
	check(t, err)
	if len(h.Versions) != 0 {
		t.Error("versions of the future")
	}
}

func TestLongHistories(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	for range 79 {
		p.put(result("ann", "5", "2026-11-20"))
	}
	for count, want := range map[int][]int{0: {50, 30}, 32: {32, 32, 16}, 40: {40, 40}, 80: {80}, 1000: {80}} {
		page, next := "", uint64(80)
		for _, n := range want {
			h, err := r.chart.History(context.Background(), p.actor, chart.HistoryRequest{Type: "Observation", ID: "k-ann", Count: count, Page: page})
			check(t, err)
			if len(h.Versions) != n {
				t.Fatalf("by %d: a page of %d, not %d", count, len(h.Versions), n)
			}
			for _, v := range h.Versions {
				if v.Version != next {
					t.Fatalf("by %d: version %d, not %d", count, v.Version, next)
				}
				next--
			}
			page = h.Next
		}
		if page != "" || next != 0 {
			t.Errorf("by %d: it goes on at %d", count, next)
		}
	}
}
