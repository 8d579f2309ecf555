package identity_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

var readAll = identity.Scopes{{Type: "*", Access: identity.AccessRead | identity.AccessSearch}}

func TestClientToken(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	got, err := w.AuthenticateClient(ctx, c.ID, secret, ward)
	must(t, err)
	asked, err := identity.ParseScopes("system/Observation.cruds system/Patient.r")
	must(t, err)
	token, err := w.IssueToken(ctx, got, asked, ward)
	must(t, err)
	if s := token.Scopes.String(); s != "system/Observation.rs system/Patient.r" {
		t.Fatalf("granted %s", s)
	}
	if e := w.records.lastEvent(t); e.Action != "token" || e.Client != c.ID || e.Detail != token.Scopes.String() {
		t.Fatalf("event %+v", e)
	}
	a, err := w.Authenticate(ctx, token.Text, ward)
	must(t, err)
	if a.Kind != identity.KindClient || a.ID != c.ID || a.Scopes.Access("Patient") != identity.AccessRead ||
		a.Scopes.Access("Condition") != 0 || a.MFA == identity.AssuranceMulti || a.RequestID != ward.RequestID {
		t.Fatalf("actor %+v", a)
	}
	only, err := identity.ParseScopes("system/Patient.cud")
	must(t, err)
	_, err = w.IssueToken(ctx, got, only, ward)
	wantKind(t, err, fault.Denied)
	w.clock.Advance(5 * time.Minute)
	_, err = w.Authenticate(ctx, token.Text, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// A token dies at once where it was ended, and within a second elsewhere.
func TestTokensDie(t *testing.T) {
	ways := map[string]func(*world, identity.Client, string) error{
		"revoked":  func(w *world, c identity.Client, text string) error { return w.RevokeToken(ctx, c, text, ward) },
		"disabled": func(w *world, c identity.Client, _ string) error { return w.DisableClient(ctx, operator, c.ID, "") },
		"new secret": func(w *world, c identity.Client, _ string) error {
			_, err := w.NewClientSecret(ctx, operator, c.ID, "")
			return err
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			other := w.another()
			c, _, err := w.AddClient(ctx, operator, "lab feed", readAll)
			must(t, err)
			token, err := w.IssueToken(ctx, c, nil, ward)
			must(t, err)
			for _, s := range []*identity.Service{w.Service, other} {
				_, err = s.Authenticate(ctx, token.Text, ward)
				must(t, err)
			}
			must(t, end(w, c, token.Text))
			_, err = w.Authenticate(ctx, token.Text, ward)
			wantKind(t, err, fault.Unauthenticated)
			w.clock.Advance(time.Second)
			_, err = other.Authenticate(ctx, token.Text, ward)
			wantKind(t, err, fault.Unauthenticated)
			_, found, err := w.Introspect(ctx, c, token.Text)
			if found || err != nil {
				t.Fatal("still told about", err)
			}
		})
	}
}

// A token fetched from storage just before it was revoked is not remembered
// after.
func TestRevokeBeatsCache(t *testing.T) {
	w := newWorld(t)
	c, _, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	token, err := w.IssueToken(ctx, c, nil, ward)
	must(t, err)
	var once sync.Once
	w.records.beforeOp = func(op string) {
		if op != "Get" { // between the token's record and its client's
			return
		}
		once.Do(func() {
			if err := w.RevokeToken(ctx, c, token.Text, ward); err != nil {
				t.Error(err)
			}
		})
	}
	_, _ = w.Authenticate(ctx, token.Text, ward) // began before the revocation: either answer is right
	_, err = w.Authenticate(ctx, token.Text, ward)
	wantKind(t, err, fault.Unauthenticated)
}

func TestTokensOfOthers(t *testing.T) {
	w := newWorld(t)
	c, _, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	d, secret, err := w.AddClient(ctx, operator, "other", readAll)
	must(t, err)
	token, err := w.IssueToken(ctx, c, nil, ward)
	must(t, err)
	must(t, w.RevokeToken(ctx, d, token.Text, ward))
	if _, found, err := w.Introspect(ctx, d, token.Text); found || err != nil {
		t.Fatal("told about another's token", err)
	}
	info, found, err := w.Introspect(ctx, c, token.Text)
	if !found || err != nil || info.ClientID != c.ID || !info.Expires.Equal(token.Expires) {
		t.Fatalf("%+v %v %v", info, found, err)
	}
	for _, bad := range []string{"", secret, "Bearer " + token.Text, token.Text + "=", token.Text[:len(token.Text)-1],
		"wkt_" + strings.Repeat("A", 43), strings.ToUpper(token.Text), flipLastBit(token.Text)} {
		if _, err := w.Authenticate(ctx, bad, ward); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%d characters: %v", len(bad), err)
		}
	}
}

