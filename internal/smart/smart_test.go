package smart_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/smart"
)

const (
	goodID     = "lab-feed"
	goodSecret = "wks_s3cret:with+odd/signs"
	goodToken  = "wkt_token"
)

// fakeClients knows one client with one token.
type fakeClients struct {
	smart.Clients // what tests of this file do not come to
	clock         clock.Clock
	revoked       bool
	failure       error
	refused       []string
	calls         int
	origin        identity.Origin
}

func (f *fakeClients) AuthenticateClient(_ context.Context, id, secret string, o identity.Origin) (identity.Client, error) {
	f.calls++
	f.origin = o
	if f.failure != nil {
		return identity.Client{}, f.failure
	}
	if id != goodID || secret != goodSecret {
		return identity.Client{}, fault.New(fault.Unauthenticated, "fake", "The client is unknown, disabled, or its secret is wrong.")
	}
	return identity.Client{ID: id, Scopes: identity.Scopes{{Type: "*", Access: identity.AccessRead | identity.AccessSearch}}}, nil
}

const goodAssertion = "e30.e30.e30"

func signed(text string) string {
	return "&client_assertion=" + text + "&client_assertion_type=" + url.QueryEscape("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
}

func (f *fakeClients) AuthenticateAssertion(_ context.Context, text string, audiences []string, o identity.Origin) (identity.Client, error) {
	f.calls++
	f.origin = o
	if text != goodAssertion || !slices.Contains(audiences, "https://ward.example/oauth2/token") {
		return identity.Client{}, fault.New(fault.Unauthenticated, "fake", "The assertion is not good.")
	}
	return identity.Client{ID: goodID, Scopes: identity.Scopes{{Type: "*", Access: identity.AccessRead | identity.AccessSearch}}}, nil
}

func (f *fakeClients) PublicClient(_ context.Context, _ string, o identity.Origin) (identity.Client, error) {
	f.calls++
	f.origin = o
	return identity.Client{}, fault.New(fault.Unauthenticated, "fake", "The client has to prove who it is.")
}

func (f *fakeClients) AllowsOrigin(_ context.Context, origin string) (bool, error) {
	return origin == "https://app.example", nil
}

func (f *fakeClients) IssueToken(_ context.Context, c identity.Client, asked identity.Scopes, _ identity.Origin) (identity.Token, error) {
	granted := c.Scopes
	if len(asked) > 0 {
		granted = asked.Meet(c.Scopes)
	}
	if len(granted) == 0 {
		return identity.Token{}, fault.New(fault.Denied, "fake", "None of these scopes is granted to this client.")
	}
	return identity.Token{Text: goodToken, Scopes: granted, Expires: f.clock.Now().Add(5 * time.Minute)}, nil
}

func (f *fakeClients) RefuseToken(_ context.Context, _ identity.Client, why string, _ identity.Origin) error {
	f.refused = append(f.refused, why)
	return nil
}

func (f *fakeClients) RevokeToken(_ context.Context, _ identity.Client, token string, _ identity.Origin) error {
	f.revoked = f.revoked || token == goodToken
	return nil
}

func (f *fakeClients) Introspect(_ context.Context, c identity.Client, token string) (identity.TokenInfo, bool, error) {
	if token != goodToken || f.revoked {
		return identity.TokenInfo{}, false, nil
	}
	now := f.clock.Now()
	return identity.TokenInfo{ClientID: c.ID, Scopes: c.Scopes, Issued: now, Expires: now.Add(time.Minute)}, true, nil
}

func newServer(t *testing.T) (http.Handler, *fakeClients) {
	t.Helper()
	c := clock.NewManual(time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC))
	f := &fakeClients{clock: c}
	h := smart.New(smart.Config{
		Clients: f, Issuer: "https://ward.example", FHIRBase: "https://ward.example/fhir", Clock: c,
		RequestID: func(*http.Request) string { return "r1" },
	})
	return h, f
}

