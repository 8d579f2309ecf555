package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	answerTo = "https://app.example/back"
	verifier = "a-verifier-that-is-long-enough-for-rfc-7636-section-4"
)

// connected has a person let an app do something for her by a word of scope.
func (w *world) connected(g identity.Grant, word string, change ...func(*identity.NewClient)) (identity.Client, identity.Delegation) {
	w.t.Helper()
	scopes, err := identity.ParseScopes("user/Patient.r")
	must(w.t, err)
	n := identity.NewClient{Name: "growth", Scopes: scopes, Words: []string{word}, Auth: identity.AuthNone, RedirectURIs: []string{answerTo}}
	for _, f := range change {
		f(&n)
	}
	c, _, err := w.RegisterClient(ctx, operator, n)
	must(w.t, err)
	sum := sha256.Sum256([]byte(verifier))
	asked := identity.Asked{Scopes: scopes, Words: []string{word}}
	id, err := w.KeepRequest(ctx, identity.AuthRequest{
		ClientID: c.ID, RedirectURI: answerTo, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), Asked: asked,
	})
	must(w.t, err)
	code, _, err := w.Decide(ctx, w.resume(g), id, identity.Decision{Allow: true, Granted: asked})
	must(w.t, err)
	d, err := w.Redeem(ctx, c, code, answerTo, verifier, ward)
	must(w.t, err)
	return c, d
}

// TestAppsEndWithTheProvider: an app of somebody who came by a provider goes on
// while she is away, and not once that provider or her link to it is gone, or has
// not vouched for her for a week.
func TestAppsEndWithTheProvider(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world, identity.Person)
		ends   bool
	}{
		"nothing":         {func(*world, identity.Person) {}, false},
		"six days":        {func(w *world, _ identity.Person) { w.clock.Advance(6 * 24 * time.Hour) }, false},
		"signed in again": {func(w *world, _ identity.Person) { w.weekWithSignIn() }, false},
		"eight days":      {func(w *world, _ identity.Person) { w.clock.Advance(8 * 24 * time.Hour) }, true},
		"provider gone":   {func(w *world, _ identity.Person) { w.config.Providers = nil }, true},
		"another provider": {func(w *world, _ identity.Person) {
			w.config.Providers = []string{"hillside"}
		}, true},
		"link gone": {func(w *world, p identity.Person) { w.records.strip(p.ID, "links") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := federated(t)
			p := w.newcomer()
			w.vouch(p)
			g, err := w.SignInUpstream(ctx, w.vouched(), ward)
			must(t, err)
			app, d := w.connected(g, identity.WordOffline)
			must(t, w.End(ctx, g.Token, ward))
			must(t, w.EndUpstream(ctx, identity.UpstreamEnd{Provider: "lakeside", Issuer: "https://id.example", Subject: "s-1"}, "jti-1", w.clock.Now().Add(time.Minute), ward))
			w.stillOpen(t, d, false)
			d, err = w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
			must(t, err)

			c.change(w, p)
			w.Service = w.another()
			if w.clock.Now().Before(d.Access.Expires) {
				w.stillOpen(t, d, c.ends)
			}
			d, err = w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
			if !c.ends {
				must(t, err)
				w.stillOpen(t, d, false)
				return
			}
			wantKind(t, err, fault.Unprocessable)
		})
	}
}

// stillOpen wants the access token to work, or to be dead if it ends.
func (w *world) stillOpen(t *testing.T, d identity.Delegation, ends bool) {
	t.Helper()
	_, err := w.Authenticate(ctx, d.Access.Text, ward)
	if !ends {
		must(t, err)
		return
	}
	wantKind(t, err, fault.Unauthenticated)
}

func (w *world) weekWithSignIn() {
	w.t.Helper()
	for range 2 {
		w.clock.Advance(5 * 24 * time.Hour)
		_, err := w.SignInUpstream(ctx, w.vouched(), ward)
		must(w.t, err)
	}
}

// TestAccessTokensEndAfterAWeek: a token issued at the end of the week does not
// outlast it.
func TestAccessTokensEndAfterAWeek(t *testing.T) {
	w := federated(t)
	w.vouch(w.newcomer())
	g, err := w.SignInUpstream(ctx, w.vouched(), ward)
	must(t, err)
	app, d := w.connected(g, identity.WordOffline)
	w.clock.Advance(7*24*time.Hour - time.Minute)
	d, err = w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
	must(t, err)
	w.stillOpen(t, d, false)
	w.clock.Advance(2 * time.Minute)
	w.stillOpen(t, d, true)
}

// TestLocalAppsNeedNoProvider: who signs in here is vouched for by nobody else.
func TestLocalAppsNeedNoProvider(t *testing.T) {
	w := federated(t)
	ana := w.add("ana.okafor", "nurse")
	app, d := w.connected(w.signIn(ana), identity.WordOffline)
	w.config.Providers = nil
	w.Service = w.another()
	w.clock.Advance(30 * 24 * time.Hour)
	d, err := w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
	must(t, err)
	w.stillOpen(t, d, false)
	if strings.Contains(w.records.dump(), d.Refresh) {
		t.Error("a refresh token is stored as it is")
	}
}
