package profile

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// happened are elements that tell when something was, with the states in which it was:
// they cannot lie in the future. FHIR has no invariants for it.
var happened = map[string]struct {
	element string
	states  map[string]bool
}{
	"Observation":  {"effective", map[string]bool{"final": true, "amended": true, "corrected": true}},
	"Procedure":    {"performed", map[string]bool{"completed": true}},
	"Immunization": {"occurrence", map[string]bool{"completed": true}},
}

const (
	inFuture    = "It is said to have happened, and lies in the future."
	beforeBirth = "A death cannot lie before the birth."
)

// times holds dates against each other and against the clock.
func (w *walk) times(n fhir.Node) {
	if n.TypeID().String() == "Patient" {
		birth, death := n.Get("birthDate"), n.Get("deceased")
		w.past(birth)
		if death.Type() != "dateTime" {
			return
		}
		w.past(death)
		// A day is let pass: the two may be told in different zones.
		if b, d := birth.Text(), day(death.Text()); b != "" && earlier(next(d), b) {
			w.report(issueError, "business-rule", death, "", beforeBirth)
		}
		return
	}
	if h, ok := happened[n.TypeID().String()]; ok && h.states[n.Get("status").Text()] {
		when := n.Get(h.element)
		if when.Type() == "Period" {
			when = when.Get("start")
		}
		w.past(when)
	}
}

// past reports a date that lies more than a day ahead.
func (w *walk) past(n fhir.Node) {
	now := w.v.cfg.Now()
	if now.IsZero() || n.Type() != "date" && n.Type() != "dateTime" && n.Type() != "instant" || n.Text() == "" {
		return
	}
	if earlier(now.UTC().AddDate(0, 0, 1).Format(time.DateOnly), day(n.Text())) {
		w.report(issueError, "business-rule", n, "", inFuture)
	}
}

// day is the date of a dateTime, as far as it is told.
func day(text string) string { return text[:min(len(text), len(time.DateOnly))] }

func next(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day // of a month or year alone
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

// earlier compares dates as far as both are told.
func earlier(a, b string) bool {
	n := min(len(a), len(b))
	return n > 0 && a[:n] < b[:n]
}
