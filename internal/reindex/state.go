package reindex

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TypeEntry is the internal type under which added parameters are kept. None is
// ever deleted: the verifier derives old versions by them.
const TypeEntry = "AddedParameter"

// State says how far a parameter is.
type State string

const (
	Indexing State = "indexing" // records there were are being read
	Ready    State = "ready"    // searches may use it
	Retired  State = "retired"  // its resource is gone, inactive or changed
	Refused  State = "refused"  // it cannot be indexed; Reason says why
)

// entry is what is kept of one definition.
type entry struct {
	definition
	Number   uint32    `json:"number"`
	Digest   string    `json:"digest"`
	State    State     `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`

	version   uint64 // of the document
	parameter *search.Parameter
}

// progress is the mark that is committed with each step.
type progress struct {
	Type     int             `json:"type"` // index into Base of the type at hand
	Position record.Position `json:"position"`
	Looked   int             `json:"looked"`
	Amended  int             `json:"amended"`
}

func (e *entry) id() vault.TypeID {
	return vault.TypeID{Type: TypeEntry, ID: strconv.FormatUint(uint64(e.Number), 10)}
}

func (e *entry) job() string { return "reindex/" + e.id().ID }

// load reads every entry, by number.
func (m *Manager) load(ctx context.Context) ([]*entry, error) {
	docs, err := m.vault.ListDocs(ctx, TypeEntry)
	if err != nil {
		return nil, err
	}
	var all []*entry
	for _, doc := range docs {
		e := &entry{version: doc.Version}
		if err := json.Unmarshal(doc.Body, e); err != nil {
			return nil, fault.Wrap(fault.Internal, "reindex.load", err)
		}
		m.last = max(m.last, e.Number)
		if e.Reason != "" {
			continue // an earlier release kept what it refused
		}
		var reason string
		if e.parameter, reason = e.definition.parameter(e.Number, m.compile); e.parameter == nil {
			return nil, fault.Wrap(fault.Internal, "reindex.load", fmt.Errorf("a parameter that was indexed cannot be read any more: %s", reason))
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return int(a.Number) - int(b.Number) })
	return all, nil
}

// save writes an entry, with an audit entry of its own.
func (m *Manager) save(ctx context.Context, e *entry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(fault.Internal, "reindex.save", err)
	}
	event := audit.Event{Actor: actor, Action: audit.ActionReindex, Type: TypeEntry, Detail: string(e.State)}
	if err := m.vault.PutDocs(ctx, event, []vault.DocWrite{{TypeID: e.id(), Expect: e.version, Body: body}}); err != nil {
		return err
	}
	e.version++
	return nil
}

// catalog is R4's parameters and those of the entries.
func catalog(entries []*entry) (*search.Catalog, error) {
	var added []*search.Parameter
	for _, e := range entries {
		if e.parameter == nil {
			continue
		}
		p := *e.parameter
		p.Indexing = e.State == Indexing || e.State == Ready
		p.Searchable = e.State == Ready
		added = append(added, &p)
	}
	return search.Base().With(added...)
}

func (m *Manager) progressOf(ctx context.Context, e *entry) (progress, error) {
	var p progress
	value, err := m.vault.JobValue(ctx, e.job())
	if err != nil || value == "" {
		return p, err
	}
	if err := json.Unmarshal([]byte(value), &p); err != nil {
		return p, fault.Wrap(fault.Internal, "reindex.progressOf", err)
	}
	return p, nil
}
