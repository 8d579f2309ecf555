package chart

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Condition is what the caller assumes of the record it changes.
type Condition struct {
	IfMatch   uint64 // the version it must have; 0: any
	IfNone    bool   // If-None-Match: * — it must not exist
	MustExist bool   // no update-as-create
}

// Outcome is what a change did.
type Outcome struct {
	Resource Resource
	Created  bool
	// Unchanged: a conditional create found its match, or there was nothing
	// left to delete.
	Unchanged bool
	Issues    []fault.Issue // what validation found and did not refuse
}

// maxRaces bounds how often a change without If-Match is tried again after
// another writer came first.
const maxRaces = 8

// Create stores a new record under a new id. With ifNoneExist, it does so only
// if the search, confined to what the actor may see, finds nothing; one match is
// returned unchanged, several are fault.Precondition.
func (c *Chart) Create(ctx context.Context, actor Actor, res *fhir.Resource, ifNoneExist []search.Param) (Outcome, error) {
	return c.change(ctx, actor, authz.Create, res.Type(), aim{where: queryText(ifNoneExist)}, func(req *request) (plan, error) {
		if ifNoneExist != nil {
			match, absent, err := c.match(ctx, req, res.Type(), ifNoneExist)
			if err != nil || match != nil {
				return plan{found: match}, err
			}
			p, err := c.planPost(ctx, actor, res, NewID())
			p.absent = absent
			return p, err
		}
		return c.planPost(ctx, actor, res, NewID())
	})
}

// Update stores a new version of the record res names. Where the record does
// not exist, it is created under the chosen id by those whose reads are not
// narrowed; to others it is fault.NotFound, like a record hidden from them.
func (c *Chart) Update(ctx context.Context, actor Actor, res *fhir.Resource, cond Condition) (Outcome, error) {
	return c.change(ctx, actor, authz.Update, res.Type(), aim{name: res.Type() + "/" + res.ID()}, func(*request) (plan, error) {
		return c.planUpdate(ctx, actor, res, res.ID(), cond)
	})
}

// UpdateWhere updates the one record the search finds, or creates one if it
// finds none (FHIR R4 3.1.0.4.3).
func (c *Chart) UpdateWhere(ctx context.Context, actor Actor, res *fhir.Resource, where []search.Param, cond Condition) (Outcome, error) {
	return c.change(ctx, actor, authz.Update, res.Type(), aim{where: queryText(where)}, func(req *request) (plan, error) {
		return c.planUpdateWhere(ctx, req, res, where, cond)
	})
}

// Delete hides the record behind a tombstone; its history stays.
func (c *Chart) Delete(ctx context.Context, actor Actor, typ, id string, cond Condition) (Outcome, error) {
	return c.change(ctx, actor, authz.Delete, typ, aim{name: typ + "/" + id}, func(*request) (plan, error) {
		return c.planDelete(ctx, actor, typ, id, cond)
	})
}

// DeleteWhere deletes the one record the search finds; none is no error, several
// are fault.Precondition.
func (c *Chart) DeleteWhere(ctx context.Context, actor Actor, typ string, where []search.Param, cond Condition) (Outcome, error) {
	return c.change(ctx, actor, authz.Delete, typ, aim{where: queryText(where)}, func(req *request) (plan, error) {
		match, _, err := c.match(ctx, req, typ, where)
		if err != nil || match == nil {
			return plan{nothing: true}, err
		}
		return c.planDelete(ctx, actor, typ, match.TypeID.ID, cond)
	})
}

// plan is a change that policy has allowed, on the state it was decided on.
type plan struct {
	change  vault.Change
	absent  []vault.Absent
	docs    []vault.DocWrite
	found   *Resource // nothing to do: this is what a conditional create found
	nothing bool      // nothing to do
	revived bool      // the change brings back what was deleted
	issues  []fault.Issue
	masked  bool     // its author was shown numbers masked, and what is stored has them whole
	shownBy []string // roles by which its author is shown a part of it alone; nil: all of it is his
}

func (p plan) idle() bool { return p.found != nil || p.nothing }

// aim is what a request is after: a record by its name, or what a condition finds.
type aim struct{ name, where string }

// change plans and commits until it wins or the caller's own condition fails.
func (c *Chart) change(ctx context.Context, actor Actor, action, typ string, after aim, prepare func(*request) (plan, error)) (Outcome, error) {
	for race := 0; ; race++ {
		req := c.begin(actor, action, typ)
		req.name, req.event.Query = after.name, after.where
		var p plan
		_, err := c.reach(actor, action, typ)
		if err == nil {
			p, err = prepare(req)
		}
		if err == nil {
			p.issues, err = c.inspect(ctx, actor, p, false)
		}
		if err == nil {
			err = c.scan(ctx, actor, p)
		}
		if err == nil {
			err = c.asks(ctx, actor, p.change)
		}
		if err != nil {
			return Outcome{}, req.finish(ctx, err)
		}
		if p.idle() {
			out := Outcome{Unchanged: true}
			if p.found != nil {
				req.discloses(*p.found)
				out.Resource = *p.found
			}
			return out, req.finish(ctx, nil)
		}
		broken, err := c.census.broken(ctx, actor)
		if err != nil {
			return Outcome{}, req.finish(ctx, err)
		}
		records, err := c.vault.Commit(ctx, vault.Tx{
			Changes: []vault.Change{p.change}, Docs: p.docs, Absent: p.absent, Event: req.event, Emergency: broken,
		})
		if err == nil {
			c.changed(typ)
			return c.outcome(ctx, actor, p, records[0])
		}
		if !fault.Is(err, fault.Conflict) || race == maxRaces {
			return Outcome{}, req.finish(ctx, err)
		}
	}
}

