package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/notify"
)

// asked shows what $events answers: event numbers with what they name, then the
// entries.
func asked(t *testing.T, body []byte) string {
	t.Helper()
	var b struct {
		Type  string
		Entry []struct {
			FullURL  string
			Resource struct {
				ResourceType, ID, Status string
				Parameter                []struct {
					Name, ValueCode string
					Part            []struct {
						Name, ValueString string
						ValueReference    struct{ Reference string }
					}
				}
			}
		}
	}
	check(t, json.Unmarshal(body, &b))
	out := []string{b.Type}
	for _, p := range b.Entry[0].Resource.Parameter {
		switch p.Name {
		case "type":
			out = append(out, p.ValueCode)
		case "notification-event":
			text := ""
			for _, part := range p.Part {
				text += part.ValueString + strings.TrimPrefix(part.ValueReference.Reference, base+"/Observation/")
			}
			out = append(out, text)
		}
	}
	for _, e := range b.Entry[1:] {
		out = append(out, "+"+strings.TrimPrefix(e.FullURL, base+"/Observation/")+e.Resource.Status)
	}
	return strings.Join(out, " ")
}

func number(n uint64) *uint64 { return &n }

// TestEvents: a subscriber is told again what he was told, by number, with the
// rights of now.
func TestEvents(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	r.put(topical("s1", "Observation", "Observation?code=718-7", "id-only", r.endpoint.URL))
	r.await("s1", "active")
	for i, id := range []string{"a", "x", "b", "c"} {
		code := "718-7"
		if id == "x" {
			code = "2345-7"
		}
		r.put(finding(id, code))
		if id != "x" {
			r.endpoint.wait(t, 2+i-min(i, 1))
		}
	}
	ask := func(req notify.EventsRequest) string {
		body, err := r.notifier.Events(ctx, program(t), "s1", req)
		check(t, err)
		return asked(t, body)
	}
	for want, req := range map[string]notify.EventsRequest{
		"history query-event 1a 2b 3c +a +b +c": {},
		"history query-event 2b 3c +b +c":       {Since: number(2)},
		"history query-event 1a +a":             {Until: number(1)},
		"history query-event 2b +bfinal":        {Since: number(2), Until: number(2), Content: notify.Full},
		"history query-event 1 2 3":             {Content: notify.Empty},
		"history query-event":                   {Since: number(4)},
		"history query-event 3c +c":             {Since: number(3), Until: number(99)},
	} {
		if got := ask(req); got != want {
			t.Errorf("%+v: %s, want %s", req, got, want)
		}
	}
	if _, err := r.notifier.Events(ctx, program(t), "s1", notify.EventsRequest{Since: number(3), Until: number(2)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("turned around: %v", err)
	}

	// What was told is a version: another one in its place changes nothing.
	r.put(strings.Replace(finding("b", "2345-7"), "final", "amended", 1))
	if got := ask(notify.EventsRequest{Since: number(2), Until: number(2), Content: notify.Full}); got != "history query-event 2b +bfinal" {
		t.Errorf("after an update: %s", got)
	}

	// The right to read such records is asked for now.
	narrow := program(t)
	var err error
	narrow.Scopes, err = identity.ParseScopes("system/Subscription.cruds")
	check(t, err)
	if _, err := r.notifier.Events(ctx, narrow, "s1", notify.EventsRequest{}); !fault.Is(err, fault.Denied) {
		t.Errorf("without the right to read: %v", err)
	}
	other := chart.Actor{Kind: identity.KindClient, ID: "other", Scopes: program(t).Scopes, RequestID: "r"}
	if _, err := r.notifier.Events(ctx, other, "s1", notify.EventsRequest{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("of another program: %v", err)
	}

	// A restart forgets nothing.
	r.notifier.Close()
	r.open()
	if got := ask(notify.EventsRequest{Since: number(3)}); got != "history query-event 3c +c" {
		t.Errorf("after a restart: %s", got)
	}
}

// TestEventsOfPlain: Subscriptions without a topic have no numbered events.
func TestEventsOfPlain(t *testing.T) {
	r := newRig(t)
	r.put(plain("s1", "requested", "Observation?", r.endpoint.URL, ""))
	r.await("s1", "active")
	if _, err := r.notifier.Events(context.Background(), program(t), "s1", notify.EventsRequest{}); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("%v", err)
	}
}

// TestEventsAreBounded: the last hundred are kept, and who asks for older ones is
// told so.
func TestEventsAreBounded(t *testing.T) {
	r := newRig(t)
	r.put(topical("s1", "Observation", "Observation?code=718-7", "empty", r.endpoint.URL))
	r.await("s1", "active")
	for i := range 105 {
		r.put(finding(fmt.Sprint("o", i), "718-7"))
	}
	for deadline := time.Now().Add(10 * time.Second); r.endpoint.count() < 106 && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
	r.endpoint.wait(t, 106)
	body, err := r.notifier.Events(context.Background(), program(t), "s1", notify.EventsRequest{})
	check(t, err)
	if got := asked(t, body); !strings.HasPrefix(got, "history query-event 6 7") || !strings.HasSuffix(got, " 105") {
		t.Errorf("%s", got)
	}
	if _, err := r.notifier.Events(context.Background(), program(t), "s1", notify.EventsRequest{Since: number(5)}); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("%v", err)
	}
}

