package chart

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// ways returns how a program's scopes let records of a type through; all says
// that they let through whatever its actor may see. Of what has no patient in it,
// a scope for one patient is as good as any.
func (c *Chart) ways(actor Actor, action, typ string) (ways []identity.Way, all bool) {
	if actor.Kind != identity.KindClient && actor.ClientID == "" {
		return nil, true
	}
	need, ok := authz.Needs(action)
	if !ok {
		return nil, false
	}
	ways = actor.Scopes.Ways(typ, need)
	if !c.policy.OfPatients(typ) && r4.CompartmentElements("Patient", typ) == nil {
		for i := range ways {
			ways[i].Patient = false
		}
	}
	if actor.Kind == identity.KindPerson && c.policy.Hides(actor) != nil {
		ways = slices.DeleteFunc(ways, func(w identity.Way) bool { return !c.maySeek(actor, typ, w.Query) })
	}
	return ways, slices.Contains(ways, identity.Way{})
}

// maySeek reports whether an actor may search by what a scope is narrowed by: else
// the scope would tell of what is hidden from him.
func (c *Chart) maySeek(actor Actor, typ, query string) bool {
	params, err := ParseQuery(query)
	if err == nil {
		_, err = search.Parse(typ, params, search.Options{Catalog: c.catalogOf(actor)})
	}
	return err == nil
}

// inScope decides on an opened version, or on the state that a change would leave.
func (c *Chart) inScope(ctx context.Context, actor Actor, action string, res Resource, patients []record.Key, holds holding) (bool, error) {
	ways, all := c.ways(actor, action, res.TypeID.Type)
	if all {
		return true, nil
	}
	for _, way := range ways {
		if way.Patient {
			one, err := c.inContext(ctx, actor)
			if err != nil {
				return false, err
			}
			if !holds(one, patients) {
				continue
			}
		}
		if ok, err := c.matches(res, way.Query); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// inContext returns the patient that an actor's access is confined to, as a set.
func (c *Chart) inContext(ctx context.Context, actor Actor) (vault.PatientSet, error) {
	if actor.PatientContext == "" {
		return vault.PatientSet{}, nil
	}
	return c.vault.PatientsOf(ctx, []string{actor.PatientContext})
}

// matches reports whether a version matches the query of a scope. A tombstone,
// of which nobody knows what lay there, matches none.
func (c *Chart) matches(res Resource, query string) (bool, error) {
	if query == "" || res.Resource == nil {
		return query == "", nil
	}
	q, err := c.narrowings.query(res.TypeID.Type, query)
	if err != nil {
		return false, err
	}
	return c.answers(res, q)
}

// answers reports whether a version that has a body answers a query.
func (c *Chart) answers(res Resource, q *search.Query) (bool, error) {
	ok, err := q.Matches(c.stamped(res))
	return ok, fault.Wrap(fault.Internal, "chart.answers", err)
}

func (c *Chart) stamped(res Resource) *fhir.Resource {
	if res.Root().Get("meta").Get("versionId").Text() == "" { // not stored yet
		return res.Stamp(res.TypeID.ID, 1, c.clock.Now())
	}
	return res.Resource
}

// scoped ANDs a narrowing with what the scopes let through.
func (c *Chart) scoped(ctx context.Context, actor Actor, typ string, n vault.Narrow) (vault.Narrow, error) {
	ways, all := c.ways(actor, authz.Search, typ)
	if all {
		return n, nil
	}
	if n.All {
		n.Any = []vault.Confine{{}}
	}
	var out vault.Narrow
	for _, way := range ways {
		for _, confine := range n.Any {
			if way.Patient {
				one, err := c.inContext(ctx, actor)
				if err != nil {
					return vault.Narrow{}, err
				}
				confine.Within = append(slices.Clone(confine.Within), one)
			}
			if way.Query != "" {
				q, err := c.narrowings.query(typ, way.Query)
				if err != nil {
					return vault.Narrow{}, err
				}
				confine.Matching = append(slices.Clone(confine.Matching), q)
			}
			out.Any = append(out.Any, confine)
		}
	}
	return out, nil
}

// CheckScope refuses the query of a scope by which records cannot be narrowed.
func (c *Chart) CheckScope(ctx context.Context, typ, query string) error {
	q, err := c.narrowings.query(typ, query)
	if err == nil {
		err = c.vault.CanNarrow(ctx, q)
	}
	if err != nil {
		return fault.New(fault.Invalid, "chart.CheckScope", "A scope cannot be narrowed by that: take search parameters such as category, code or _security, without modifiers.")
	}
	return nil
}

// narrowings are the queries of scopes, read once. They are R4's own parameters,
// so that no stored SearchParameter can widen what was granted.
type narrowings struct {
	catalog *search.Catalog

	mu   sync.Mutex
	read map[string]*search.Query
}

const narrowingsKept = 1000

// narrowable are the parameters of all resources that narrow.
var narrowable = []string{"_security", "_tag", "_profile"}

func (n *narrowings) query(typ, text string) (*search.Query, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := typ + "?" + text
	if q := n.read[name]; q != nil {
		return q, nil
	}
	params, err := ParseQuery(text)
	if err != nil {
		return nil, err
	}
	for _, p := range params {
		if strings.HasPrefix(p.Key, "_") && !slices.Contains(narrowable, p.Key) {
			return nil, fault.New(fault.Invalid, "chart.narrowings", "")
		}
	}
	q, err := search.Parse(typ, params, search.Options{Catalog: n.catalog})
	if err == nil && q.Bodies() { // what is shown would tell of what is masked
		err = fault.New(fault.Invalid, "chart.narrowings", "")
	}
	if err != nil {
		return nil, err
	}
	if n.read == nil || len(n.read) >= narrowingsKept {
		n.read = map[string]*search.Query{}
	}
	n.read[name] = q
	return q, nil
}
