package smart_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func (r *rig) get(path string, headers ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, q)
	return w
}

// A standalone launch: an app without a secret gets what it was let.
func TestStandaloneLaunch(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs user/Practitioner.r", nil)
	got := a.redeem(a.code())
	if got.status != http.StatusOK || got.Type != "Bearer" || got.Patient != "p1" || got.Refresh == "" || got.Expires != 3600 {
		t.Fatalf("%+v", got)
	}
	if want := "fhirUser launch/patient offline_access openid profile patient/*.rs user/Practitioner.r"; got.Scope != want {
		t.Errorf("granted %q", got.Scope)
	}
	actor, err := r.who(got.Access)
	check(t, err)
	if actor.Kind != identity.KindPerson || actor.ID != r.person.ID || actor.ClientID != a.ID || actor.PatientContext != "p1" ||
		actor.Scopes.String() != "patient/*.rs user/Practitioner.r" || actor.Roles[0] != "doctor" || identity.Fresh(actor, r.clock.Now()) {
		t.Errorf("actor %+v", actor)
	}
	r.idToken(a, got.ID)
	if list, err := r.people.Connections(ctx, r.actor()); err != nil || len(list) != 1 || list[0].Name != "Growth" || list[0].Patient != "p1" {
		t.Errorf("connections %+v %v", list, err)
	}
	for _, e := range r.records.events {
		for _, secret := range []string{got.Access, got.Refresh, got.ID, a.verifier} {
			if strings.Contains(e.Detail+e.Reason+e.Target, secret) {
				t.Error("a secret lies in the audit log")
			}
		}
	}
}

// idToken checks an id_token as an app does, by the keys that are published.
func (r *rig) idToken(a *app, text string) {
	r.t.Helper()
	w := r.get("/oauth2/jwks")
	if strings.Contains(w.Body.String(), `"d"`) {
		r.t.Fatal("a private key is published")
	}
	var set jose.JSONWebKeySet
	check(r.t, json.Unmarshal(w.Body.Bytes(), &set))
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	check(r.t, err)
	keys := set.Key(token.Headers[0].KeyID)
	if len(keys) != 1 {
		r.t.Fatalf("%d keys", len(keys))
	}
	var claims map[string]any
	check(r.t, token.Claims(keys[0].Key, &claims))
	want := map[string]any{
		"iss": issuer, "aud": a.ID, "sub": r.person.ID, "nonce": "n-1", "fhirUser": base + "/Practitioner/pr1",
		"name": "Ana Okafor", "given_name": "Ana", "family_name": "Okafor", "preferred_username": "doctor",
		"iat": float64(r.clock.Now().Unix()), "auth_time": float64(r.actor().AuthTime.Unix()),
	}
	for key, value := range want {
		if claims[key] != value {
			r.t.Errorf("%s is %v, not %v", key, claims[key], value)
		}
	}
}

// A launch from a chart: the patient is the chart's, and what the app was started
// with is good once, for it and that person.
func TestEHRLaunch(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	other := r.app(allWords+"patient/*.rs", nil)
	start := func() url.Values {
		t.Helper()
		address, err := r.server.Launch(ctx, r.actor(), a.ID, "p2")
		check(t, err)
		u, err := url.Parse(address)
		check(t, err)
		if !strings.HasPrefix(address, "https://app.example/launch?") || u.Query().Get("iss") != base {
			t.Fatal(address)
		}
		q := a.request()
		q.Set("scope", "launch openid patient/*.read")
		q.Set("launch", u.Query().Get("launch"))
		return q
	}
	q := start()
	id, _ := r.sent(q)
	question, err := r.server.Question(ctx, r.actor(), id)
	check(t, err)
	if question.Patient != "p2" || question.Choose || question.App != "Growth" || question.Host != "app.example" {
		t.Errorf("%+v", question)
	}
	got := a.redeem(a.agree(id))
	if got.Patient != "p2" || got.Scope != "launch openid patient/*.read" || got.Refresh != "" {
		t.Errorf("%+v", got)
	}
	if id, params := r.sent(q); id != "" || params.Get("error") != "invalid_request" {
		t.Errorf("launched twice: %v", params)
	}
	q = start()
	q.Set("client_id", other.ID)
	if id, params := r.sent(q); id != "" || params.Get("error") != "invalid_request" {
		t.Errorf("another app took it: %v", params)
	}
	q = start()
	r.clock.Advance(6 * time.Minute)
	if id, params := r.sent(q); id != "" || params.Get("error") != "invalid_request" {
		t.Errorf("launched late: %v", params)
	}
	q = start()
	id, _ = r.sent(q)
	stranger := r.actor()
	stranger.ID = "stranger"
	if _, err := r.server.Question(ctx, stranger, id); !fault.Is(err, fault.NotFound) {
		t.Errorf("another person: %v", err)
	}
	if _, err := r.server.Launch(ctx, r.actor(), a.ID, "hidden"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a patient she may not see: %v", err)
	}
}

