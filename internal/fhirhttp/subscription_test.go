package fhirhttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

// eventually calls until the answer holds a text.
func (r *rig) eventually(method, path, want string, headers ...string) string {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if body := r.call(method, path, "", headers...).Body.String(); strings.Contains(body, want) {
			return body
		} else if time.Now().After(deadline) {
			r.t.Fatalf("%s %s never answers %s: %s", method, path, want, body)
		}
	}
}

const socketSubscription = `{"resourceType":"Subscription","id":"s1","status":"requested","reason":"test","criteria":"Observation?","channel":{"type":"websocket"}}`

// connect opens a web socket, in the name of an actor or of nobody.
func (r *rig) connect(actor string) (*websocket.Conn, func(command string) string) {
	r.t.Helper()
	server := httptest.NewServer(fhirhttp.Socket(r.config))
	r.t.Cleanup(server.Close)
	opt := &websocket.DialOptions{HTTPHeader: http.Header{}}
	if actor != "" {
		opt.HTTPHeader.Set("Authorization", "Bearer "+actor)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	r.t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, server.URL, opt)
	check(r.t, err)
	r.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, func(command string) string {
		if command != "" {
			check(r.t, conn.Write(ctx, websocket.MessageText, []byte(command)))
		}
		_, text, err := conn.Read(ctx)
		if err != nil {
			return websocket.CloseStatus(err).String()
		}
		return string(text)
	}
}

func TestWebSocket(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Subscription/s1", socketSubscription)
	r.eventually("GET", "/Subscription/s1", `"active"`)
	_, owner := r.connect("program")
	if got := owner("bind s1"); got != "bound s1" {
		t.Fatalf("got %q", got)
	}
	var token struct {
		Parameter []struct{ Name, ValueString string }
	}
	check(t, json.Unmarshal(r.do(200, "GET", "/Subscription/s1/$get-ws-binding-token", "").Body.Bytes(), &token))
	conn, bearer := r.connect("")
	check(t, conn.Write(context.Background(), websocket.MessageText, []byte("bind-with-token "+token.Parameter[0].ValueString)))
	told := make(chan string, 1)
	go func() { told <- bearer("") }()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		r.do(201, "POST", "/Observation", fresh(`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`))
		select {
		case text := <-told:
			if text != "ping s1" {
				t.Errorf("told %q", text)
			}
			if got := owner(""); got != "ping s1" {
				t.Errorf("told %q", got)
			}
			return
		default:
		}
	}
	t.Error("told nothing")
}

// TestWebSocketOfOthers: sockets bind to nobody else's Subscriptions, whether
// they exist or not.
func TestWebSocketOfOthers(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Subscription/s1", socketSubscription)
	r.eventually("GET", "/Subscription/s1", `"active"`)
	for _, who := range []string{"reader", "blind", ""} {
		for _, command := range []string{"bind s1", "bind s2", "bind-with-token guess", "nonsense"} {
			if _, say := r.connect(who); say(command) != "StatusPolicyViolation" {
				t.Errorf("%q: %s is not refused", who, command)
			}
		}
	}
	server := httptest.NewServer(fhirhttp.Socket(r.config))
	defer server.Close()
	_, answer, err := websocket.Dial(context.Background(), server.URL, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer nobody"}}})
	if err == nil || answer.StatusCode != 401 {
		t.Errorf("an unknown token: %v", err)
	}
}

// TestWebSocketFlood: sockets of strangers are bounded, and do not keep out who
// has an access token.
func TestWebSocketFlood(t *testing.T) {
	r := newRig(t)
	dial := r.dialler(fhirhttp.Socket(r.config))
	for i := range 200 {
		_, _, err := dial(from(i))
		check(t, err)
	}
	if _, status, err := dial(from(200)); err == nil || status != 429 {
		t.Errorf("one stranger more: %d %v", status, err)
	}
	_, _, err := dial(http.Header{"Authorization": {"Bearer program"}})
	check(t, err)
}

// from is a header by which a dialler's server takes a stranger to come from the
// i-th network.
func from(i int) http.Header {
	return http.Header{"X-Test-Source": {fmt.Sprintf("198.51.%d.%d:4711", i/250, i%250)}}
}

// dialler opens sockets and leaves them silent.
func (r *rig) dialler(h http.Handler) func(http.Header) (*websocket.Conn, int, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if s := req.Header.Get("X-Test-Source"); s != "" {
			req.RemoteAddr = s
		}
		h.ServeHTTP(w, req)
	}))
	r.t.Cleanup(server.Close)
	return func(header http.Header) (*websocket.Conn, int, error) {
		conn, answer, err := websocket.Dial(context.Background(), server.URL, &websocket.DialOptions{HTTPHeader: header})
		if err == nil {
			r.t.Cleanup(func() { _ = conn.CloseNow() })
			conn.CloseRead(context.Background()) // answers when it is closed
		}
		return conn, answer.StatusCode, err
	}
}