// flipLastBit changes bits of the last character that carry no data: another
// spelling of the same bytes, which MUST NOT be taken.
func flipLastBit(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[at^1])
}

func TestClientGuessing(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	texts := map[string]bool{}
	wrong := "wks_" + strings.Repeat("A", 43)
	for _, id := range []string{c.ID, "unknown", "", "not an id/"} {
		_, err := w.AuthenticateClient(ctx, id, wrong, identity.Origin{Source: fmt.Sprintf("192.0.2.%d", len(texts))})
		wantKind(t, err, fault.Unauthenticated)
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Fatalf("the answers differ: %v", texts)
	}
	for range 10 {
		_, err := w.AuthenticateClient(ctx, c.ID, wrong, outside)
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err = w.AuthenticateClient(ctx, c.ID, secret, outside)
	wantKind(t, err, fault.Throttled)
	// Whoever knows the id cannot shut the program out elsewhere.
	_, err = w.AuthenticateClient(ctx, c.ID, secret, ward)
	must(t, err)
}

// What a client may do shrinks at once for tokens already out.
func TestDisabledClientCannotAuthenticate(t *testing.T) {
	w := newWorld(t)
	c, secret, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	must(t, w.DisableClient(ctx, operator, c.ID, "contract ended"))
	_, err = w.AuthenticateClient(ctx, c.ID, secret, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.IssueToken(ctx, c, nil, ward)
	wantKind(t, err, fault.Unauthenticated)
	clients, err := w.Clients(ctx, operator)
	if err != nil || len(clients) != 1 || clients[0].Status != identity.StatusDisabled {
		t.Fatalf("%+v %v", clients, err)
	}
}

// TestNamesInURLs: only who is registered so may have names in addresses, a program and an
// app alike; it is told in the log, and ends at once.
func TestNamesInURLs(t *testing.T) {
	w := newWorld(t)
	acts := func(c identity.Client) bool {
		t.Helper()
		token, err := w.IssueToken(ctx, c, nil, ward)
		must(t, err)
		a, err := w.Authenticate(ctx, token.Text, ward)
		must(t, err)
		again, err := w.Act(ctx, a.Mandate(w.clock.Now()))
		must(t, err)
		if again.NamesInURLs != a.NamesInURLs {
			t.Error("what it ordered is done by other rights")
		}
		return a.NamesInURLs
	}
	plain, _, err := w.AddClient(ctx, operator, "feed", readAll)
	must(t, err)
	let, _, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "old", Scopes: readAll, NamesInURLs: true})
	must(t, err)
	if e := w.records.lastEvent(t); e.Action != "create" || e.Target != let.ID || e.Detail == "" {
		t.Errorf("event %+v", e)
	}
	if acts(plain) || !acts(let) {
		t.Error("not as they are registered")
	}
	token, err := w.IssueToken(ctx, let, nil, ward)
	must(t, err)
	let, err = w.LetNamesInURLs(ctx, operator, let.ID, "it can do better now", false)
	must(t, err)
	if e := w.records.lastEvent(t); e.Action != "names-in-urls-refused" || e.Reason != "it can do better now" {
		t.Errorf("event %+v", e)
	}
	_, err = w.Authenticate(ctx, token.Text, ward)
	wantKind(t, err, fault.Unauthenticated)
	if acts(let) {
		t.Error("it goes on")
	}
	nina := w.signIn(w.add("nina", "nurse"))
	_, err = w.LetNamesInURLs(ctx, w.resume(nina), plain.ID, "x", true)
	wantKind(t, err, fault.Denied)
	for _, names := range []bool{false, true} {
		_, d := w.connected(nina, identity.WordOffline, func(n *identity.NewClient) { n.NamesInURLs = names })
		a, err := w.Authenticate(ctx, d.Access.Text, ward)
		must(t, err)
		list, err := w.Connections(ctx, w.resume(nina))
		must(t, err)
		if a.NamesInURLs != names || list[0].NamesInURLs != names {
			t.Errorf("an app that may: %v, does: %v, is shown: %v", names, a.NamesInURLs, list[0].NamesInURLs)
		}
		w.clock.Advance(time.Second)
	}
}
