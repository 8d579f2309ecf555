// Package audit is the log that every access passes through before anything of
// it leaves the process, and that a stranger can verify (package audit/verify).
//
// A process writes its entries as a hash chain into its own shard, in the same
// atomic commit as the data they speak of. An integrator takes them into one
// RFC 6962 tree, whose signed checkpoints are kept outside the store. The bytes
// are described in docs/formats/audit.md.
package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// Event is one thing that somebody did or tried.
type Event struct {
	// Accountability: kept as long as the law asks, under the audit key.
	// No field may hold a word of a record.
	Time      time.Time // zero: when it is logged
	Actor     string    // id of the person, client or device
	Client    string
	Session   string
	Roles     []string
	Action    string // see the Action constants
	Purpose   string // v3 PurposeOfUse code
	Outcome   string // see the Outcome constants; "" means success
	RequestID string
	Type      string       // resource type acted on
	Address   string       // network address of the caller
	Patients  []record.Key // whose content part it is, too
	Items     []Item

	// Spooled says that it comes by the spool; Log.Commit fills it in.
	Spooled Spooled

	// Content: sealed for the patients concerned, gone after a shred.
	Query  string
	Reason string // given for breaking the glass, and the like
	Detail string
}

// Spooled names an entry of a spool.
type Spooled = verify.Spooled

// Item is a version of a record that was shown or written.
type Item struct {
	Key     record.Key
	Version uint64
	// Digest and Index are those of the version written (record.Digest).
	// Commit fills them in where they are zero. A version shown has none.
	Digest [32]byte
	Index  [32]byte
	// Amended: the version was there before and is sealed anew, found by more.
	// Commit fills it in.
	Amended bool
	Name    string // "Patient/123"; part of the content
}

// Actions. Others may be used; these have a form in FHIR.
const (
	ActionCreate   = "create"
	ActionRead     = "read"
	ActionVRead    = "vread"
	ActionUpdate   = "update"
	ActionPatch    = "patch"
	ActionDelete   = "delete"
	ActionSearch   = "search"
	ActionHistory  = "history"
	ActionView     = "view"    // one page made of several searches
	ActionExport   = "export"  // bulk data
	ActionReindex  = "reindex" // current versions found by more than before
	ActionBatch    = "batch"
	ActionLogin    = "login"
	ActionLogout   = "logout"
	ActionBreak    = "break-glass"
	ActionBreakOn  = "break-glass-again"       // of a chart that she has open already
	ActionRekey    = "rotate-key"              // a key replaced
	ActionLogStart = "log-start"               // a process opened its shard
	ActionLogStop  = "log-stop"                // a process closed its shard
	ActionSpool    = verify.ActionSpoolDamaged // a spool was found altered, cut, exchanged or gone
)

// PurposeEmergency is what is opened or changed for by an emergency (v3-PurposeOfUse).
const PurposeEmergency = "BTG"

// Outcomes.
const (
	OutcomeSuccess = "success"
	OutcomeDenied  = "denied"
	OutcomeFailure = "failure"
)

// Longest texts kept. What comes from callers is cut, not refused: a long
// header must not keep an access out of the log, nor fill it.
const (
	maxText    = 512
	maxContent = 16 << 10
	maxRoles   = 32
	// maxItems bounds the items and patients of one entry; larger events
	// become several entries with the same head data.
	maxItems = 400
)

// content returns the content part for items, which are those of one entry in
// the order of the entry.
func (e *Event) content(items []Item) verify.Content {
	c := verify.Content{Query: clip(e.Query, maxContent), Reason: clip(e.Reason, maxContent), Detail: clip(e.Detail, maxContent)}
	for i, item := range items {
		if item.Name != "" {
			c.Names = append(c.Names, verify.Name{Item: uint64(i), Text: clip(item.Name, maxText)})
		}
	}
	return c
}

// fill adds a content part to what the accountability part says.
func (e *Event) fill(c *verify.Content) {
	e.Query, e.Reason, e.Detail = c.Query, c.Reason, c.Detail
	for _, n := range c.Names {
		if n.Item < uint64(len(e.Items)) {
			e.Items[n.Item].Name = n.Text
		}
	}
}

// account returns the accountability part for some of the event's items.
// In an entry the items shown come before those written.
func (e *Event) account(patients []record.Key, items []Item) verify.Account {
	a := verify.Account{
		Time: e.Time, Action: clip(e.Action, maxText), Outcome: clip(e.Outcome, maxText),
		Actor: clip(e.Actor, maxText), Client: clip(e.Client, maxText), Session: clip(e.Session, maxText),
		Purpose: clip(e.Purpose, maxText), RequestID: clip(e.RequestID, maxText),
		Type: clip(e.Type, maxText), Address: clip(e.Address, maxText),
		Patients: slices.Clone(patients), // kept until the tree has the entry
		Spooled:  e.Spooled,
	}
	for _, r := range e.Roles[:min(len(e.Roles), maxRoles)] {
		if r != "" {
			a.Roles = append(a.Roles, clip(r, maxText))
		}
	}
	for _, item := range items {
		ref := verify.Ref{Key: item.Key, Version: item.Version}
		written := verify.Written{Ref: ref, Digests: record.Digests{Content: item.Digest, Index: item.Index}}
		switch item.kind() {
		case itemShown:
			a.Read = append(a.Read, ref)
		case itemWritten:
			a.Written = append(a.Written, written)
		case itemAmended:
			a.Amended = append(a.Amended, written)
		}
	}
	return a
}

func (i *Item) written() bool { return i.Digest != [32]byte{} }

// Kinds of items, in the order in which an entry lists them.
const (
	itemShown = iota
	itemWritten
	itemAmended
)

func (i *Item) kind() int {
	switch {
	case !i.written():
		return itemShown
	case i.Amended:
		return itemAmended
	}
	return itemWritten
}

// eventOf is the inverse of account.
func eventOf(a *verify.Account) Event {
	e := Event{
		Time: a.Time, Action: a.Action, Outcome: a.Outcome, Actor: a.Actor, Client: a.Client,
		Session: a.Session, Roles: a.Roles, Purpose: a.Purpose, RequestID: a.RequestID,
		Type: a.Type, Address: a.Address, Patients: a.Patients, Spooled: a.Spooled,
	}
	for _, r := range a.Read {
		e.Items = append(e.Items, Item{Key: r.Key, Version: r.Version})
	}
	for _, w := range a.Written {
		e.Items = append(e.Items, Item{Key: w.Key, Version: w.Version, Digest: w.Content, Index: w.Index})
	}
	for _, w := range a.Amended {
		e.Items = append(e.Items, Item{Key: w.Key, Version: w.Version, Digest: w.Content, Index: w.Index, Amended: true})
	}
	return e
}

// clip cuts s to at most n bytes, at a rune's edge, and makes it valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.Clone(s[:n]) // what is cut off is not kept in memory
	}
	return strings.ToValidUTF8(s, "")
}
