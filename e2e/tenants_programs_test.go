package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func (e *estate) programs(t *testing.T) {
	north, south := e.as(t)
	a, b := north.client("system/*.cruds"), south.client("system/*.cruds")
	at := func(path string, headers ...string) func(string) answer {
		return func(secret string) answer {
			return south.call("GET", fmt.Sprintf(path, secret), nil, append([]string{"Authorization", "Bearer " + b.token}, headers...)...)
		}
	}
	unknown(t, "a token", func(token string) answer {
		return south.call("GET", "/fhir/Patient", nil, "Authorization", "Bearer "+token)
	}, a.token, garbled(a.token))
	login := func(id string) answer {
		r, _ := http.NewRequest("GET", "https://x", nil)
		r.SetBasicAuth(id, a.secret)
		return south.call("POST", "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}, "Authorization", r.Header.Get("Authorization"))
	}
	unknown(t, "a program", login, a.id, garbled(a.id))
	basic, _ := http.NewRequest("GET", "https://x", nil)
	basic.SetBasicAuth(b.id, b.secret)
	introspect := func(token string) answer {
		return south.call("POST", "/oauth2/introspect", url.Values{"token": {token}}, "Authorization", basic.Header.Get("Authorization"))
	}
	unknown(t, "a token, introspected", introspect, a.token, garbled(a.token))
	if got := introspect(b.token); !strings.Contains(string(got.body), `"active":true`) {
		t.Errorf("its own (the control): %s", got.body)
	}
	unknown(t, "a record", at("/fhir/Patient/%s"), "only-north", "only-mirth")
	unknown(t, "a file", at("/fhir/Binary/%s"), "only-north", "only-mirth")
	found := a.do("GET", "/fhir/Patient?_count=1", nil)
	page := regexp.MustCompile(`\?_page=([^"&]+)`).FindSubmatch(found.body)
	if page == nil {
		t.Fatalf("no next page: %s", found.body)
	}
	unknown(t, "the next page", at("/fhir?_page=%s"), string(page[1]), garbled(string(page[1])))

	job := a.order("/fhir/$export")
	m, done := a.await(job, time.Minute)
	if !done || len(m.Output) == 0 || !strings.HasPrefix(m.Output[0].URL, north.base) {
		t.Fatalf("exported %+v", m)
	}
	unknown(t, "a job", at("%s"), job, garbled(job))
	unknown(t, "a file of a job", at("%s"), pathOf(m.Output[0].URL), garbled(pathOf(m.Output[0].URL)))
	for name, n := range a.fetched(m) {
		if strings.Contains(name, "south") || n != 1 {
			t.Errorf("north's export holds %s", name)
		}
	}
	for s, own := range map[*tenantServer]*api{north: a, south: b} {
		own.server = s.server
		got := own.do("GET", "/fhir/Patient/p1", nil)
		if got.status != 200 || !strings.Contains(string(got.body), "Of-"+s.name) {
			t.Errorf("%s reads %d %s", s.name, got.status, got.body)
		}
	}
	e.signed(t)
	e.sockets(t, a, b)
}

// signed has programs sign: for north, by who is of south, and the other way round.
func (e *estate) signed(t *testing.T) {
	north, south := e.as(t)
	a, b := north.backend("system/Patient.rs"), south.backend("system/Patient.rs")
	send := func(to *tenantServer, assertion string) answer {
		return to.call("POST", "/oauth2/token", url.Values{
			"grant_type": {"client_credentials"}, "scope": {"system/Patient.rs"}, "client_assertion": {assertion},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
	}
	there := *b
	there.tokenURL = a.tokenURL // of south, meant for north
	for name, assertion := range map[string]string{"made for north": a.assertion(), "of south's program, for north": there.assertion()} {
		if got := send(south, assertion); got.status != http.StatusUnauthorized || !strings.Contains(string(got.body), "invalid_client") {
			t.Errorf("an assertion %s: %d %s", name, got.status, got.body)
		}
		if name == "made for north" {
			if got := send(north, assertion); got.status != http.StatusOK {
				t.Errorf("at north (the control): %d %s", got.status, got.body)
			}
		}
	}
	if got := send(south, b.assertion()); got.status != http.StatusOK {
		t.Errorf("at south (the control): %d %s", got.status, got.body)
	}
}

func (e *estate) sockets(t *testing.T, a, b *api) {
	north, south := e.as(t)
	dial := func(s *tenantServer, token string) (*websocket.Conn, int) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		transport := s.http.Transport.(*http.Transport).Clone()
		transport.ForceAttemptHTTP2, transport.TLSClientConfig.NextProtos = false, []string{"http/1.1"}
		header := http.Header{}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
		conn, resp, err := websocket.Dial(ctx, s.base+"/fhir/websocket", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header})
		if err != nil {
			if resp == nil {
				t.Fatal(err)
			}
			return nil, resp.StatusCode
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		return conn, resp.StatusCode
	}
	if _, status := dial(south, a.token); status != http.StatusUnauthorized {
		t.Errorf("north's token opens a web socket at south: %d", status)
	}
	const subscription = `{"resourceType":"Subscription","id":"s1","status":"requested","reason":"x","criteria":"Observation?","channel":{"type":"websocket"}}`
	for _, own := range []*api{a, b} {
		if got := own.do("PUT", "/fhir/Subscription/s1", strings.NewReader(subscription)); got.status != 201 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	var token struct {
		Parameter []struct{ Name, ValueString string }
	}
	for deadline := time.Now().Add(20 * time.Second); len(token.Parameter) == 0; time.Sleep(50 * time.Millisecond) {
		got := a.do("GET", "/fhir/Subscription/s1/$get-ws-binding-token", nil)
		if err := json.Unmarshal(got.body, &token); got.status == 200 && err == nil && len(token.Parameter) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	say := func(s *tenantServer, text string) chan string {
		conn, _ := dial(s, "")
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		told := make(chan string, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_, answer, err := conn.Read(ctx)
			if err != nil {
				answer = []byte(websocket.CloseStatus(err).String())
			}
			told <- string(answer)
		}()
		return told
	}
	bind := "bind-with-token " + token.Parameter[0].ValueString
	if got := <-say(south, bind); got != "StatusPolicyViolation" {
		t.Errorf("a binding token of north at south: %s", got)
	}
	for told := say(north, bind); ; time.Sleep(50 * time.Millisecond) {
		b.do("POST", "/fhir/Observation", strings.NewReader(`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`))
		select {
		case got := <-told:
			if got != "ping s1" {
				t.Errorf("at north (the control): %s", got)
			}
			return
		default:
			a.do("POST", "/fhir/Observation", strings.NewReader(`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`))
		}
	}
}

// certificates are those of programs: an authority that one believes is nobody's at the
// other, and neither is a certificate that is registered there.
func (e *estate) certificates(t *testing.T) {
	north, south := e.as(t)
	ids := map[*tenantServer]string{}
	for _, s := range []*tenantServer{north, south} {
		var c struct {
			ID string `json:"client_id"`
		}
		out := must(t, "client", "add", "--dir", s.dir, "--name", "batch", "--scope", "system/*.rs", "--tls-subject-dn", `CN=batch,O=Example\, Inc.`, "--json")
		if err := json.Unmarshal([]byte(out), &c); err != nil {
			t.Fatal(err)
		}
		ids[s] = c.ID
	}
	for _, to := range []*tenantServer{north, south} {
		for _, by := range []*tenantServer{north, south} {
			status, m := to.at(to.mutual, by.ca.issue("batch", nil)).form("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {ids[to]}})
			if (status == http.StatusOK) != (to == by) || to != by && m["error"] != "invalid_client" {
				t.Errorf("at %s by an authority of %s: %d %v", to.name, by.name, status, m)
			}
		}
	}
	status, m := north.at(north.mutual, north.ca.issue("batch", nil)).form("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {ids[south]}})
	if status != http.StatusUnauthorized {
		t.Errorf("a program of south at north: %d %v", status, m)
	}
}
