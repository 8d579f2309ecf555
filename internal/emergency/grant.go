// Package emergency keeps the book of the charts that were opened in an emergency:
// who opened which and why, until when it stays open, and what a privacy officer
// found when she looked at it afterwards (45 CFR 164.312(a)(2)(ii), 164.308(a)(1)(ii)(D)).
//
// It decides nothing about patients: package chart asks policy and the person for a
// fresh proof before it has something entered here.
package emergency

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Type is of the book's records. No FHIR type has small letters.
const Type = "emergency"

// Life is how long a chart stays open.
const Life = 4 * time.Hour

// Reason is why a chart was opened.
type Reason string

// Reasons.
const (
	Treatment Reason = "treatment" // of a patient in front of her
	Covering  Reason = "covering"  // for somebody who has the patient
	Called    Reason = "called"    // to a consult or a transfer
	Other     Reason = "other"     // told by the note
)

// Reasons returns all reasons, the most frequent first.
func Reasons() []Reason { return []Reason{Treatment, Covering, Called, Other} }

// Verdict is what a review found.
type Verdict string

// Verdicts.
const (
	Justified   Verdict = "justified"   // it was an emergency
	Unassigned  Verdict = "unassigned"  // she cared for the patient; the assignment was missing
	Unjustified Verdict = "unjustified" // there was no reason to
)

// Verdicts returns all verdicts.
func Verdicts() []Verdict { return []Verdict{Justified, Unassigned, Unjustified} }

// Finding closes the review of a grant.
type Finding struct {
	Verdict Verdict   `json:"verdict"`
	Text    string    `json:"text,omitempty"`
	By      string    `json:"by"`      // id of the officer
	ByName  string    `json:"by_name"` // as it was then
	At      time.Time `json:"at"`
}

// Grant is a chart opened in an emergency, by one person.
type Grant struct {
	ID      string    `json:"id"`
	Person  string    `json:"person"`
	Name    string    `json:"name"` // of the person, as it was then
	Roles   []string  `json:"roles"`
	Patient string    `json:"patient"` // id of the Patient
	Reason  Reason    `json:"reason"`
	Note    string    `json:"note,omitempty"`
	Opened  time.Time `json:"opened"`
	Until   time.Time `json:"until"`
	Ended   time.Time `json:"ended,omitzero"` // by hand, before its time
	Finding *Finding  `json:"finding,omitempty"`
	Outage  bool      `json:"outage,omitempty"` // it was opened while the log could not be written

	version uint64
}

// Opening is something that was opened, or done, by a grant.
type Opening struct {
	At   time.Time
	What string // a page, or an action and a type of record
}

// maxNote is the longest note, in characters.
const maxNote = 500

// Check says what is missing of why a chart is to be opened.
func (g *Grant) Check() error {
	const op = "emergency.Check"
	switch {
	case !known(g.Reason, Reasons()):
		return fault.New(fault.Invalid, op, "Choose why you open this chart.")
	case g.Reason == Other && strings.TrimSpace(g.Note) == "":
		return fault.New(fault.Invalid, op, "Write in a few words why you open this chart.")
	case utf8.RuneCountInString(g.Note) > maxNote:
		return fault.New(fault.Invalid, op, "The note is too long. A sentence is enough.")
	}
	return nil
}

// Open reports whether the chart is open by the grant now.
func (g *Grant) Open(now time.Time) bool { return g.Ended.IsZero() && now.Before(g.Until) }

// known reports whether s is one of all.
func known[S ~string](s S, all []S) bool { return slices.Contains(all, s) }
