package chart

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// maxMetas bounds the records looked at for a summary of their meta.
const maxMetas = 500_000

// Metas returns, as JSON of a Meta, the profiles, tags and security labels that
// the records of a type bear, of all types for "", as far as the actor may find
// them (FHIR R4, operation $meta).
func (c *Chart) Metas(ctx context.Context, actor Actor, typ string) ([]byte, error) {
	req := c.begin(actor, "search", typ)
	req.event.Query = typ + "/$meta"
	m, err := c.metas(ctx, req, typ)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return m.json()
}

// metaEntry is one thing that records bear.
type metaEntry struct{ list, system, code string }

type metaSet map[metaEntry]struct{}

func (c *Chart) metas(ctx context.Context, req *request, typ string) (metaSet, error) {
	types, found, looked := []string{typ}, metaSet{}, 0
	if typ == "" {
		types = types[:0]
		for t := range r4.Resources {
			types = append(types, t.String())
		}
	}
	var denied error
	reached := false
	for _, t := range types {
		_, err := c.reach(req.actor, authz.Search, t)
		if fault.Is(err, fault.Denied) {
			denied = err
			continue
		}
		if err != nil {
			return nil, err
		}
		reached = true
		q, err := search.Parse(t, nil, c.options(req.actor))
		if err != nil {
			return nil, err
		}
		err = c.vault.Cards(ctx, q, c.narrow(req.actor), func(card []byte) error {
			if looked++; looked > maxMetas {
				return fault.New(fault.TooCostly, "chart.metas", "There are too many records. Ask type by type, or search by _tag, _profile and _security.")
			}
			return search.MetaOf(card, func(list, system, code string) { found[metaEntry{list, system, code}] = struct{}{} })
		})
		if err != nil {
			return nil, err
		}
	}
	if !reached {
		return nil, denied
	}
	return found, nil
}

func (m metaSet) json() ([]byte, error) {
	var sorted []metaEntry
	for e := range m {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(a, b metaEntry) int {
		return cmp.Or(cmp.Compare(a.list, b.list), cmp.Compare(a.system, b.system), cmp.Compare(a.code, b.code))
	})
	type coding struct {
		System string `json:"system,omitempty"`
		Code   string `json:"code,omitempty"`
	}
	var out struct {
		Profile  []string `json:"profile,omitempty"`
		Security []coding `json:"security,omitempty"`
		Tag      []coding `json:"tag,omitempty"`
	}
	for _, e := range sorted {
		switch {
		case e.list == "profile":
			out.Profile = append(out.Profile, e.code)
		case e.system == "" && e.code == "":
		case e.list == "security":
			out.Security = append(out.Security, coding{e.system, e.code})
		default:
			out.Tag = append(out.Tag, coding{e.system, e.code})
		}
	}
	text, err := json.Marshal(out)
	return text, fault.Wrap(fault.Internal, "chart.metas", err)
}
