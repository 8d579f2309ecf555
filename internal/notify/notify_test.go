package notify_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestPlain: a Subscription of plain R4 tells what fits, once a version, in order.
func TestPlain(t *testing.T) {
	r := newRig(t)
	r.put(finding("before", "718-7"))
	r.put(plain("s1", "requested", "Observation?code=http://loinc.org|718-7", r.endpoint.URL+"/hook", "application/fhir+json"))
	r.await("s1", "active")
	r.put(finding("a", "718-7"))
	r.put(finding("b", "2345-7"))
	r.put(finding("c", "718-7"))
	list := r.endpoint.wait(t, 2)
	if got := paths(list); got != "PUT /hook/Observation/a, PUT /hook/Observation/c" {
		t.Errorf("told %s", got)
	}
	if list[0].auth != "Bearer gate" || list[0].body["id"] != "a" {
		t.Errorf("told %+v", list[0])
	}
	r.put(plain("s1", "off", "Observation?code=http://loinc.org|718-7", r.endpoint.URL+"/hook", ""))
	r.put(finding("d", "718-7"))
	r.endpoint.wait(t, 2)
}

func TestPlainWithoutPayload(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL+"/hook", ""))
	r.await("s1", "active")
	r.put(finding("a", "718-7"))
	if got := r.endpoint.wait(t, 1)[0]; got.method != "POST" || got.path != "/hook" || got.body != nil {
		t.Errorf("told %+v", got)
	}
}

// TestTopic: handshake, numbered events, and no more content than was asked for.
func TestTopic(t *testing.T) {
	for content, focus := range map[string]bool{"empty": false, "id-only": true, "full-resource": true} {
		t.Run(content, func(t *testing.T) {
			r := newRig(t)
			r.put(topical("s1", "Observation", "Observation?code=718-7", content, r.endpoint.URL))
			r.await("s1", "active")
			r.put(finding("b", "2345-7"))
			r.put(finding("a", "718-7"))
			list := r.endpoint.wait(t, 2)
			if text := fmt.Sprint(list[0].body); !strings.Contains(text, "handshake") || strings.Contains(text, "event-number") {
				t.Errorf("the first is no handshake: %s", text)
			}
			text := fmt.Sprint(list[1].body)
			if !strings.Contains(text, "event-notification") || strings.Contains(text, "Observation/a") != focus || strings.Contains(text, "loinc") != (content == "full-resource") {
				t.Errorf("the event: %s", text)
			}
			status, err := r.notifier.Status(context.Background(), program(t), "s1")
			check(t, err)
			if !strings.Contains(string(status), `"query-status"`) {
				t.Errorf("status %s", status)
			}
		})
	}
}

// TestRightsOfToday: what the subscriber may not read any more is not told, and
// the Subscription says why it ended. With the rights it goes on.
func TestRightsOfToday(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.put(finding("a", "718-7"))
	r.endpoint.wait(t, 1)
	r.allow("system/Subscription.cruds")
	r.put(finding("b", "718-7"))
	if res := r.await("s1", "error"); res.Root().Get("error").Text() == "" {
		t.Error("no reason is given")
	}
	r.endpoint.wait(t, 1)
}

func TestSubscriberIsGone(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.mu.Lock()
	r.gone = true
	r.mu.Unlock()
	r.put(finding("a", "718-7"))
	r.await("s1", "error")
	r.endpoint.wait(t, 0)
}

// TestEndpointFails: a delivery is tried again, and given up with a reason.
func TestEndpointFails(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.endpoint.answers(503)
	r.put(finding("a", "718-7"))
	r.await("s1", "error")
	r.endpoint.wait(t, 4)
	r.endpoint.answers(0)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.put(finding("b", "718-7"))
	r.endpoint.wait(t, 5)
}

// TestRestart: what happened while no server ran is told after the start.
func TestRestart(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	r.put(finding("a", "718-7"))
	r.endpoint.wait(t, 1)
	r.notifier.Close()
	r.put(finding("b", "718-7"))
	r.endpoint.wait(t, 1)
	r.open()
	if got := paths(r.endpoint.wait(t, 2)); !strings.HasSuffix(got, "Observation/b") {
		t.Errorf("told %s", got)
	}
}