// Whatever is wrong with a request, nobody is led where the app is not registered,
// and nothing is granted.
func TestAuthorizationIsRefused(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	backend, _, err := r.people.AddClient(ctx, operator, "feed", identity.Scopes{{Type: "*", Access: identity.AccessRead}})
	check(t, err)
	nowhere := "nowhere"
	for name, c := range map[string]struct {
		key, value, want string
	}{
		"unknown app":             {"client_id", "nobody", nowhere},
		"no app":                  {"client_id", "", nowhere},
		"a program of its own":    {"client_id", backend.ID, nowhere},
		"another address":         {"redirect_uri", "https://evil.example/back", nowhere},
		"no address":              {"redirect_uri", "", nowhere},
		"a path below":            {"redirect_uri", back + "/more", nowhere},
		"a slash more":            {"redirect_uri", back + "/", nowhere},
		"a query more":            {"redirect_uri", back + "?x=1", nowhere},
		"a fragment more":         {"redirect_uri", back + "#x", nowhere},
		"other letters":           {"redirect_uri", "https://APP.example/back", nowhere},
		"dots":                    {"redirect_uri", "https://app.example/x/../back", nowhere},
		"escaped":                 {"redirect_uri", "https://app.example/%62ack", nowhere},
		"a port":                  {"redirect_uri", "https://app.example:443/back", nowhere},
		"somebody's name":         {"redirect_uri", "https://app.example@evil.example/back", nowhere},
		"another scheme":          {"redirect_uri", "http://app.example/back", nowhere},
		"script":                  {"redirect_uri", "javascript:alert(1)", nowhere},
		"a header":                {"redirect_uri", back + "\r\nX: y", nowhere},
		"implicit":                {"response_type", "token", "unsupported_response_type"},
		"hybrid":                  {"response_type", "code id_token", "unsupported_response_type"},
		"no type":                 {"response_type", "", "unsupported_response_type"},
		"a form posted":           {"response_mode", "form_post", "invalid_request"},
		"a fragment":              {"response_mode", "fragment", "invalid_request"},
		"no challenge":            {"code_challenge", "", "invalid_request"},
		"a short challenge":       {"code_challenge", "abc", "invalid_request"},
		"a padded challenge":      {"code_challenge", challenge("x") + "=", "invalid_request"},
		"a plain challenge":       {"code_challenge_method", "plain", "invalid_request"},
		"no method":               {"code_challenge_method", "", "invalid_request"},
		"no state":                {"state", "", "invalid_request"},
		"a long state":            {"state", strings.Repeat("s", 2000), "invalid_request"},
		"no aud":                  {"aud", "", "invalid_request"},
		"another aud":             {"aud", "https://evil.example/fhir", "invalid_request"},
		"aud by prefix":           {"aud", base + ".evil.example", "invalid_request"},
		"no scope":                {"scope", "", "invalid_scope"},
		"a malformed scope":       {"scope", "patient/*.sr", "invalid_scope"},
		"not registered":          {"scope", "user/*.cruds", "invalid_scope"},
		"system":                  {"scope", "system/*.rs", "invalid_scope"},
		"writing":                 {"scope", "patient/*.cud", "invalid_scope"},
		"narrowed by what cannot": {"scope", "patient/Observation.rs?_sort=x", "invalid_scope"},
		"launch without one":      {"scope", "launch patient/*.rs", "invalid_request"},
		"one without launch":      {"launch", "wkl_x", "invalid_request"},
		"in silence":              {"prompt", "none", "interaction_required"},
		"a bad age":               {"max_age", "-1", "invalid_request"},
		"a request object":        {"request", "e30.e30.", "request_not_supported"},
		"an unknown request":      {"request_uri", "urn:ietf:params:oauth:request_uri:x", nowhere},
		"a request elsewhere":     {"request_uri", "https://evil.example/request", nowhere},
	} {
		q := a.request()
		q.Set(c.key, c.value)
		id, params := r.sent(q)
		switch {
		case id != "":
			t.Errorf("%s was taken", name)
		case c.want == nowhere && (len(params) > 0 || r.stopped == ""):
			t.Errorf("%s: led back with %v", name, params)
		case c.want != nowhere && (params.Get("error") != c.want || params.Get("state") != q.Get("state") || params.Get("iss") != issuer || params.Get("code") != ""):
			t.Errorf("%s: %v, not %s", name, params, c.want)
		}
		if strings.Contains(r.stopped, "evil") {
			t.Errorf("%s: what was sent is shown: %s", name, r.stopped)
		}
	}
	if id, _ := r.sent(a.request()); id == "" {
		t.Error("what is in order is refused, too")
	}
	for _, twice := range []string{"client_id", "redirect_uri", "state", "scope"} {
		q := a.request()
		q.Add(twice, "https://evil.example")
		if id, params := r.sent(q); id != "" || len(params) > 0 {
			t.Errorf("%s twice: %v", twice, params)
		}
	}
}

