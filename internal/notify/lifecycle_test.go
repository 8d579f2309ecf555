package notify_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const socketed = `{"resourceType":"Subscription","id":"s1","status":"requested","reason":"test","criteria":"Observation?","channel":{"type":"websocket"}}`

// ends fails unless a socket is let go, without having been told anything.
func ends(t *testing.T, told <-chan []byte) {
	t.Helper()
	select {
	case text, open := <-told:
		if open {
			t.Errorf("told %q", text)
		}
	case <-time.After(10 * time.Second):
		t.Error("the socket is still bound")
	}
}

// A socket is never told with the rights of somebody else who wrote the
// Subscription after it was bound, and a token of before binds no more.
func TestSocketOfFormerOwner(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	r.put(socketed)
	r.await("s1", "active")
	told, unbind, err := r.notifier.Bind(ctx, program(t), "s1")
	check(t, err)
	defer unbind()
	token, _, err := r.notifier.Token(ctx, program(t), "s1")
	check(t, err)
	other := chart.Actor{Kind: identity.KindClient, ID: "other", Scopes: program(t).Scopes, RequestID: "r"}
	check(t, r.tryAs(other, strings.Replace(socketed, "Observation?", "Observation?status=final", 1)))
	ends(t, told)
	if _, err := r.notifier.Redeem(token, ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("a token of the former owner: %v", err)
	}
}

// Sockets end with their Subscription, and with the server.
func TestSocketsEnd(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"off":    func(r *rig) { r.put(strings.Replace(socketed, "requested", "off", 1)) },
		"closed": func(r *rig) { r.notifier.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(socketed)
			r.await("s1", "active")
			told, unbind, err := r.notifier.Bind(context.Background(), program(t), "s1")
			check(t, err)
			defer unbind()
			end(r)
			ends(t, told)
			if _, _, err := r.notifier.Bind(context.Background(), program(t), "s1"); !fault.Is(err, fault.NotFound) {
				t.Errorf("bound after the end: %v", err)
			}
		})
	}
}

// What cannot be answered for a moment ends no Subscription.
func TestUnavailableForAMoment(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.goDown(true)
	r.put(finding("a", "718-7"))
	time.Sleep(50 * time.Millisecond)
	r.await("s1", "active")
	r.goDown(false)
	r.notifier.Changed("Subscription") // or a minute later
	if got := paths(r.endpoint.wait(t, 1)); got != "PUT /Observation/a" {
		t.Errorf("told %s", got)
	}
}
