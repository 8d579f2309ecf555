package chart

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Locate tells staff whether somebody is known here whose chart is not theirs to see:
// name, birth date, gender and number alone, so that nobody is registered twice, and
// who treats him finds his chart. Each question and its answer is in the log; who asks
// often is held up, and who asks often in vain is reported.
func (c *Chart) Locate(ctx context.Context, actor Actor, whom emergency.Whom) ([]*fhir.Resource, error) {
	whom = whom.Trimmed()
	req := c.begin(actor, authz.Locate, "Patient")
	req.event.Query = strings.Join([]string{whom.MRN, whom.Given, whom.Family, whom.Born}, "|")
	found, err := c.locate(ctx, req, whom)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	if len(found) == 0 && c.locator.missed(actor.ID) {
		c.slog.WarnContext(ctx, "alert: the locator is asked again and again in vain", "person", actor.ID, "request", actor.RequestID)
	}
	return found, nil
}

func (c *Chart) locate(ctx context.Context, req *request, whom emergency.Whom) ([]*fhir.Resource, error) {
	const op = "chart.Locate"
	if _, err := c.reach(req.actor, authz.Locate, "Patient"); err != nil {
		return nil, err
	}
	if err := whom.Check(); err != nil {
		return nil, err
	}
	if !c.locator.take(req.actor.ID) {
		return nil, fault.New(fault.Throttled, op, "You have looked for many people. Wait some minutes.")
	}
	params := []search.Param{{Key: "identifier", Value: search.Escape(whom.MRN)}}
	if whom.MRN == "" {
		params = []search.Param{{Key: "name", Value: search.Escape(whom.Family)}, {Key: "name", Value: search.Escape(whom.Given)}, {Key: "birthdate", Value: whom.Born}}
	}
	q, err := search.Parse("Patient", params, search.Options{Now: c.clock.Now()})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	records, err := c.vault.AllWithBodies(ctx, q)
	if err != nil {
		return nil, err
	}
	return c.recognise(ctx, req, whom, records)
}

// recognise keeps of the candidates whom the asker has described whole.
func (c *Chart) recognise(ctx context.Context, req *request, whom emergency.Whom, records []vault.Record) ([]*fhir.Resource, error) {
	var found []*fhir.Resource
	for _, rec := range records {
		res, err := open(rec)
		if err != nil {
			return nil, err
		}
		marks, err := c.stand(req.actor).marks(ctx, res, res.patients)
		if err != nil {
			return nil, err
		}
		if res, err = c.masked(req.actor, res); err != nil { // by a number that is shown masked nobody is found
			return nil, err
		}
		if !whom.Is(res.Resource, false) || !c.inEmergency(ctx, req.actor, authz.Locate, marks) {
			continue
		}
		if (slices.Contains(marks, authz.LabelVIP) || slices.Contains(marks, authz.LabelEmployee)) && !whom.Is(res.Resource, true) {
			req.event.Detail = "withheld: well known"
			c.slog.WarnContext(ctx, "alert: the locator was asked for somebody well known", "person", req.actor.ID, "request", req.actor.RequestID)
			continue
		}
		shown, err := outline(res.Resource)
		if err != nil {
			return nil, err
		}
		req.discloses(res)
		found = append(found, shown)
	}
	return found, nil
}

// outline is a Patient of whom there is but the name, birth date, gender and number.
func outline(patient *fhir.Resource) (*fhir.Resource, error) {
	id, err := json.Marshal(patient.ID())
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "chart.outline", err)
	}
	members := []string{`"resourceType":"Patient"`, `"id":` + string(id)}
	list := func(name string, keep func(fhir.Node) bool) {
		var raw []string
		for n := range patient.Root().All(name) {
			if keep(n) {
				raw = append(raw, string(n.Raw()))
			}
		}
		if len(raw) > 0 {
			members = append(members, `"`+name+`":[`+strings.Join(raw, ",")+`]`)
		}
	}
	list("identifier", emergency.IsMRN)
	list("name", func(fhir.Node) bool { return true })
	for _, name := range []string{"gender", "birthDate"} {
		if n := patient.Root().Get(name); n.Text() != "" {
			members = append(members, `"`+name+`":`+string(n.Raw()))
		}
	}
	res, err := fhir.Parse([]byte("{" + strings.Join(members, ",") + "}"))
	return res, fault.Wrap(fault.Internal, "chart.outline", err)
}

// Bounds of the locator, for one person on one server.
const (
	locatorWindow = 10 * time.Minute
	locatorUses   = 20
	locatorMisses = 8 // questions in vain within the window, after which it is reported
)

// locator counts who asks how often.
type locator struct {
	clock clock.Clock

	mu    sync.Mutex
	asked map[string]*asking
}

type asking struct {
	since        time.Time
	uses, misses int
}

// of returns the person's present window. l.mu is held.
func (l *locator) of(person string) *asking {
	now := l.clock.Now()
	if l.asked == nil {
		l.asked = map[string]*asking{}
	}
	for id, a := range l.asked {
		if now.Sub(a.since) >= locatorWindow {
			delete(l.asked, id)
		}
	}
	a, ok := l.asked[person]
	if !ok {
		a = &asking{since: now}
		l.asked[person] = a
	}
	return a
}

// take reports whether the person may ask once more.
func (l *locator) take(person string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(person)
	a.uses++
	return a.uses <= locatorUses
}

// crossed reports whether the person's last question was the first one too many.
func (l *locator) crossed(person string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(person).uses == locatorUses+1
}

// missed counts a question in vain, and reports whether there were too many.
func (l *locator) missed(person string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(person)
	a.misses++
	return a.misses == locatorMisses
}
