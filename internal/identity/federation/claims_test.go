package federation_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
)

// TestWhereRolesLie: claims are where providers put them, and names may hold dots.
func TestWhereRolesLie(t *testing.T) {
	for claim, claims := range map[string]map[string]any{
		"roles":                        {"roles": []string{"ward.nurse"}},
		"cognito:groups":               {"cognito:groups": []any{"other", 7, nil, "ward.nurse"}},
		"realm_access.roles":           {"realm_access": map[string]any{"roles": "ward.nurse"}},
		"resource_access.ward.k.roles": {"resource_access": map[string]any{"ward.k": map[string]any{"roles": []string{"ward.nurse"}}}},
		"https://x.example/a.b/roles":  {"https://x.example/a.b/roles": []string{"ward.nurse"}},
		"https://x.example/claims.r":   {"https://x.example/claims": map[string]any{"r": []string{"ward.nurse"}}},
	} {
		w := newWorld(t, func(p *config.Provider) { p.Roles.Claim = claim })
		w.issuer.set(func() { w.issuer.claims = claims })
		g := w.signedIn()
		if !slices.Equal(g.Session.Actor.Roles, []string{"nurse"}) {
			t.Errorf("%s: %v", claim, g.Session.Actor.Roles)
		}
	}
}

// TestSecondFactorIsAskedFor by what the settings say.
func TestSecondFactorIsAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		mfa       config.MFA
		acr, want string
	}{
		"acr_values":  {config.MFA{Claim: "acr", Values: []string{"gold", "urn:x:2"}, Request: "acr_values"}, "gold urn:x:2", ""},
		"one claim":   {config.MFA{Claim: "acrs", Values: []string{"c1"}, Request: "claims"}, "", `{"id_token":{"acrs":{"essential":true,"value":"c1"}}}`},
		"some claims": {config.MFA{Claim: "acr", Values: []string{"gold", "urn:x:2"}, Request: "claims"}, "", `{"id_token":{"acr":{"essential":true,"values":["gold","urn:x:2"]}}}`},
		"nothing":     {config.MFA{Claim: "amr", Values: []string{"mfa"}}, "", ""},
		"assumed":     {config.MFA{Assumed: true}, "", ""},
	} {
		w := newWorld(t, func(p *config.Provider) { p.MFA = c.mfa })
		u, err := url.Parse(w.begin(federation.Ask{}).Address)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Query().Get("acr_values"); got != c.acr {
			t.Errorf("%s: acr_values is %q", name, got)
		}
		got, want := any(nil), any(nil)
		if text := u.Query().Get("claims"); text != "" {
			_ = json.Unmarshal([]byte(text), &got)
		}
		if c.want != "" {
			_ = json.Unmarshal([]byte(c.want), &want)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%s: claims is %s, want %s", name, a, b)
		}
	}
}

// TestAssumed: a provider that does not tell of factors is believed where the
// settings say so, and only there (TestTokensThatAreNotBelieved).
func TestAssumed(t *testing.T) {
	w := newWorld(t, func(p *config.Provider) { p.MFA = config.MFA{Assumed: true} })
	w.issuer.set(func() { w.issuer.claims = map[string]any{"acr": nil} })
	w.signedIn()
}

// TestSubjectOfTheSettings: the claim that names a person is the one that was chosen.
func TestSubjectOfTheSettings(t *testing.T) {
	w := newWorld(t, func(p *config.Provider) { p.Subject = "oid" })
	_, err := w.visit()
	w.refusedVisit("without the claim", "nobody", err)
	w.issuer.set(func() { w.issuer.claims = map[string]any{"oid": "o-1"} })
	g := w.signedIn()
	w.issuer.set(func() { w.issuer.claims = map[string]any{"oid": "o-1", "sub": "u-9"} })
	r, err := w.visit()
	if err != nil || r.Grant.Session.Actor.ID != g.Session.Actor.ID {
		t.Errorf("the same person under another sub: %v", err)
	}
	people, err := w.people.People(ctx, operator)
	if err != nil || len(people) != 1 || strings.Contains(people[0].UserName, "o-1") {
		t.Errorf("%+v, %v", people, err)
	}
}