type call struct {
	path, body  string
	contentType string
	auth        []string
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func post(h http.Handler, c call) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
	r.RemoteAddr = "192.0.2.1:4711"
	if c.contentType == "" {
		c.contentType = "application/x-www-form-urlencoded"
	}
	r.Header.Set("Content-Type", c.contentType)
	for _, a := range c.auth {
		r.Header.Add("Authorization", a)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestToken(t *testing.T) {
	good := basic(goodID, goodSecret)
	inForm := "&client_id=" + goodID + "&client_secret=" + url.QueryEscape(goodSecret)
	const grant = "grant_type=client_credentials"
	cases := []struct {
		name   string
		call   call
		status int
		code   string // error, or scope on success
	}{
		{"basic", call{body: grant, auth: []string{good}}, 200, "system/*.rs"},
		{"basic, small letters", call{body: grant, auth: []string{"basic" + good[5:]}}, 200, "system/*.rs"},
		{"post", call{body: grant + inForm}, 200, "system/*.rs"},
		{"same id twice over", call{body: grant + "&client_id=" + goodID, auth: []string{good}}, 200, "system/*.rs"},
		{"narrower", call{body: grant + "&scope=system/Patient.cruds", auth: []string{good}}, 200, "system/Patient.rs"},
		{"empty is absent", call{body: grant + "&scope=", auth: []string{good}}, 200, "system/*.rs"},
		{"unknown parameter", call{body: grant + "&extra=1", auth: []string{good}}, 200, "system/*.rs"},
		{"charset", call{body: grant, contentType: "application/x-www-form-urlencoded; charset=UTF-8", auth: []string{good}}, 200, "system/*.rs"},

		{"no credentials", call{body: grant}, 401, "invalid_client"},
		{"wrong secret", call{body: grant, auth: []string{basic(goodID, "x")}}, 401, "invalid_client"},
		{"no secret", call{body: grant, auth: []string{basic(goodID, "")}}, 401, "invalid_client"},
		{"id alone", call{body: grant + "&client_id=" + goodID}, 401, "invalid_client"},
		{"bearer", call{body: grant, auth: []string{"Bearer x"}}, 401, "invalid_client"},
		{"bad base64", call{body: grant, auth: []string{"Basic !!!"}}, 401, "invalid_client"},
		{"no colon", call{body: grant, auth: []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("abc"))}}, 401, "invalid_client"},
		{"assertion", call{body: grant + signed(goodAssertion)}, 200, "system/*.rs"},
		{"assertion and its id", call{body: grant + signed(goodAssertion) + "&client_id=" + goodID}, 200, "system/*.rs"},
		{"version 1", call{body: grant + "&scope=system/*.read", auth: []string{good}}, 200, "system/*.read"},
		{"granular", call{body: grant + "&scope=system/Observation.rs?category=a", auth: []string{good}}, 200, "system/Observation.rs?category=a"},

		{"wrong assertion", call{body: grant + signed("x")}, 401, "invalid_client"},
		{"assertion and secret", call{body: grant + signed(goodAssertion) + inForm}, 400, "invalid_request"},
		{"assertion and header", call{body: grant + signed(goodAssertion), auth: []string{good}}, 400, "invalid_request"},
		{"assertion of another", call{body: grant + signed(goodAssertion) + "&client_id=other"}, 400, "invalid_request"},
		{"assertion of another kind", call{body: grant + "&client_assertion=" + goodAssertion + "&client_assertion_type=y"}, 400, "invalid_request"},
		{"assertion without a kind", call{body: grant + "&client_assertion=" + goodAssertion}, 400, "invalid_request"},
		{"kind without an assertion", call{body: grant + strings.Replace(signed("z"), "z", "", 1)}, 400, "invalid_request"},
		{"two headers", call{body: grant, auth: []string{good, good}}, 400, "invalid_request"},
		{"two ways", call{body: grant + inForm, auth: []string{good}}, 400, "invalid_request"},
		{"two clients", call{body: grant + "&client_id=other", auth: []string{good}}, 400, "invalid_request"},
		{"duplicate", call{body: grant + "&" + grant, auth: []string{good}}, 400, "invalid_request"},
		{"duplicate, empty", call{body: grant + "&scope=&scope=system/*.rs", auth: []string{good}}, 400, "invalid_request"},
		{"duplicate, escaped", call{body: grant + "&grant%5Ftype=password", auth: []string{good}}, 400, "invalid_request"},
		{"in the address", call{path: "/oauth2/token?grant_type=client_credentials", body: inForm[1:]}, 400, "invalid_request"},
		{"JSON", call{body: `{}`, contentType: "application/json", auth: []string{good}}, 400, "invalid_request"},
		{"latin", call{body: grant, contentType: "application/x-www-form-urlencoded; charset=latin1", auth: []string{good}}, 400, "invalid_request"},
		{"bad escape", call{body: grant + "&scope=%zz", auth: []string{good}}, 400, "invalid_request"},
		{"bad UTF-8", call{body: grant + "&scope=%ff", auth: []string{good}}, 400, "invalid_request"},
		{"semicolon", call{body: grant + ";scope=x", auth: []string{good}}, 400, "invalid_request"},
		{"too large", call{body: grant + "&x=" + strings.Repeat("a", 17<<10), auth: []string{good}}, 400, "invalid_request"},
		{"no grant", call{body: "scope=system/*.rs", auth: []string{good}}, 400, "invalid_request"},
		{"password grant", call{body: "grant_type=password", auth: []string{good}}, 400, "unsupported_grant_type"},
		{"refresh", call{body: "grant_type=refresh_token&refresh_token=x", auth: []string{good}}, 400, "unauthorized_client"},
		{"code", call{body: "grant_type=authorization_code&code=x&redirect_uri=x&code_verifier=x", auth: []string{good}}, 400, "unauthorized_client"},
		{"malformed scope", call{body: grant + "&scope=system/*.sr", auth: []string{good}}, 400, "invalid_scope"},
		{"one scope too many", call{body: grant + "&scope=system/*.rs+openid", auth: []string{good}}, 400, "invalid_scope"},
		{"nothing left", call{body: grant + "&scope=system/Patient.c", auth: []string{good}}, 400, "invalid_scope"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, f := newServer(t)
			if c.call.path == "" {
				c.call.path = "/oauth2/token"
			}
			w := post(h, c.call)
			var got struct {
				Error, Scope string
				AccessToken  string `json:"access_token"`
				TokenType    string `json:"token_type"`
				ExpiresIn    int    `json:"expires_in"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || got.Error+got.Scope != c.code {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Pragma") != "no-cache" ||
				w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", w.Header())
			}
			if (w.Header().Get("WWW-Authenticate") != "") != (c.status == 401) {
				t.Error("WWW-Authenticate")
			}
			if strings.Contains(w.Body.String(), "s3cret") {
				t.Error("the secret came back")
			}
			switch {
			case c.status == 200 && (got.AccessToken != goodToken || got.TokenType != "bearer" || got.ExpiresIn != 300):
				t.Errorf("%s", w.Body)
			case c.status == 200 && !reflect.DeepEqual(f.origin, identity.Origin{Source: "192.0.2.1", RequestID: "r1"}):
				t.Errorf("origin %+v", f.origin)
			case c.code == "unsupported_grant_type" && len(f.refused) != 1:
				t.Error("the refusal is in no audit log")
			}
		})
	}
}

func TestTokenFailures(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Throttled: 429, fault.Unavailable: 503, fault.Internal: 500, fault.Unauthenticated: 401,
	} {
		h, f := newServer(t)
		f.failure = &fault.Error{Kind: kind, Op: "fake", Err: context.Canceled}
		w := post(h, call{path: "/oauth2/token", body: "grant_type=client_credentials", auth: []string{basic(goodID, goodSecret)}})
		if w.Code != status || strings.Contains(w.Body.String(), "canceled") || !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%v: %d %s", kind, w.Code, w.Body)
		}
	}
}

func TestRevokeAndIntrospect(t *testing.T) {
	h, f := newServer(t)
	good := []string{basic(goodID, goodSecret)}
	introspect := func(token string) string {
		w := post(h, call{path: "/oauth2/introspect", body: "token=" + token, auth: good})
		if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Body.String()
	}
	if got := introspect(goodToken); !strings.Contains(got, `"active":true`) || !strings.Contains(got, `"iss":"https://ward.example"`) ||
		!strings.Contains(got, `"client_id":"lab-feed"`) || !strings.Contains(got, `"scope":"system/*.rs"`) {
		t.Fatal(got)
	}
	if got := introspect("other"); got != `{"active":false}` {
		t.Fatal(got)
	}
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		if w := post(h, call{path: path, body: "token=" + goodToken}); w.Code != 401 {
			t.Errorf("%s without credentials: %d", path, w.Code)
		}
		if w := post(h, call{path: path, body: "x=y", auth: good}); w.Code != 400 {
			t.Errorf("%s without token: %d", path, w.Code)
		}
	}
	if f.revoked {
		t.Fatal("revoked without credentials")
	}
	for _, token := range []string{"unknown", goodToken, goodToken} {
		w := post(h, call{path: "/oauth2/revoke", body: "token=" + token + "&token_type_hint=access_token", auth: good})
		if w.Code != 200 || w.Body.Len() != 0 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if got := introspect(goodToken); got != `{"active":false}` {
		t.Fatal(got)
	}
}

func TestMethods(t *testing.T) {
	h, f := newServer(t)
	for path, want := range map[string]int{
		"/oauth2/token?client_id=a&client_secret=b": 405, "/oauth2/revoke": 405, "/oauth2/introspect": 405, "/oauth2/par": 405,
		"/oauth2/register": 404, "/oauth2/userinfo": 404,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if f.calls != 0 {
		t.Error("a GET authenticated somebody")
	}
}

func TestNewRefuses(t *testing.T) {
	_, f := newServer(t)
	for _, bad := range []smart.Config{
		{},
		{Clients: f, Clock: f.clock, Issuer: "http://ward.example", FHIRBase: "https://ward.example/fhir"},
		{Clients: f, Clock: f.clock, Issuer: "https://ward.example/", FHIRBase: "https://ward.example/fhir"},
		{Clients: f, Clock: f.clock, Issuer: "https://ward.example", FHIRBase: "/fhir"},
	} {
		if bad.Check() == nil {
			t.Errorf("%q taken", bad.Issuer)
		}
		for _, path := range []string{"/oauth2/token", "/fhir/.well-known/smart-configuration"} {
			if w := post(smart.New(bad), call{path: path}); w.Code != http.StatusInternalServerError {
				t.Errorf("%q serves %s: %d", bad.Issuer, path, w.Code)
			}
		}
	}
}

// Whatever comes, the answer is JSON with a known error, and nobody gets a
// token without the right secret.
func FuzzToken(f *testing.F) {
	f.Add("grant_type=client_credentials", "Basic "+base64.StdEncoding.EncodeToString([]byte("a:b")))
	f.Add("grant_type=client_credentials&client_id=lab-feed&client_secret=x", "")
	f.Add("grant_type=%zz&scope=system/*.rs;", "Basic x")
	f.Add("&&=&a=b&a=c", "basic  ")
	f.Fuzz(func(t *testing.T, body, auth string) {
		c := clock.NewManual(time.Unix(1e9, 0))
		h := smart.New(smart.Config{Clients: &fakeClients{clock: c}, Issuer: "https://a.example", FHIRBase: "https://a.example/fhir", Clock: c})
		w := post(h, call{path: "/oauth2/token", body: body, auth: []string{auth}})
		var got struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 400 && w.Code != 401 {
			if !strings.Contains(body, "s3cret") && !strings.Contains(auth, "Basic") {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
	})
}

// TestHugeForms: no form is read beyond what the largest in order needs. The
// addresses are read from where they are mounted, so that none is forgotten.
func TestHugeForms(t *testing.T) {
	text, err := os.ReadFile("smart.go")
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+Path) += "(/[^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		paths[m[1]] = m[2]
	}
	mounted := regexp.MustCompile(`"POST(?: "\+|", )(\w+)`).FindAllStringSubmatch(string(text), -1)
	if len(mounted) < 5 {
		t.Fatalf("only %d addresses were found", len(mounted))
	}
	h, f := newServer(t)
	for _, m := range mounted {
		path, sent := paths[m[1]], strings.NewReader("token="+strings.Repeat("a", 1<<20))
		r := httptest.NewRequest(http.MethodPost, path, sent)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if path == "" || w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s: %d", m[1], path, w.Code)
		}
		if read := 1<<20 - sent.Len(); read > 64<<10 {
			t.Errorf("%s: %d bytes were read", path, read)
		}
	}
	if f.calls != 0 {
		t.Error("somebody was authenticated")
	}
}
