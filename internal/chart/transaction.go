package chart

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// ErrUnresolved is in the chain of the fault for a conditional reference that
// finds nothing: an import may try again once more has been filed.
var ErrUnresolved = errors.New("a conditional reference finds nothing")

// Transaction carries out the changes of a transaction Bundle, all or none
// (FHIR R4 3.1.0.11.2); one refusal refuses the whole. Outcomes are in the order
// of the entries; reads (GET, HEAD, and what is marked After) are left to the
// caller, who makes them afterwards, and their outcomes are empty. jobs are committed with the changes.
func (c *Chart) Transaction(ctx context.Context, actor Actor, entries []Entry, jobs ...vault.Job) ([]Outcome, error) {
	return c.transact(ctx, actor, entries, nil, func() ([]vault.Job, error) { return jobs, nil })
}

// File is a Transaction in which entries that are refused are left out instead
// of refusing the rest; refused is told of each, with its place in entries. If
// another writer came first the whole is planned anew: refused is then told nil
// of every entry, and again of those that are refused.
// jobs, which may be nil, is asked for the marks to be committed once refused was
// told of everything.
func (c *Chart) File(ctx context.Context, actor Actor, entries []Entry, refused func(int, error), jobs func() ([]vault.Job, error)) ([]Outcome, error) {
	if jobs == nil {
		jobs = func() ([]vault.Job, error) { return nil, nil }
	}
	return c.transact(ctx, actor, entries, refused, jobs)
}

func (c *Chart) transact(ctx context.Context, actor Actor, entries []Entry, refused func(int, error), jobsOf func() ([]vault.Job, error)) ([]Outcome, error) {
	for race := 0; ; race++ {
		req := c.begin(actor, "transaction", "Bundle")
		for i := range entries {
			if race > 0 && refused != nil {
				refused(i, nil)
			}
		}
		t := transaction{chart: c, req: req, actor: actor, entries: entries, refused: refused}
		tx, err := t.plan(ctx)
		req.event.Query = t.asked(err != nil)
		if err == nil {
			tx.Jobs, err = jobsOf()
		}
		if err == nil {
			err = c.asks(ctx, actor, tx.Changes...)
		}
		if err == nil {
			tx.Emergency, err = c.census.broken(ctx, actor)
		}
		if err != nil {
			return nil, req.finish(ctx, err)
		}
		tx.Event = req.event
		if len(tx.Changes) == 0 && len(tx.Jobs) == 0 {
			out, err := t.outcomes(ctx, nil)
			return out, req.finish(ctx, err)
		}
		records, err := c.vault.Commit(ctx, tx)
		if err == nil {
			c.changed(t.types()...)
			return t.outcomes(ctx, records)
		}
		if !fault.Is(err, fault.Conflict) || race == maxRaces {
			return nil, req.finish(ctx, err)
		}
	}
}

// transaction is one attempt at a transaction.
type transaction struct {
	chart   *Chart
	req     *request
	actor   Actor
	entries []Entry
	refused func(int, error) // nil: one refusal refuses the whole
	steps   []step
	names   map[string]string // full URL → Type/id
	found   map[string]string // conditional reference → Type/id
}

// step is what becomes of one entry.
type step struct {
	target target
	id     string // of the record the entry is about, once known
	plan   plan
	at     int // index of its change in the commit, -1 if it makes none
}

// order is the order in which entries take effect, whatever their order in the
// Bundle: deletions, creations, updates and patches, reads.
var order = [...][]string{{"DELETE"}, {"POST"}, {"PUT", "PATCH"}, {"GET", "HEAD"}}