// TestEachChangeIsAudited: nothing is told before the log says so.
func TestEachChangeIsAudited(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, "application/fhir+json"))
	r.await("s1", "active")
	before := r.log.Status().Counter
	r.put(finding("a", "718-7"))
	r.endpoint.wait(t, 1)
	if n := r.log.Status().Counter - before; n < 2 { // the write, and the notification
		t.Errorf("%d entries", n)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	hook := r.endpoint.URL
	for name, text := range map[string]string{
		"another host":       plain("s1", "requested", "Observation?", "https://169.254.169.254/latest", ""),
		"a user name":        plain("s1", "requested", "Observation?", strings.Replace(hook, "https://", "https://a:b@", 1), ""),
		"no type":            plain("s1", "requested", "Ward?", hook, ""),
		"unknown parameter":  plain("s1", "requested", "Observation?nonsense=1", hook, ""),
		"no value set":       plain("s1", "requested", "Observation?code:in=urn:none", hook, ""),
		"shapes an answer":   plain("s1", "requested", "Observation?_include=*", hook, ""),
		"of Subscriptions":   plain("s1", "requested", "Subscription?", hook, ""),
		"another payload":    plain("s1", "requested", "Observation?", hook, "text/plain"),
		"a payload of XML":   plain("s1", "requested", "Observation?", hook, "application/fhir+xml"),
		"active from birth":  plain("s1", "active", "Observation?", hook, ""),
		"a header":           strings.Replace(plain("s1", "requested", "Observation?", hook, ""), "Authorization: Bearer gate", "Host: elsewhere", 1),
		"another method":     strings.Replace(plain("s1", "requested", "Observation?", hook, ""), "Authorization: Bearer gate", "X-HTTP-Method-Override: DELETE", 1),
		"another address":    strings.Replace(plain("s1", "requested", "Observation?", hook, ""), "Authorization: Bearer gate", "X-Original-URL: /admin", 1),
		"another sender":     strings.Replace(plain("s1", "requested", "Observation?", hook, ""), "Authorization: Bearer gate", "X-Real-IP: 127.0.0.1", 1),
		"two headers":        strings.Replace(plain("s1", "requested", "Observation?", hook, ""), "Authorization: Bearer gate", `X-A: 1\r\nHost: x`, 1),
		"email":              strings.Replace(plain("s1", "requested", "Observation?", hook, ""), "rest-hook", "email", 1),
		"a foreign topic":    strings.Replace(topical("s1", "Observation", "Observation?code=1", "empty", hook), base+"/SubscriptionTopic", "http://elsewhere/topic", 1),
		"a filter of others": topical("s1", "Observation", "Patient?name=x", "empty", hook),
		"filter, no topic":   strings.Replace(topical("s1", "Observation", "Observation?code=1", "full-resource", hook), base+"/SubscriptionTopic/Observation", "Observation?", 1),
		"content, no topic": strings.Replace(plain("s1", "requested", "Observation?", hook, "application/fhir+json"), `"payload":`,
			`"_payload":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"empty"}]},"payload":`, 1),
		"content": topical("s1", "Observation", "Observation?code=1", "everything", hook),
	} {
		if err := r.try(text); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSocket: a web socket is told, by its owner's rights alone.
func TestSocket(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	r.put(`{"resourceType":"Subscription","id":"s1","status":"requested","reason":"test","criteria":"Observation?","channel":{"type":"websocket"}}`)
	r.await("s1", "active")
	bound, unbind, err := r.notifier.Bind(ctx, program(t), "s1")
	check(t, err)
	defer unbind()
	token, _, err := r.notifier.Token(ctx, program(t), "s1")
	check(t, err)
	if b, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(b) < 16 {
		t.Errorf("a token of %d bytes: %v", len(b), err)
	}
	redeemed, err := r.notifier.Redeem(token, "")
	check(t, err)
	defer redeemed[0].Unbind()
	if _, err := r.notifier.Redeem(token, ""); err == nil {
		t.Error("a token was used twice")
	}
	mutual := program(t)
	mutual.Certificate = "thumbprint"
	for certificate, good := range map[string]bool{"": false, "another": false, "thumbprint": true} {
		token, _, err := r.notifier.Token(ctx, mutual, "s1")
		check(t, err)
		list, err := r.notifier.Redeem(token, certificate)
		if (err == nil) != good {
			t.Errorf("a token of who came by certificate, redeemed with %q: %v", certificate, err)
		}
		for _, one := range list {
			one.Unbind()
		}
	}
	other := chart.Actor{Kind: identity.KindClient, ID: "other", Scopes: program(t).Scopes}
	if _, _, err := r.notifier.Bind(ctx, other, "s1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another program's socket: %v", err)
	}
	r.put(finding("a", "718-7"))
	for _, c := range []<-chan []byte{bound, redeemed[0].Told} {
		select {
		case text := <-c:
			if string(text) != "ping s1" {
				t.Errorf("told %q", text)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("told nothing")
		}
	}
}