// TestEventsOfFormerOwner: who takes a Subscription over is not told what it told
// before.
func TestEventsOfFormerOwner(t *testing.T) {
	r := newRig(t)
	r.put(topical("s1", "Observation", "Observation?code=718-7", "id-only", r.endpoint.URL))
	r.await("s1", "active")
	r.put(finding("a", "718-7"))
	r.endpoint.wait(t, 2)
	other := chart.Actor{Kind: identity.KindClient, ID: "other", Scopes: program(t).Scopes, RequestID: "r"}
	check(t, r.tryAs(other, topical("s1", "Observation", "Observation?code=2345-7", "id-only", r.endpoint.URL)))
	r.await("s1", "active")
	body, err := r.notifier.Events(context.Background(), other, "s1", notify.EventsRequest{})
	check(t, err)
	if got := asked(t, body); got != "history query-event" {
		t.Errorf("%s", got)
	}
}

// TestTokenForSeveral: one token binds a socket to several Subscriptions, or to none.
func TestTokenForSeveral(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for _, id := range []string{"s1", "s2"} {
		r.put(strings.Replace(socketed, `"s1"`, `"`+id+`"`, 1))
		r.await(id, "active")
	}
	token, _, err := r.notifier.Token(ctx, program(t), "s1", "s2")
	check(t, err)
	bound, err := r.notifier.Redeem(token, "")
	check(t, err)
	if len(bound) != 2 {
		t.Fatalf("bound to %d", len(bound))
	}
	r.put(finding("a", "718-7"))
	for i, b := range bound {
		if text := string(<-b.Told); text != fmt.Sprint("ping s", i+1) {
			t.Errorf("told %q", text)
		}
		b.Unbind()
	}
	if _, _, err := r.notifier.Token(ctx, program(t), "s1", "s3"); !fault.Is(err, fault.NotFound) {
		t.Errorf("with one that is not there: %v", err)
	}
	token, _, err = r.notifier.Token(ctx, program(t), "s1", "s2")
	check(t, err)
	r.put(strings.NewReplacer(`"s1"`, `"s2"`, "requested", "off").Replace(socketed))
	r.await("s2", "off")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		_, unbind, err := r.notifier.Bind(ctx, program(t), "s2")
		if err != nil || time.Now().After(deadline) {
			break
		}
		unbind()
	}
	if _, err := r.notifier.Redeem(token, ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("one has ended: %v", err)
	}
}