func TestAuthorizeByPost(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	q := httptest.NewRequest(http.MethodPost, "/oauth2/authorize", strings.NewReader(a.request().Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, q)
	if id, params := r.led(w); id == "" {
		t.Error(params)
	}
}

// What is sent ahead is fixed: the browser cannot change it, and it is good once.
func TestPushedRequests(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", func(n *identity.NewClient) { n.Auth = identity.AuthSecret })
	other := r.app(allWords+"patient/*.rs", nil)
	push := func(change ...string) (int, string) {
		form := a.request()
		for i := 0; i+1 < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		var out struct {
			URI   string `json:"request_uri"`
			Error string `json:"error"`
		}
		status := a.send("/oauth2/par", form, &out)
		return status, out.URI + out.Error
	}
	status, uri := push()
	if status != http.StatusCreated || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") {
		t.Fatal(status, uri)
	}
	id, _ := r.sent(url.Values{"client_id": {a.ID}, "request_uri": {uri}, "scope": {"patient/*.cruds"}, "redirect_uri": {"https://evil.example"}})
	if got := a.redeem(a.agree(id)); got.status != http.StatusOK || !strings.HasSuffix(got.Scope, "patient/*.rs") {
		t.Errorf("%+v", got)
	}
	if id, _ := r.sent(url.Values{"client_id": {a.ID}, "request_uri": {uri}}); id != "" {
		t.Error("it is good twice")
	}
	_, uri = push()
	if id, _ := r.sent(url.Values{"client_id": {other.ID}, "request_uri": {uri}}); id != "" {
		t.Error("another app used it")
	}
	_, uri = push()
	r.clock.Advance(2 * time.Minute)
	if id, _ := r.sent(url.Values{"client_id": {a.ID}, "request_uri": {uri}}); id != "" {
		t.Error("it is good for ever")
	}
	for key, value := range map[string]string{"redirect_uri": "https://evil.example", "code_challenge_method": "plain", "scope": "system/*.rs", "request_uri": uri, "client_id": other.ID} {
		if status, _ := push(key, value); status != http.StatusBadRequest {
			t.Errorf("%s: %d", key, status)
		}
	}
	a.secret = "wks_wrong"
	if status, _ := push(); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %d", status)
	}
}

// The person may leave out what she will, decline, and is asked to prove who she
// is if the app wants that.
func TestDecisions(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/Observation.rs patient/Patient.r", nil)
	id, _ := r.sent(a.request())
	some, err := identity.ParseAsked("openid patient/Patient.cruds user/*.cruds launch")
	check(t, err)
	to, err := r.server.Answer(ctx, r.actor(), id, identity.Decision{Allow: true, Patient: "p1", Granted: some})
	check(t, err)
	u, _ := url.Parse(to)
	if got := a.redeem(u.Query().Get("code")); got.Scope != "openid patient/Patient.r" || got.Refresh != "" {
		t.Errorf("%+v", got)
	}
	if _, err := r.server.Question(ctx, r.actor(), id); !fault.Is(err, fault.NotFound) {
		t.Errorf("decided twice: %v", err)
	}

	id, _ = r.sent(a.request())
	to, err = r.server.Answer(ctx, r.actor(), id, identity.Decision{})
	check(t, err)
	u, _ = url.Parse(to)
	if u.Query().Get("error") != "access_denied" || u.Query().Get("state") != "s t/ate" || u.Query().Has("code") {
		t.Error(to)
	}

	id, _ = r.sent(a.request())
	q, err := r.server.Question(ctx, r.actor(), id)
	check(t, err)
	for name, d := range map[string]identity.Decision{
		"no patient":     {Allow: true, Granted: q.Granted},
		"a hidden one":   {Allow: true, Granted: q.Granted, Patient: "hidden"},
		"nothing at all": {Allow: true, Patient: "p1"},
	} {
		if _, err := r.server.Answer(ctx, r.actor(), id, d); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	program, err := r.who(a.redeem(a.code()).Access)
	check(t, err)
	if _, err := r.server.Question(ctx, program, id); err == nil {
		t.Error("a program lets a program in")
	}

	request := a.request()
	request.Set("max_age", "10")
	id, _ = r.sent(request)
	if _, err := r.server.Question(ctx, r.actor(), id); !fault.Is(err, fault.Denied) {
		t.Errorf("an old proof of identity: %v", err)
	}
	request = a.request()
	request.Set("prompt", "login")
	id, _ = r.sent(request)
	r.clock.Advance(time.Minute)
	if _, err := r.server.Question(ctx, r.actor(), id); !fault.Is(err, fault.Denied) {
		t.Errorf("prompt=login: %v", err)
	}
	r.signIn()
	_, err = r.server.Question(ctx, r.actor(), id)
	check(t, err)
}
