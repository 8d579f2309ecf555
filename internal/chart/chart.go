// Package chart is the one door to patient data. Whoever wants to see or change
// a record, a page, a program or an import, comes through here: policy is asked
// before and after the record is opened, and nothing is returned before the
// audit entry that tells of it is durable.
package chart

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Actor is who asks.
type Actor = identity.Actor

// Config says what a chart stands on. All fields from Vault to Slog are required.
type Config struct {
	Vault  *vault.Vault
	Log    *audit.Log
	Policy *authz.Policy
	Clock  clock.Clock
	Slog   *slog.Logger
	Base   string // of the FHIR API as clients write it: https://host/fhir
	// Changed is told of the types of every change once it is durable. It MUST
	// NOT block.
	Changed func(types ...string)
	// Vet refuses a Subscription that would never be served; old is nil if
	// there was none.
	Vet        func(ctx context.Context, old, next *fhir.Resource) error
	Validation Validation // of what is written; the zero value is off
	Minors     Minors
	// Scan returns the name of the malware that a file holds, "" if it holds none; nil:
	// nobody looks. An error refuses the file.
	Scan func(ctx context.Context, data []byte) (malware string, err error)
	// UsualCharts is how many patients' records who bears a role is usually shown within
	// an hour, "program" for programs; what is missing has no bound.
	UsualCharts map[string]int
	// Glass keeps who has broken the glass for whom; nil: nobody can.
	Glass Glass
	// Spool keeps entries of emergencies while the log cannot be written; nil: nothing
	// is shown then.
	Spool Spool
}

// Chart is safe for concurrent use.
type Chart struct {
	vault  *vault.Vault
	log    *audit.Log
	policy *authz.Policy
	clock  clock.Clock
	slog   *slog.Logger
	base   string
	marked map[authz.Label][]string // the security labels of each mark
	census *census
	glass  Glass
	spool  Spool
	// locator counts who asks it how often.
	locator locator
	// unmaskings counts who asks for whole numbers how often.
	unmaskings locator
	readers    readers
	scanner    func(context.Context, []byte) (string, error)
	findings   findings
	// library is the definitions stored here, inspector what judges by them.
	library   *conformance
	inspector *inspector
	lexicon   *lexicon
	// narrowings are what scopes are narrowed by.
	narrowings narrowings

	catalogs catalogs
	rows     sync.Map // *authz.Rows → *search.Query
	discreet sync.Map // type and categories → []*search.Query
	notify   func(types ...string)
	vet      func(ctx context.Context, old, next *fhir.Resource) error
}

// New returns the door.
func New(cfg Config) *Chart {
	library := newConformance(cfg.Vault, cfg.Clock)
	words := &lexicon{library: library, clock: cfg.Clock}
	c := &Chart{
		vault: cfg.Vault, log: cfg.Log, policy: cfg.Policy, clock: cfg.Clock,
		slog: cfg.Slog, base: cfg.Base, census: newCensus(cfg.Vault, cfg.Clock, cfg.Minors), glass: cfg.Glass, spool: cfg.Spool,
		notify: cfg.Changed, vet: cfg.Vet,
		library: library, lexicon: words, inspector: &inspector{policy: cfg.Validation, library: library, lexicon: words},
		marked: map[authz.Label][]string{}, locator: locator{clock: cfg.Clock}, narrowings: narrowings{catalog: search.Base().Masked(cfg.Policy.Numbers())}, unmaskings: locator{clock: cfg.Clock},
		readers: readers{clock: cfg.Clock, usual: cfg.UsualCharts, counts: map[string]*reading{}}, scanner: cfg.Scan,
	}
	for _, mark := range authz.Labels() {
		c.marked[mark] = labelCodes(mark)
	}
	return c
}

// changed tells all who keep something derived from records.
func (c *Chart) changed(types ...string) {
	c.census.changed(types...)
	c.library.changed(types...)
	if c.notify != nil {
		c.notify(types...)
	}
}

// options are what every query of a caller is read with.
func (c *Chart) options(actor Actor) search.Options {
	return search.Options{Catalog: c.catalogOf(actor), BaseURL: c.base, Now: c.clock.Now()}
}

// Catalog returns what records are found by now.
func (c *Chart) Catalog() *search.Catalog { return c.vault.Catalog() }