// TestWebSocketNeighbours: one source cannot take the places of all strangers, and
// what it holds without binding is free again soon.
func TestWebSocketNeighbours(t *testing.T) {
	r := newRig(t)
	dial := r.dialler(fhirhttp.Socket(r.config))
	for range 8 {
		_, _, err := dial(from(1))
		check(t, err)
	}
	for range 20 {
		if _, status, err := dial(from(1)); err == nil || status != 429 {
			t.Fatalf("one more of the same network: %d %v", status, err)
		}
	}
	_, _, err := dial(from(2))
	check(t, err)
	_, _, err = dial(http.Header{"X-Test-Source": from(1)["X-Test-Source"], "Authorization": {"Bearer program"}})
	check(t, err)
	for deadline := time.Now().Add(8 * time.Second); ; time.Sleep(250 * time.Millisecond) {
		if _, _, err := dial(from(1)); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("silent sockets stay")
		}
	}
}

// TestBoundSocketsAreNoNeighbours: who has bound his sockets may open more.
func TestBoundSocketsAreNoNeighbours(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Subscription/s1", socketSubscription)
	r.eventually("GET", "/Subscription/s1/$status", `"valueCode":"active"`)
	dial := r.dialler(fhirhttp.Socket(r.config))
	for i := range 10 {
		var token struct {
			Parameter []struct{ Name, ValueString string }
		}
		check(t, json.Unmarshal(r.do(200, "GET", "/Subscription/s1/$get-ws-binding-token", "").Body.Bytes(), &token))
		for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			conn, _, err := dial(from(1))
			if err == nil {
				check(t, conn.Write(context.Background(), websocket.MessageText, []byte("bind-with-token "+token.Parameter[0].ValueString)))
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("socket %d is refused though those before it are bound", i)
			}
		}
	}
}

func TestSubscriptionStatus(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Subscription/s1", socketSubscription)
	r.eventually("GET", "/Subscription/s1/$status", `"valueCode":"active"`)
	r.do(200, "GET", "/Subscription/$status?id=s1", "")
	r.do(200, "POST", "/Subscription/$status", `{"resourceType":"Parameters","parameter":[{"name":"id","valueId":"s1"}]}`)
	for query, want := range map[string]string{
		"": `"total":1`, "?status=active": `"total":1`, "?status=error&status=off": `"total":0`, "?id=s1&status=off": `"total":0`,
	} {
		if body := r.do(200, "GET", "/Subscription/$status"+query, "").Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s: %s, want %s", query, body, want)
		}
	}
	r.do(400, "GET", "/Subscription/$status?status=asleep", "")
	r.do(404, "GET", "/Subscription/$status?id=s2", "")
	r.do(403, "GET", "/Subscription/$status", "", as("obs"))
	r.do(404, "GET", "/Subscription/s2/$status", "")
	r.do(403, "GET", "/Subscription/s1/$status", "", as("obs"))
	hook := strings.NewReplacer(`"type":"websocket"`, `"type":"rest-hook","endpoint":"https://169.254.169.254/"`, `"s1"`, `"s2"`).Replace(socketSubscription)
	r.do(422, "PUT", "/Subscription/s2", hook)
}