func (t *transaction) plan(ctx context.Context) (vault.Tx, error) {
	t.steps = make([]step, len(t.entries))
	t.names, t.found = map[string]string{}, map[string]string{}
	if err := t.methods(); err != nil {
		return vault.Tx{}, err
	}
	if err := t.each(func(i int, e *Entry) error { return t.identify(ctx, i, e) }); err != nil {
		return vault.Tx{}, err
	}
	if err := t.distinct(); err != nil {
		return vault.Tx{}, err
	}
	var tx vault.Tx
	err := t.each(func(i int, e *Entry) error {
		s := &t.steps[i]
		if err := t.prepare(ctx, s, e); err != nil {
			return err
		}
		if s.plan.found != nil {
			t.req.discloses(*s.plan.found)
		}
		if !e.changes() || s.plan.idle() {
			return nil
		}
		s.at = len(tx.Changes)
		tx.Changes = append(tx.Changes, s.plan.change)
		tx.Docs = append(tx.Docs, s.plan.docs...)
		tx.Absent = append(tx.Absent, s.plan.absent...)
		return nil
	})
	return tx, err
}

// methods refuses what a transaction cannot carry.
func (t *transaction) methods() error {
	for i := range t.entries {
		t.steps[i].at = -1
		if e := &t.entries[i]; !slices.ContainsFunc(order[:], func(m []string) bool { return slices.Contains(m, e.Method) }) {
			err := entryFault(fault.NotSupported, e.Place+".request.method", "not-supported", "An entry is a GET, HEAD, POST, PUT, PATCH or DELETE.")
			if err := t.refuse(i, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse leaves an entry out, if that may be, and returns the error otherwise.
func (t *transaction) refuse(i int, err error) error {
	if err == nil || t.refused == nil || fault.KindOf(err) == fault.Internal || fault.KindOf(err) == fault.Unavailable {
		return err
	}
	t.refused(i, err)
	t.steps[i].plan = plan{nothing: true}
	return nil
}

// each visits the entries in the order in which they take effect.
func (t *transaction) each(visit func(int, *Entry) error) error {
	for _, methods := range order {
		for i := range t.entries {
			e := &t.entries[i]
			for _, m := range methods {
				if e.Method != m {
					continue
				}
				if err := t.refuse(i, visit(i, e)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// identify settles which record an entry is about, so that others can refer to it.
func (t *transaction) identify(ctx context.Context, i int, e *Entry) error {
	s := &t.steps[i]
	if !e.changes() {
		return nil
	}
	var err error
	if s.target, err = e.target(); err != nil {
		return err
	}
	s.id = s.target.id
	switch {
	case e.Method == "POST":
		err = t.identifyCreate(ctx, s, e)
	case s.target.where != nil:
		err = t.identifyWhere(ctx, s, e)
	case s.id == "":
		return entryFault(fault.Invalid, e.Place+".request.url", "value", "An update, patch or deletion names a record or a condition.")
	}
	if err != nil {
		return located(err, e.Place)
	}
	t.name(s, e)
	return nil
}

func (t *transaction) identifyCreate(ctx context.Context, s *step, e *Entry) error {
	if s.id != "" || s.target.where != nil {
		return fault.New(fault.Invalid, "chart.identify", "A creation is addressed to the type alone.")
	}
	s.id = NewID()
	if _, err := t.chart.reach(t.actor, authz.Create, s.target.typ); err != nil || e.IfNoneExist == "" {
		return err
	}
	where, err := ParseQuery(strings.TrimPrefix(e.IfNoneExist, "?"))
	if err != nil {
		return err
	}
	match, absent, err := t.chart.match(ctx, t.req, s.target.typ, where)
	if match != nil {
		s.id, s.plan.found = match.TypeID.ID, match
	}
	s.plan.absent = absent
	return err
}

func (t *transaction) identifyWhere(ctx context.Context, s *step, e *Entry) error {
	action := map[string]string{"PUT": authz.Update, "PATCH": authz.Patch, "DELETE": authz.Delete}[e.Method]
	if _, err := t.chart.reach(t.actor, action, s.target.typ); err != nil {
		return err
	}
	match, absent, err := t.chart.match(ctx, t.req, s.target.typ, s.target.where)
	switch {
	case err != nil:
		return err
	case match != nil:
		s.id = match.TypeID.ID
	case e.Method == "DELETE":
		s.plan.nothing = true
	case e.Method == "PATCH":
		return fault.New(fault.NotFound, "chart.identifyWhere", "The condition finds no record.")
	case e.Resource.ID() != "":
		s.id = e.Resource.ID()
	default:
		s.id = NewID()
	}
	s.plan.absent = absent
	return nil
}

// name makes the record known under the ways in which other entries may refer
// to it.
func (t *transaction) name(s *step, e *Entry) {
	if e.FullURL == "" || s.id == "" {
		return
	}
	local := s.target.typ + "/" + s.id
	t.names[e.FullURL] = local
	if base := restBase(e.FullURL, s.target.typ); base != "" {
		t.names[strings.TrimPrefix(e.FullURL[len(base):], "/")] = local
	}
}

// distinct refuses a transaction that changes a record twice, or creates two
// under one condition.
func (t *transaction) distinct() error {
	seen, conditions := map[vault.TypeID]bool{}, map[string]bool{}
	for i, s := range t.steps {
		if s.id == "" || s.plan.idle() {
			continue
		}
		id := typeIDOf(s.target.typ, s.id)
		condition := ""
		if len(s.plan.absent) > 0 {
			condition = s.target.typ + "?" + t.entries[i].IfNoneExist + queryText(s.target.where)
		}
		if seen[id] || conditions[condition] {
			err := entryFault(fault.Invalid, t.entries[i].Place, "duplicate", "Two entries of the transaction change the same record.")
			if err := t.refuse(i, err); err != nil {
				return err
			}
			continue
		}
		seen[id], conditions[condition] = true, condition != ""
	}
	return nil
}

func (t *transaction) prepare(ctx context.Context, s *step, e *Entry) error {
	if !e.changes() || s.plan.idle() {
		return nil
	}
	absent := s.plan.absent
	err := t.decide(ctx, s, e)
	if err == nil {
		s.plan.issues, err = t.chart.inspect(ctx, t.actor, s.plan, t.refused != nil)
	}
	if err == nil {
		err = t.chart.scan(ctx, t.actor, s.plan)
	}
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && len(f.Issues) > 0 {
			return err
		}
		return located(err, e.Place)
	}
	s.plan.absent = absent
	return nil
}

func (t *transaction) decide(ctx context.Context, s *step, e *Entry) error {
	cond, err := e.condition()
	if err != nil {
		return err
	}
	if e.Method == "DELETE" {
		s.plan, err = t.chart.planDelete(ctx, t.actor, s.target.typ, s.id, cond)
		return err
	}
	if e.Method == "PATCH" {
		apply, err := entryPatch(e.Resource)
		if err != nil {
			return err
		}
		s.plan, err = t.chart.planPatch(ctx, t.actor, s.target.typ, s.id, func(old *fhir.Resource) (*fhir.Resource, error) {
			res, err := apply(old)
			if err != nil {
				return nil, err
			}
			return t.resolve(ctx, res)
		}, cond)
		return err
	}
	if id := e.Resource.ID(); e.Method == "PUT" && id != "" && id != s.id {
		return entryFault(fault.Invalid, e.Place, "value", "The resource has another id than the record it is to change.")
	}
	res, err := t.resolve(ctx, e.Resource)
	if err != nil {
		return err
	}
	if e.Method == "POST" {
		s.plan, err = t.chart.planPost(ctx, t.actor, res, s.id)
		return err
	}
	if len(s.plan.absent) > 0 { // the condition found nothing
		s.plan, err = t.chart.planUpsert(ctx, t.actor, res, s.id, cond)
		return err
	}
	s.plan, err = t.chart.planUpdate(ctx, t.actor, res, s.id, cond)
	return err
}

func (t *transaction) outcomes(ctx context.Context, records []vault.Record) ([]Outcome, error) {
	out := make([]Outcome, len(t.steps))
	for i, s := range t.steps {
		switch {
		case s.plan.found != nil:
			out[i] = Outcome{Resource: *s.plan.found, Unchanged: true}
		case s.plan.nothing:
			out[i] = Outcome{Unchanged: true}
		case s.at >= 0 && records != nil:
			o, err := t.chart.outcome(ctx, t.actor, s.plan, records[s.at])
			if err != nil {
				return nil, err
			}
			out[i] = o
		}
	}
	return out, nil
}

func (t *transaction) types() []string {
	var types []string
	for _, s := range t.steps {
		types = append(types, s.target.typ)
	}
	return types
}
