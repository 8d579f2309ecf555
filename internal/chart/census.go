package chart

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// census knows who lies where, who cares for whom, who acts for whom, and whose
// records are marked. The truth is in the records themselves: a patient is on a
// ward while an encounter in progress is at the ward or at a room or bed of it, in
// somebody's care while one of the ways of team.go names the practitioner, and
// marked while the Patient bears a security label.
type census struct {
	vault  *vault.Vault
	clock  clock.Clock
	minors Minors
	mu     sync.Mutex
	writes map[string]uint64 // of each type that a panel rests on
	counts uint64            // how often a panel was counted
	known  map[string]panel
	flight singleflight.Group // those who need the same panel wait for one count

	consents consents
}

// What panels rest on: whoever writes another type changes none of them.
var (
	wardTypes = []string{"Encounter", "Location"}
	markTypes = []string{"Patient"}
)

// restOn are all types that panels rest on.
var restOn = map[string]bool{
	"Encounter": true, "Location": true, "CareTeam": true, "Appointment": true, "ServiceRequest": true, "Task": true,
	"RelatedPerson": true, "Patient": true, "Consent": true, "Device": true, "Group": true, "PractitionerRole": true,
	"EpisodeOfCare": true, "Condition": true, "Procedure": true, "Account": true, "ChargeItem": true, "Claim": true, "ClaimResponse": true,
	"ExplanationOfBenefit": true, "Invoice": true, "CoverageEligibilityRequest": true, "CoverageEligibilityResponse": true,
}

// panel is a set of patients as it was at a time.
type panel struct {
	generation uint64
	at         time.Time
	serial     uint64 // of the count, higher than that of any before
	patients   vault.PatientSet
	refs       []string // of a panel of those who stand for somebody
}

// panelLife bounds how long a panel is believed when other servers may have
// written; what this server writes is seen at once.
const panelLife = 2 * time.Second

const panelsKept = 1000

func newCensus(v *vault.Vault, c clock.Clock, m Minors) *census {
	return &census{vault: v, clock: c, minors: m, writes: map[string]uint64{}, known: map[string]panel{}}
}

// changed is told of every type written, so that an admission or a discharge
// acts on the next request.
func (c *census) changed(types ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, typ := range types {
		if restOn[typ] {
			c.writes[typ]++
		}
	}
}

// generation counts the writes that a panel resting on types may have changed
// with. c.mu is held.
func (c *census) generation(types []string) (sum uint64) {
	for _, typ := range types {
		sum += c.writes[typ]
	}
	return sum
}

// panel returns the patients the actor has a relation to.
func (c *census) panel(ctx context.Context, actor Actor, relation authz.Relation) (vault.PatientSet, error) {
	switch {
	case relation == authz.RelationWard && len(actor.WardIDs) > 0:
		return c.remember("ward "+strings.Join(actor.WardIDs, " "), wardTypes, func() (vault.PatientSet, error) {
			return c.onWards(ctx, actor.WardIDs)
		})
	case relation == authz.RelationTeam && actor.PractitionerID != "":
		return c.team(ctx, "Practitioner/"+actor.PractitionerID)
	case relation == authz.RelationSelf:
		return c.himself(ctx, actor)
	case relation == authz.RelationProxy && actor.HasRole("proxy"):
		return c.remember("proxy "+actor.ID+" "+c.minors.today(c.clock.Now()).Format(time.DateOnly), proxyTypes, func() (vault.PatientSet, error) {
			return c.actsFor(ctx, actor.ID)
		})
	case relation == authz.RelationEmergency:
		return c.broken(ctx, actor)
	} // what a Consent opens is no panel: see standing.consented
	return vault.PatientSet{}, nil
}

// broken returns the patients for whom the actor has broken the glass: herself, at
// work in a session, not what acts for her.
func (c *census) broken(ctx context.Context, actor Actor) (vault.PatientSet, error) {
	if len(actor.Emergencies) == 0 || actor.Kind != identity.KindPerson || actor.ClientID != "" || actor.SessionID == "" {
		return vault.PatientSet{}, nil
	}
	return c.vault.PatientsOf(ctx, actor.Emergencies)
}

// marked returns the patients who bear a mark; for LabelOwn, the actor himself.
func (c *census) marked(ctx context.Context, actor Actor, mark authz.Label) (vault.PatientSet, error) {
	if mark == authz.LabelOwn {
		return c.himself(ctx, actor)
	}
	return c.remember("mark "+string(mark), markTypes, func() (vault.PatientSet, error) {
		return c.gather(ctx, "Patient", always, search.Param{Key: "_security", Value: strings.Join(labelCodes(mark), ",")})
	})
}

// labelCodes returns the security labels of a mark as a search asks for them.
func labelCodes(mark authz.Label) (codes []string) {
	for _, coding := range mark.Codings() {
		codes = append(codes, coding.System+"|"+coding.Code)
	}
	return codes
}

func (c *census) himself(ctx context.Context, actor Actor) (vault.PatientSet, error) {
	if actor.PatientID == "" {
		return vault.PatientSet{}, nil
	}
	keys, err := c.vault.Keys(ctx, []vault.TypeID{typeIDOf("Patient", actor.PatientID)})
	return vault.Patients(keys...), err
}

// remember returns the panel of that name, counted anew if it may have changed.
func (c *census) remember(name string, types []string, count func() (vault.PatientSet, error)) (vault.PatientSet, error) {
	p, err := c.recall(name, types, func() (panel, error) {
		patients, err := count()
		return panel{patients: patients}, err
	})
	return p.patients, err
}

