package notify_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// TestEachTryIsDecidedOn: rights that end while an endpoint is down end what is
// waiting for it.
func TestEachTryIsDecidedOn(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.endpoint.answers(503)
	r.endpoint.mu.Lock()
	r.endpoint.first = func() { r.allow("system/Subscription.cruds") }
	r.endpoint.mu.Unlock()
	r.put(finding("a", "718-7"))
	r.await("s1", "error")
	r.endpoint.wait(t, 1)
}

// TestAnImportTakesTheMandate: who can have a file imported cannot have the
// rights of a subscriber sent elsewhere, nor by deleting and filing anew.
func TestAnImportTakesTheMandate(t *testing.T) {
	ctx, importer := context.Background(), identity.System("importer", "importer")
	for name, roads := range map[string]func(r *rig, res *fhir.Resource) error{
		"written over": func(r *rig, res *fhir.Resource) error {
			_, err := r.chart.Update(ctx, importer, res, chart.Condition{})
			return err
		},
		"in a file": func(r *rig, res *fhir.Resource) error {
			_, err := r.chart.File(ctx, importer, []chart.Entry{{Method: "PUT", URL: "Subscription/s1", Place: "x", Resource: res}}, func(_ int, err error) {
				if err != nil {
					r.Error(err)
				}
			}, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
			r.await("s1", "active")
			stolen, err := fhir.Parse([]byte(plain("s1", "requested", "Observation?", r.endpoint.URL+"/elsewhere", "application/fhir+json")))
			check(t, err)
			check(t, roads(r, stolen))
			r.await("s1", "active") // plain R4 has no handshake
			r.put(finding("a", "718-7"))
			r.await("s1", "error")
			r.endpoint.wait(t, 0)
		})
	}
}

// TestATagLendsNoRights: a change by another actor that leaves criteria and
// channel as they were leaves the mandate, too; one of the endpoint does not.
func TestATagLendsNoRights(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	other := chart.Actor{Kind: identity.KindClient, ID: "other", Scopes: program(t).Scopes}
	given, err := fhir.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:t","code":"x"}]}}]}`))
	check(t, err)
	for p := range given.Root().All("parameter") {
		_, err = r.chart.MetaAdd(ctx, other, "Subscription", "s1", p.Get("valueMeta"))
		check(t, err)
	}
	r.put(finding("a", "718-7"))
	if got := paths(r.endpoint.wait(t, 1)); !strings.HasSuffix(got, "/a") {
		t.Errorf("told %s", got)
	}
	moved, err := fhir.Parse([]byte(plain("s1", "requested", "Observation?", r.endpoint.URL+"/other", "application/fhir+json")))
	check(t, err)
	_, err = r.chart.Update(ctx, other, moved, chart.Condition{})
	check(t, err)
	r.await("s1", "active")
	r.put(finding("b", "718-7"))
	r.await("s1", "error") // the other one has no rights in this rig
	r.endpoint.wait(t, 1)
}

// TestCriteriaOfValueSets: a condition that only a terminology can read is one
// for notifications, too.
func TestCriteriaOfValueSets(t *testing.T) {
	r := newRig(t)
	r.put(`{"resourceType":"ValueSet","id":"v","url":"urn:blood","status":"active","compose":{"include":[{"system":"http://loinc.org","concept":[{"code":"718-7"}]}]}}`)
	r.put(plain("s1", "requested", "Observation?code:not-in=urn:blood", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.put(finding("a", "718-7"))
	r.put(finding("b", "4548-4"))
	if got := paths(r.endpoint.wait(t, 1)); !strings.HasSuffix(got, "/b") {
		t.Errorf("told %s", got)
	}
}

// TestWhatEndedTellsNothing: nothing that was committed after a Subscription was
// ended, deleted or sent elsewhere goes to where it told before.
func TestWhatEndedTellsNothing(t *testing.T) {
	for name, end := range map[string]func(r *rig) error{
		"off": func(r *rig) error {
			return r.try(plain("s1", "off", "Observation?", r.endpoint.URL, "application/fhir+json"))
		},
		"other criteria": func(r *rig) error {
			return r.try(plain("s1", "active", "Observation?code=1", r.endpoint.URL, "application/fhir+json"))
		},
		"deleted": func(r *rig) error {
			_, err := r.chart.Delete(context.Background(), program(t), "Subscription", "s1", chart.Condition{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
			r.await("s1", "active")
			for range 20 { // there is nothing to wait for
				check(t, end(r))
				r.put(finding("a", "718-7"))
				r.endpoint.wait(t, 0)
				r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
				r.await("s1", "active")
			}
		})
	}
}

// TestHeadersAreKept: what opens an endpoint is sent there, and is in no version,
// search or answer, for anybody.
func TestHeadersAreKept(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	other := chart.Actor{Kind: identity.KindClient, ID: "other", Scopes: program(t).Scopes}
	text := plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json")
	kept := strings.Replace(text, "Bearer gate", "***", 1)
	for _, foreign := range []error{r.tryAs(other, kept), r.try(kept)} { // nothing was given yet
		if !fault.Is(foreign, fault.Unprocessable) {
			t.Error(foreign)
		}
	}
	r.put(text)
	now := r.await("s1", "active")
	all, err := r.chart.History(ctx, program(t), chart.HistoryRequest{Type: "Subscription", ID: "s1"})
	check(t, err)
	found, err := r.chart.Search(ctx, program(t), chart.SearchRequest{Type: "Subscription", Params: []search.Param{{Key: "_content", Value: "gate"}}})
	check(t, err)
	for _, res := range append(append(all.Versions, found.Matches...), now) {
		if text := string(res.JSON()); strings.Contains(text, "gate") || !strings.Contains(text, `"Authorization: ***"`) {
			t.Error(text)
		}
	}
	// Its owner writes back what he read, and changes something else.
	r.put(strings.Replace(string(now.JSON()), `"reason":"test"`, `"reason":"changed"`, 1))
	r.put(finding("a", "718-7"))
	if got := r.endpoint.wait(t, 1)[0]; got.auth != "Bearer gate" {
		t.Errorf("told with %q", got.auth)
	}
	// Nobody else has the header sent to an endpoint of his own.
	if err := r.tryAs(other, strings.Replace(kept, r.endpoint.URL, r.endpoint.URL+"/other", 1)); !fault.Is(err, fault.Unprocessable) {
		t.Error(err)
	}
	r.put(strings.Replace(text, "gate", "next", 1))
	r.await("s1", "active")
	r.put(finding("b", "718-7"))
	if got := r.endpoint.wait(t, 2)[1]; got.auth != "Bearer next" {
		t.Errorf("told with %q", got.auth)
	}
}

// TestOwnersAreBounded: one owner does not take the places of all.
func TestOwnersAreBounded(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.put(plain(fmt.Sprintf("s%d", i), "requested", "Observation?", r.endpoint.URL, ""))
	}
	r.await("s0", "active")
	r.await("s99", "active")
	r.put(plain("more", "requested", "Observation?", r.endpoint.URL, ""))
	if why := r.await("more", "error").Root().Get("error").Text(); !strings.Contains(why, "one owner") {
		t.Error(why)
	}
	r.await("s0", "active")
	r.put(plain("s7", "off", "Observation?", r.endpoint.URL, ""))
	r.put(plain("more", "requested", "Observation?", r.endpoint.URL, ""))
	r.await("more", "active")
}
