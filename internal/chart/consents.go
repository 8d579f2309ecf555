package chart

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// consents knows every Consent that is in force, and what they say to each actor.
type consents struct {
	mu     sync.Mutex
	read   record.Position // versions up to here are in byID
	at     time.Time
	writes uint64 // of Consents, as they were counted when they were read last
	byID   map[string]consent
	told   map[string]*said // nil: everything has to be told anew
	turns  time.Time        // when a period begins or ends next; zero: never
}

// consent is one that is in force.
type consent struct {
	patient record.Key
	root    provision
	hold    *hold // nil: it is none
}

// said is what consents say to one actor.
type said struct {
	withheld, granted []rule
	held              []rule   // from him as the patient, or as who acts for patients
	types             sync.Map // type → *confined
}

// rule is what one or more patients have said in the same words.
type rule struct {
	patients vault.PatientSet
	If       []condition // all of them
	Except   []rule
}

// consentFeed is how many versions are read at a time.
const consentFeed = 1000

// refresh reads the Consents written since it was done last. c.consents.mu is held.
func (c *census) refresh(ctx context.Context) error {
	r := &c.consents
	c.mu.Lock()
	writes := c.generation(consentTypes)
	c.mu.Unlock()
	now := c.clock.Now()
	if r.byID != nil && r.writes == writes && now.Sub(r.at) < panelLife {
		return nil
	}
	for {
		changed, err := c.vault.Feed(ctx, "Consent", r.read, consentFeed)
		if err != nil {
			return err
		}
		if err := c.takeConsents(ctx, changed); err != nil {
			return err
		}
		if len(changed) < consentFeed {
			r.writes, r.at = writes, now
			return nil
		}
	}
}

// consentTypes are what a standing by consent rests on.
var consentTypes = []string{"Consent"}

// takeConsents reads the present versions of Consents that were changed.
func (c *census) takeConsents(ctx context.Context, changed []vault.Record) error {
	r := &c.consents
	if r.byID == nil {
		r.byID = map[string]consent{}
	}
	if len(changed) == 0 {
		return nil
	}
	ids := map[string]bool{}
	for _, rec := range changed {
		ids[rec.ID] = true
	}
	var refs []vault.Ref
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		refs = append(refs, vault.Ref{TypeID: typeIDOf("Consent", id)})
	}
	records, err := c.vault.Read(ctx, refs)
	if err != nil {
		return err
	}
	for i, rec := range records {
		delete(r.byID, refs[i].ID)
		if !rec.Exists() || rec.Deleted {
			continue
		}
		one, ok, err := c.readConsent(ctx, rec)
		if err != nil {
			return err
		}
		if ok {
			r.byID[refs[i].ID] = one
		}
	}
	r.read = changed[len(changed)-1].Position
	r.told = nil
	return nil
}

// readConsent returns a Consent, if it is in force and it is known whose it is.
func (c *census) readConsent(ctx context.Context, rec vault.Record) (consent, bool, error) {
	res, err := fhir.Parse(rec.Body)
	if err != nil {
		return consent{}, false, fault.Wrap(fault.Internal, "chart.readConsent", err)
	}
	id, ok := patientRef(res)
	if !ok || !inForce(res) {
		return consent{}, false, nil
	}
	keys, err := c.vault.Keys(ctx, []vault.TypeID{typeIDOf("Patient", id)})
	if err != nil || keys[0].IsZero() {
		return consent{}, false, err
	}
	if h, ok, lacks := holdOf(res); ok {
		return consent{keys[0], h.provision, &h}, lacks == "", nil
	}
	return consent{keys[0], new(reader).provisionOf(res.Root().Get("provision"), ""), nil}, true, nil
}

// saidTo returns what the Consents in force say to an actor, now.
func (c *census) saidTo(ctx context.Context, actor Actor) (*said, error) {
	if actor.Kind == identity.KindSystem {
		return &said{}, nil
	}
	if any, err := c.anyConsent(ctx); err != nil || !any {
		return &said{}, err
	}
	who, err := c.who(ctx, actor)
	if err != nil {
		return nil, err
	}
	r := &c.consents
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strings.Join([]string{actor.Purpose, string(actor.Kind), strings.Join(actor.Roles, " "), strings.Join(who.refs, " ")}, "|")
	if s := r.told[name]; s != nil {
		return s, nil
	}
	if len(r.told) >= panelsKept {
		clear(r.told)
	}
	s := c.tell(listener{clock: c.clock, actor: actor, who: who.refs})
	r.told[name] = s
	c.moved()
	return s, nil
}