func (c *Chart) outcome(ctx context.Context, actor Actor, p plan, rec vault.Record) (Outcome, error) {
	res, err := open(rec)
	if err == nil {
		res, err = c.own(ctx, actor, res)
	}
	return Outcome{Resource: res, Created: p.change.Expect == 0 || p.revived, Issues: p.issues}, err
}

// planPost is planCreate for a POST, of which a history tells.
func (c *Chart) planPost(ctx context.Context, actor Actor, res *fhir.Resource, id string) (plan, error) {
	p, err := c.planCreate(ctx, actor, res, id)
	p.change.Posted = true
	return p, err
}

func (c *Chart) planCreate(ctx context.Context, actor Actor, res *fhir.Resource, id string) (plan, error) {
	res, err := c.localise(nil, res)
	if err == nil {
		res, _, err = c.keepsNumbers(actor, nil, res)
	}
	if err != nil {
		return plan{}, err
	}
	if _, err := c.permitNew(ctx, actor, authz.Create, nil, res, id); err != nil {
		return plan{}, err
	}
	return c.mandated(ctx, actor, nil, plan{change: vault.Change{TypeID: typeIDOf(res.Type(), id), Resource: res}})
}

// localise makes absolute references to this server relative, so that a record
// lies in the compartments of the patients it names however it names them. It
// refuses what could hold patients' data and lie in no compartment, and files that are
// not what they are said to be. old is the state it follows on, nil if there is none.
func (c *Chart) localise(old, res *fhir.Resource) (*fhir.Resource, error) {
	if c.base != "" {
		var err error
		if res, err = res.Rewrite(func(ref string) (string, bool) { return strings.CutPrefix(ref, c.base+"/") }); err != nil {
			return nil, err
		}
	}
	if err := ofPatient(res); err != nil {
		return nil, err
	}
	if err := c.keptBack(old, res); err != nil {
		return nil, err
	}
	if err := filesAgree(old, res); err != nil {
		return nil, err
	}
	return res, c.encloses(res)
}

// permitNew decides on the state a change would leave behind under an id, which
// need not be the one in the resource, and returns that state. old is the one it
// follows on, nil if there is none.
func (c *Chart) permitNew(ctx context.Context, actor Actor, action string, old, res *fhir.Resource, id string) (Resource, error) {
	reach, err := c.reach(actor, action, res.Type())
	if err != nil {
		return Resource{}, err
	}
	var patients []record.Key
	if _, unconfined := c.ways(actor, action, res.Type()); !reach.All() || !unconfined {
		if patients, err = c.patientsOf(ctx, res, id); err != nil {
			return Resource{}, err
		}
	}
	state := Resource{Resource: res, TypeID: typeIDOf(res.Type(), id), patients: patients}
	if err := c.joins(ctx, actor, old, res); err != nil {
		return Resource{}, err
	}
	if err := c.consents(ctx, actor, old, res); err != nil {
		return Resource{}, err
	}
	allowed, err := c.stand(actor).permitChange(ctx, action, state)
	if err == nil && !allowed {
		err = fault.New(fault.Denied, "chart.permitNew", "You may not write this for this patient.")
	}
	return state, err
}

// patientsOf returns the patients in whose compartment a new state lies. One who
// is not known yet has the zero key, to whom nobody has a relation: a record must
// not lie in wait for a patient to come.
func (c *Chart) patientsOf(ctx context.Context, res *fhir.Resource, id string) ([]record.Key, error) {
	if res.Type() == "Patient" && res.ID() != id { // he is in his own compartment by the id he will have
		res = res.Stamp(id, 1, c.clock.Now())
	}
	patients, err := search.Patients(res)
	if err != nil {
		return nil, err
	}
	var ids []vault.TypeID
	for _, id := range patients {
		ids = append(ids, typeIDOf("Patient", id))
	}
	return c.vault.Keys(ctx, ids)
}