// Resource is one version, as the actor may see it.
type Resource struct {
	*fhir.Resource // nil on a tombstone
	TypeID         vault.TypeID
	Version        uint64
	Updated        time.Time
	Deleted        bool
	Posted         bool // the version was created by POST, if that is known
	// Contained: the resource is one contained in the record, with an id of
	// its own; all else is said of the record.
	Contained bool

	key      record.Key
	position record.Position
	patients []record.Key
	roles    []string // of the actor's, those by which it is shown
	absent   string   // why a Binary is shown without its data
}

// request is one disclosure or change in the making: it knows who asks for what,
// and gathers what has to be told of it.
type request struct {
	chart *Chart
	actor Actor
	event audit.Event
	// name is of the record asked for, if it was asked for by name. It is told
	// when nothing of it was shown or changed: else the entry holds its key, by
	// which the entry's reader finds the name while the record can be opened.
	name string
	seen map[record.Key]uint64

	count  uint64 // of the census, when the search under way was narrowed
	settle bool   // it is not run anew any more
	open   bool   // it asks nothing of any record

	administered []record.Key // patients shown by the right of an administrator alone

	named  bool           // it asks for one patient's chart, or one record, by name
	groups [][]record.Key // patients of each record shown, if the actor is in an emergency
}

func (c *Chart) begin(actor Actor, action, typ string) *request {
	return &request{
		chart: c, actor: actor, seen: map[record.Key]uint64{},
		event: audit.Event{
			Actor: actor.ID, Client: actor.ClientID, Session: actor.SessionID, Roles: actor.Roles, Purpose: actor.Purpose,
			RequestID: actor.RequestID, Address: actor.Source,
			Action: action, Type: typ, Outcome: audit.OutcomeSuccess,
		},
	}
}

// discloses notes that a version is about to be shown.
func (r *request) discloses(res Resource) {
	if v, ok := r.seen[res.key]; ok && v == res.Version {
		return
	}
	r.seen[res.key] = res.Version
	r.event.Items = append(r.event.Items, audit.Item{Key: res.key, Version: res.Version})
	r.concerns(res.patients)
	if len(r.actor.Emergencies) > 0 && len(res.patients) > 0 {
		r.groups = append(r.groups, res.patients)
	}
	if len(res.roles) == 1 && res.roles[0] == "admin" {
		r.administers(res.patients)
	}
}

func (r *request) concerns(patients []record.Key) {
	for _, p := range patients {
		if !containsKey(r.event.Patients, p) {
			r.event.Patients = append(r.event.Patients, p)
		}
	}
}

// finish makes the audit entry durable and only then lets the caller go on.
// An outcome that the caller did not ask for, a refusal, is told as well.
func (r *request) finish(ctx context.Context, err error) error {
	r.event.Time = r.chart.clock.Now()
	if err == nil {
		err = r.inEmergency(ctx)
	}
	if err == nil {
		r.alertBulk(ctx)
		r.alertMany(ctx)
	}
	if err != nil {
		r.event.Outcome, r.event.Detail = outcomeOf(err), fault.KindOf(err).String()
	}
	if err != nil || len(r.event.Items) == 0 {
		r.event.Query = cmp.Or(r.event.Query, r.name)
		if !r.open {
			withholds(ctx)
		}
	}
	if auditErr := r.tell(ctx, err); auditErr != nil {
		return auditErr
	}
	return err
}

func outcomeOf(err error) string {
	switch fault.KindOf(err) {
	case fault.Internal, fault.Unavailable:
		return audit.OutcomeFailure
	case fault.Denied, fault.Unauthenticated:
		return audit.OutcomeDenied
	}
	return audit.OutcomeFailure
}

// open parses a record. A body that does not parse was written by another
// release with looser rules: it is still shown as it is known to be authentic,
// so the parser's complaint is an internal fault here and never the caller's.
func open(rec vault.Record) (Resource, error) {
	res := Resource{
		TypeID: rec.TypeID, Version: rec.Version, Updated: rec.Time, Deleted: rec.Deleted, Posted: rec.Posted,
		key: rec.Key, position: rec.Position, patients: rec.Patients,
	}
	if rec.Deleted {
		return res, nil
	}
	if rec.Resource != nil {
		res.Resource = rec.Resource
		return res, nil
	}
	parsed, err := fhir.Parse(rec.Body)
	if err != nil {
		return Resource{}, fault.Wrap(fault.Internal, "chart.open", err)
	}
	res.Resource = parsed
	return res, nil
}

func containsKey(keys []record.Key, key record.Key) bool {
	for _, k := range keys {
		if k == key {
			return true
		}
	}
	return false
}

func typeIDOf(typ, id string) vault.TypeID { return search.TypeID{Type: typ, ID: id} }