// TestSubscriptionEvents: $events and tokens for several Subscriptions are served as
// they are declared, and take nothing else.
func TestSubscriptionEvents(t *testing.T) {
	r := newRig(t)
	topic := strings.Replace(socketSubscription, `"criteria":"Observation?"`, `"criteria":"`+r.config.Base+`/SubscriptionTopic/Observation"`, 1)
	r.do(201, "PUT", "/Subscription/s1", topic)
	r.do(201, "PUT", "/Subscription/s2", strings.Replace(topic, `"s1"`, `"s2"`, 1))
	for _, id := range []string{"s1", "s2"} {
		r.eventually("GET", "/Subscription/"+id+"/$status", `"valueCode":"active"`)
	}
	r.do(201, "PUT", "/Observation/o1", `{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"}}`)
	body := r.eventually("GET", "/Subscription/s1/$events?eventsSinceNumber=1&content=full-resource", "Observation/o1")
	if !strings.Contains(body, `"query-event"`) || !strings.Contains(body, `"type":"history"`) || !strings.Contains(body, `"code":{"text":"x"}`) {
		t.Errorf("events: %s", body)
	}
	r.do(200, "POST", "/Subscription/s1/$events", `{"resourceType":"Parameters","parameter":[{"name":"eventsUntilNumber","valueString":"1"}]}`)
	r.do(400, "GET", "/Subscription/s1/$events?eventsSinceNumber=first", "")
	r.do(400, "GET", "/Subscription/s1/$events?content=all", "")
	r.do(400, "GET", "/Subscription/s1/$events?other=1", "")
	r.do(404, "GET", "/Subscription/s3/$events", "")
	r.do(403, "GET", "/Subscription/s1/$events", "", as("obs"))
	if body := r.do(200, "GET", "/Subscription/$get-ws-binding-token?id=s1&id=s2", "").Body.String(); strings.Count(body, `"name":"subscription"`) != 2 {
		t.Errorf("token: %s", body)
	}
	r.do(400, "GET", "/Subscription/$get-ws-binding-token", "")
	r.do(404, "GET", "/Subscription/$get-ws-binding-token?id=s1&id=s3", "")
	stated := r.do(200, "GET", "/metadata", "").Body.String()
	for _, name := range []string{"status", "events", "get-ws-binding-token"} {
		if !strings.Contains(stated, "backport-subscription-"+name+`"`) {
			t.Errorf("the CapabilityStatement does not name $%s", name)
		}
	}
}

// TestAddedSearchParameter: posted, indexed, and part of what is stated and
// answered.
func TestAddedSearchParameter(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/p1", `{"resourceType":"Patient","id":"p1","extension":[{"url":"urn:nick","valueString":"Nick"}]}`)
	r.do(400, "GET", "/Patient?nick=nick", "")
	r.do(201, "PUT", "/SearchParameter/nick", `{"resourceType":"SearchParameter","id":"nick","url":"urn:nick","name":"nick","status":"active","description":"x",
		"code":"nick","base":["Patient"],"type":"string","expression":"Patient.extension('urn:nick').value"}`)
	r.eventually("GET", "/SearchParameter/nick/$index-status", `"valueCode":"ready"`)
	if body := r.do(200, "GET", "/Patient?nick=nick", "").Body.String(); !strings.Contains(body, `"p1"`) {
		t.Errorf("found %s", body)
	}
	if body := r.do(200, "GET", "/metadata", "").Body.String(); !strings.Contains(body, `"name":"nick"`) {
		t.Error("the CapabilityStatement does not list it")
	}
	r.do(404, "GET", "/SearchParameter/other/$index-status", "")
	r.do(403, "GET", "/SearchParameter/nick/$index-status", "", as("obs"))
}