func (c *Chart) planUpdate(ctx context.Context, actor Actor, res *fhir.Resource, id string, cond Condition) (plan, error) {
	old, err := c.before(ctx, actor, authz.Update, res.Type(), id)
	if err != nil {
		return plan{}, err
	}
	switch {
	case old == nil && cond.MustExist:
		return plan{}, fault.New(fault.NotFound, "chart.planUpdate", "")
	case old == nil:
		if err := c.mayChooseIDs(actor, res.Type()); err != nil {
			return plan{}, err
		}
		if cond.IfMatch != 0 {
			return plan{}, fault.New(fault.Precondition, "chart.planUpdate", "")
		}
		p, err := c.planCreate(ctx, actor, res, id)
		return p, err
	}
	if err := cond.check(old); err != nil {
		return plan{}, err
	}
	return c.planNext(ctx, actor, authz.Update, res, *old)
}

func (c *Chart) planUpdateWhere(ctx context.Context, req *request, res *fhir.Resource, where []search.Param, cond Condition) (plan, error) {
	actor := req.actor
	match, absent, err := c.match(ctx, req, res.Type(), where)
	if err != nil {
		return plan{}, err
	}
	if match != nil {
		if res.ID() != "" && res.ID() != match.TypeID.ID {
			return plan{}, fault.New(fault.Invalid, "chart.planUpdateWhere", "The resource has another id than the one found.")
		}
		return c.planUpdate(ctx, actor, res, match.TypeID.ID, cond)
	}
	var p plan
	if res.ID() != "" {
		p, err = c.planUpsert(ctx, actor, res, res.ID(), cond)
	} else {
		p, err = c.planCreate(ctx, actor, res, NewID())
	}
	p.absent = absent
	return p, err
}

// planUpsert creates the record under an id that a conditional update chose. If
// there is one that its condition did not find, it is not written over.
func (c *Chart) planUpsert(ctx context.Context, actor Actor, res *fhir.Resource, id string, cond Condition) (plan, error) {
	p, err := c.planUpdate(ctx, actor, res, id, cond)
	if err == nil && p.change.Expect != 0 && !p.revived {
		return plan{}, fault.New(fault.Conflict, "chart.planUpsert", "The resource has the id of a record that the condition does not find.")
	}
	return p, err
}

func (c *Chart) planDelete(ctx context.Context, actor Actor, typ, id string, cond Condition) (plan, error) {
	old, err := c.before(ctx, actor, authz.Delete, typ, id)
	if err != nil {
		return plan{}, err
	}
	if old == nil {
		return plan{}, fault.New(fault.NotFound, "chart.planDelete", "")
	}
	if err := cond.check(old); err != nil {
		return plan{}, err
	}
	if old.Deleted {
		return plan{nothing: true}, nil
	}
	return c.mandated(ctx, actor, old, plan{change: vault.Change{
		TypeID: typeIDOf(typ, id), Expect: old.Version, Patients: old.patients,
	}})
}

func (cond Condition) check(old *Resource) error {
	if cond.IfMatch != 0 && cond.IfMatch != old.Version || cond.IfNone && !old.Deleted || cond.MustExist && old.Deleted {
		return fault.New(fault.Precondition, "chart.Condition", "")
	}
	return nil
}

// before returns the state a change starts from: nil if there is none,
// fault.NotFound if the actor may not see or may not change it.
func (c *Chart) before(ctx context.Context, actor Actor, action string, typ, id string) (*Resource, error) {
	if _, err := c.reach(actor, action, typ); err != nil {
		return nil, err
	}
	rec, err := c.vault.Get(ctx, typeIDOf(typ, id))
	if err != nil || !rec.Exists() {
		return nil, err
	}
	old, err := open(rec)
	if err != nil {
		return nil, err
	}
	allowed, err := c.stand(actor).permitChange(ctx, action, old)
	if err != nil || allowed {
		return &old, err
	}
	// Whoever may see it is told that he may not change it; to others it is
	// not there.
	if _, seen, err := c.stand(actor).permit(ctx, authz.Read, old); err != nil || !seen {
		return nil, errors.Join(err, fault.New(fault.NotFound, "chart.before", ""))
	}
	return nil, fault.New(fault.Denied, "chart.before", "You may see this, and may not change it.")
}

// mayChooseIDs keeps callers who see a part only from finding out, by trying,
// which ids exist in the rest.
func (c *Chart) mayChooseIDs(actor Actor, typ string) error {
	if actor.Kind == identity.KindSystem {
		return nil // a part of this server, such as an import: it shows nobody anything
	}
	reach, err := c.reach(actor, authz.Read, typ)
	if err != nil { // who may not read at all is told the same of what is there
		return fault.New(fault.NotFound, "chart.mayChooseIDs", "")
	}
	_, all := c.ways(actor, authz.Read, typ)
	for _, term := range reach.Terms {
		// A program is granted all but what bears marks, and keeps its own ids.
		marks := len(term.Without) > 0 && actor.Kind == identity.KindPerson
		if all && len(term.Relations) == 0 && term.Rows == nil && !marks {
			return nil
		}
	}
	return fault.New(fault.NotFound, "chart.mayChooseIDs", "")
}

// NewID returns a fresh id: a random UUID (RFC 9562, version 4).
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails: it ends the process instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
