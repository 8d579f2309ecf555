package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// sums are the figures of a run.
type sums struct {
	Attempts  int `json:"unauthorised_attempts"`
	Cells     int `json:"cells"`
	Blocked   int `json:"blocked"`
	Leaks     int `json:"holes"`
	Throttled int `json:"throttled"`
	Legit     int `json:"legitimate_attempts"`
	Allowed   int `json:"allowed"`
	Wrongly   int `json:"wrongly_refused"`
}

func (t *tally) sums() (s sums) {
	for _, c := range t.Cells {
		s.Attempts += c.Attempts
		s.Cells++
		s.Blocked += c.OK
		s.Throttled += c.Throttle
	}
	s.Leaks = s.Attempts - s.Blocked - s.Throttled
	for _, c := range t.Legit {
		s.Legit += c.Attempts
		s.Allowed += c.OK
		s.Throttled += c.Throttle
	}
	s.Wrongly = s.Legit - s.Allowed
	return s
}

// print tells people what came of it, by trick.
func (t *tally) print(out io.Writer) {
	type row struct{ attempts, cells, blocked, throttled int }
	rows := map[string]*row{}
	for c, s := range t.Cells {
		r := rows[c.Trick]
		if r == nil {
			r = &row{}
			rows[c.Trick] = r
		}
		r.attempts += s.Attempts
		r.cells++
		r.blocked += s.OK
		r.throttled += s.Throttle
	}
	fmt.Fprintf(out, "\n%-28s %10s %8s %10s %8s %10s\n", "trick", "attempts", "cells", "blocked", "holes", "throttled")
	for _, name := range sorted(rows) {
		r := rows[name]
		fmt.Fprintf(out, "%-28s %10d %8d %10d %8d %10d\n", name, r.attempts, r.cells, r.blocked, r.attempts-r.blocked-r.throttled, r.throttled)
	}
	s := t.sums()
	fmt.Fprintf(out, "%-28s %10d %8d %10d %8d %10d\n", "all", s.Attempts, s.Cells, s.Blocked, s.Leaks, s.Throttled)
	fmt.Fprintf(out, "legitimate: %d, allowed %d, wrongly refused %d\n", s.Legit, s.Allowed, s.Wrongly)
	if t.Doubles > 0 {
		fmt.Fprintf(out, "made anew and not counted, being the same to the byte: %d\n", t.Doubles)
	}
	t.printHoles(out)
}

// printHoles names each kind of hole once, with the first request that shows it.
func (t *tally) printHoles(out io.Writer) {
	type kind struct{ trick, route, role, why string }
	count, first := map[kind]int{}, map[kind]hole{}
	for _, h := range t.Holes {
		k := kind{h.Trick, h.Route, h.Role, h.Why}
		if count[k]++; count[k] == 1 {
			first[k] = h
		}
	}
	kinds := make([]kind, 0, len(count))
	for k := range count {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b kind) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for i, k := range kinds {
		if i == 60 {
			fmt.Fprintf(out, "and %d more kinds\n", len(kinds)-i)
			return
		}
		h := first[k]
		fmt.Fprintf(out, "\nHOLE %s / %s / %s: %s (%d times)\n  as %s (%s, %s): %s %s -> %d\n", k.trick, k.route, k.role, k.why, count[k], h.As, h.Relation, h.Type, h.Method, h.Target, h.Status)
		if h.Body != "" {
			fmt.Fprintf(out, "  %s\n", h.Body)
		}
	}
}

// save writes figures, cells and holes.
func (t *tally) save(file string, head map[string]any) error {
	type line struct {
		cell
		*score
	}
	list := func(cells map[cell]*score) (all []line) {
		for c, s := range cells {
			all = append(all, line{c, s})
		}
		slices.SortFunc(all, func(a, b line) int { return strings.Compare(fmt.Sprint(a.cell), fmt.Sprint(b.cell)) })
		return all
	}
	head["sums"], head["cells"], head["legitimate"], head["holes"], head["unsaid"] = t.sums(), list(t.Cells), list(t.Legit), t.Holes, t.Unsaid
	text, err := json.MarshalIndent(head, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