func (c *census) recall(name string, types []string, count func() (panel, error)) (panel, error) {
	c.mu.Lock()
	generation := c.generation(types)
	p, ok := c.known[name]
	c.mu.Unlock()
	if ok && p.generation == generation && c.clock.Now().Sub(p.at) < panelLife {
		return p, nil
	}
	// A count that began in this generation has seen all that this caller must.
	// It belongs to all who wait: if the one who began it gives up, each counts
	// on his own.
	v, err, shared := c.flight.Do(name+" "+strconv.FormatUint(generation, 10), func() (any, error) {
		return c.take(name, generation, count)
	})
	if err != nil && shared {
		return c.take(name, generation, count)
	}
	p, _ = v.(panel)
	return p, err
}

// take counts a panel and keeps it. One that came out as it was before keeps its
// serial.
func (c *census) take(name string, generation uint64, count func() (panel, error)) (panel, error) {
	at := c.clock.Now()
	p, err := count()
	if err != nil {
		return panel{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= panelsKept {
		clear(c.known)
	}
	c.counts++
	p.generation, p.at, p.serial = generation, at, c.counts
	if old, ok := c.known[name]; ok && old.patients.Equal(p.patients) && slices.Equal(old.refs, p.refs) {
		p.serial, p.patients, p.refs = old.serial, old.patients, old.refs
	}
	c.known[name] = p
	return p, nil
}

// moved notes that somebody's standing may have changed.
func (c *census) moved() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts++
}

// counted changes whenever a panel was counted anew. Two decisions between which
// it stayed the same rest on the same panels.
func (c *census) counted() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// presentStatus are the encounter states of a patient who is there.
const presentStatus = "arrived,triaged,in-progress,onleave"

func (c *census) onWards(ctx context.Context, wards []string) (vault.PatientSet, error) {
	status := search.Param{Key: "status", Value: presentStatus}
	for _, ward := range wards {
		if ward == identity.EveryWard {
			return c.gather(ctx, "Encounter", always, status, search.Param{Key: "class", Value: "IMP"})
		}
	}
	places, err := c.places(ctx, wards)
	if err != nil {
		return vault.PatientSet{}, err
	}
	var all vault.PatientSet
	for run := range slices.Chunk(places, maxAlternatives) {
		some, err := c.gather(ctx, "Encounter", c.thereNow(run), status, search.Param{Key: "location", Value: strings.Join(run, ",")})
		if err != nil {
			return vault.PatientSet{}, err
		}
		all = vault.Union(all, some)
	}
	return all, nil
}

// maxAlternatives is how many places one search is asked about.
const maxAlternatives = 200

// always is for records that a search alone decides on.
func always(*fhir.Resource) bool { return true }

// thereNow tells whether an encounter is at one of the places now. It lists all
// places of a stay: those that were left, and those that are planned, give no
// ward a claim to the patient.
func (c *census) thereNow(places []string) func(*fhir.Resource) bool {
	return func(encounter *fhir.Resource) bool {
		for at := range encounter.Root().All("location") {
			status := at.Get("status").Text()
			if (status == "" || status == "active") && !c.over(at.Get("period")) && slices.Contains(places, local(at.Get("location"))) {
				return true
			}
		}
		return false
	}
}

// over reports whether a period has ended. An end given as a day, month or year
// includes all of it; a date without a zone is read as UTC.
func (c *census) over(period fhir.Node) bool {
	end, ok := endOf(period.Get("end").Text())
	return ok && !c.clock.Now().Before(end)
}

// begun reports whether a period has begun, or has no beginning.
func (c *census) begun(period fhir.Node) bool {
	text := period.Get("start").Text()
	start, ok := startOf(text)
	return text == "" || ok && !c.clock.Now().Before(start)
}

// startOf returns the instant at which a date or time given in FHIR's form begins.
func startOf(text string) (start time.Time, ok bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02", "2006-01", "2006"} {
		if start, err := time.Parse(form, text); err == nil {
			return start, true
		}
	}
	return start, false
}

// endOf returns the instant at which a date or time given in FHIR's form is over.
func endOf(text string) (end time.Time, ok bool) {
	var err error
	switch len(text) {
	case 0:
		return end, false
	case len("2006"):
		end, err = time.Parse("2006", text)
		end = end.AddDate(1, 0, 0)
	case len("2006-01"):
		end, err = time.Parse("2006-01", text)
		end = end.AddDate(0, 1, 0)
	case len("2006-01-02"):
		end, err = time.Parse("2006-01-02", text)
		end = end.AddDate(0, 0, 1)
	default:
		end, err = time.Parse(time.RFC3339Nano, text)
	}
	return end, err == nil
}

// maxDepth bounds the levels of places below a ward: room, bed, and one to spare.
const maxDepth = 4

// places returns the wards with their rooms and beds, as references.
func (c *census) places(ctx context.Context, wards []string) ([]string, error) {
	var places []string
	level := wards
	for depth := 0; depth < maxDepth && len(level) > 0; depth++ {
		var refs []string
		for _, id := range level {
			if ref := "Location/" + id; !slices.Contains(places, ref) { // places may be part of each other
				refs = append(refs, ref)
			}
		}
		places = append(places, refs...)
		level = nil
		for run := range slices.Chunk(refs, maxAlternatives) {
			q, err := search.Parse("Location", []search.Param{{Key: "partof", Value: strings.Join(run, ",")}}, search.Options{})
			if err != nil {
				return nil, err
			}
			records, err := c.vault.All(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, r := range records {
				level = append(level, r.ID)
			}
		}
	}
	return places, nil
}