// anyConsent brings what is known of Consents up to date, and reports whether there
// are any. What was told is forgotten when one changes, and when a period of one
// begins or ends.
func (c *census) anyConsent(ctx context.Context) (bool, error) {
	r := &c.consents
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := c.refresh(ctx); err != nil {
		return false, err
	}
	if now := c.clock.Now(); r.told == nil || !r.turns.IsZero() && !now.Before(r.turns) {
		r.told, r.turns = map[string]*said{}, time.Time{}
		for _, one := range r.byID {
			one.root.turns(now, &r.turns)
		}
	}
	return len(r.byID) > 0, nil
}

// turns lowers next to the next instant at which a period begins or ends.
func (p provision) turns(now time.Time, next *time.Time) {
	for _, t := range []time.Time{p.start, p.end} {
		if t.After(now) && (next.IsZero() || t.Before(*next)) {
			*next = t
		}
	}
	for _, inner := range p.nested {
		inner.turns(now, next)
	}
}

// tell gathers what all Consents say to one who listens.
func (c *census) tell(l listener) *said {
	withheld, granted, held := map[string]*gathered{}, map[string]*gathered{}, map[string]*gathered{}
	for id, one := range c.consents.byID {
		if one.hold != nil {
			gather(held, one.patient, l.kept(id, one.hold))
			continue
		}
		denies, permits := l.hear(one.root, nil)
		gather(withheld, one.patient, denies)
		gather(granted, one.patient, permits)
	}
	return &said{withheld: rulesOf(withheld), granted: rulesOf(granted), held: rulesOf(held)}
}

// gathered are the patients who have said the same.
type gathered struct {
	rule     rule
	patients []record.Key
}

func gather(into map[string]*gathered, patient record.Key, rules []rule) {
	for _, one := range rules {
		name, _ := json.Marshal(one) // of strings and flags: it cannot fail
		if into[string(name)] == nil {
			into[string(name)] = &gathered{rule: one}
		}
		into[string(name)].patients = append(into[string(name)].patients, patient)
	}
}

func rulesOf(all map[string]*gathered) (out []rule) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		one := all[name].rule
		one.patients = vault.Patients(all[name].patients...)
		out = append(out, one)
	}
	return out
}

// listener hears what is said to one actor.
type listener struct {
	clock clock.Clock
	actor Actor
	who   []string // references that mean him
}

// hear returns what a provision, and all that is nested in it, denies the actor and
// permits him, under the conditions of those around it.
func (l listener) hear(p provision, around []condition) (denies, permits []rule) {
	if p.deny && !l.denied(p) || !p.deny && !l.meant(p) {
		return nil, nil
	}
	conditions := append(slices.Clone(around), p.condition)
	var except []rule
	for _, inner := range p.nested {
		no, yes := l.hear(inner, conditions)
		if p.deny {
			except = append(except, l.exceptions(inner, true)...)
			yes = nil // an exception to a denial opens nothing by itself
		} else {
			except = append(except, l.exceptions(inner, false)...)
		}
		denies, permits = append(denies, no...), append(permits, yes...)
	}
	switch one := (rule{If: conditions, Except: except}); {
	case p.deny:
		denies = append(denies, one)
	case p.permit && len(p.actors) > 0 && !p.Odd:
		permits = append(permits, one)
	}
	return denies, permits
}

// exceptions returns those to a provision that a nested one makes for the actor: a
// permission to a denial, or the other way round.
func (l listener) exceptions(p provision, permit bool) []rule {
	if p.permit != permit || p.deny == permit || permit && (p.Odd || !l.meant(p)) || !permit && !l.denied(p) {
		return nil
	}
	one := rule{If: []condition{p.condition}}
	for _, inner := range p.nested {
		one.Except = append(one.Except, l.exceptions(inner, !permit)...)
	}
	return []rule{one}
}

// denied reports whether a denial concerns the actor. One with a purpose concerns
// whoever states none, or another one than his work has.
func (l listener) denied(p provision) bool {
	purpose := l.actor.Purpose == "" || slices.ContainsFunc(append(works(l.actor), l.actor.Purpose), func(of string) bool { return authz.Serves(of, p.purposes) })
	return p.now(l.clock) && l.named(p) && (len(p.purposes) == 0 || purpose)
}

// works are the purposes of what somebody does here, whatever he states; programs have
// none. Who bills does so beside any other work.
func works(actor Actor) []string {
	switch {
	case actor.Kind != identity.KindPerson:
		return nil
	case actor.HasRole("billing"):
		return []string{identity.PurposeOf(actor.Roles), "HPAYMT"}
	}
	return []string{identity.PurposeOf(actor.Roles)}
}

// meant reports whether a permission concerns the actor.
func (l listener) meant(p provision) bool {
	return p.now(l.clock) && l.named(p) && (len(p.purposes) == 0 || authz.Serves(l.actor.Purpose, p.purposes))
}

func (l listener) named(p provision) bool {
	return len(p.actors) == 0 || slices.ContainsFunc(p.actors, func(ref string) bool { return slices.Contains(l.who, ref) })
}
