package federation

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	shortAway = "federation"
	// awayLife is how long somebody may take at the provider.
	awayLife = 10 * time.Minute
)

// Ask says what a visit to the provider is for.
type Ask struct {
	// Session is the id of a session whose person shall prove herself anew; "" for
	// a new session.
	Session string
	Leaves  string // line of the session that the browser has when a new one is asked for
	Back    string // where to go afterwards, checked by who asks
}

// Away is a visit under way. Address is where to send the browser. Binding is for
// its cookie alone: without it nobody can end what this browser began.
type Away struct {
	Address string
	Binding string
	Expires time.Time
}

// away is what is kept of it, under the digest of its state.
type away struct {
	Provider string    `json:"provider"`
	Binding  string    `json:"binding"` // digest
	Verifier string    `json:"verifier"`
	Nonce    string    `json:"nonce"`
	Begun    time.Time `json:"begun"`
	Expires  time.Time `json:"expires"`
	Session  string    `json:"session,omitempty"`
	Leaves   string    `json:"leaves,omitempty"`
	Back     string    `json:"back"`
}

// anew reports whether the provider has to ask, though it knows somebody: to unlock, and
// where a session is left behind. Or whoever passes would come in as who has locked it.
func (a away) anew() bool { return a.Session != "" || a.Leaves != "" }

// Begin prepares a visit to a provider.
func (f *Federation) Begin(ctx context.Context, name string, ask Ask, o identity.Origin) (Away, error) {
	const op = "federation.Begin"
	p, err := f.provider(name)
	if err != nil {
		return Away{}, err
	}
	if err := f.cfg.People.AdmitUpstream(ctx, o); err != nil {
		return Away{}, fmt.Errorf("%s: %w", op, err)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return Away{}, err
	}
	var secrets [4]string
	for i := range secrets {
		if secrets[i], err = f.secret(); err != nil {
			return Away{}, err
		}
	}
	state, binding := secrets[0], secrets[1]
	now := f.cfg.Clock.Now()
	kept := away{
		Provider: name, Binding: digest(binding), Nonce: secrets[2], Verifier: secrets[3],
		Begun: now, Expires: now.Add(awayLife), Session: ask.Session, Leaves: ask.Leaves, Back: ask.Back,
	}
	raw, err := json.Marshal(kept)
	if err == nil {
		err = f.cfg.Short.PutShort(ctx, shortAway, digest(state), raw, kept.Expires)
	}
	if err != nil {
		return Away{}, fmt.Errorf("%s: %w", op, err)
	}
	address, err := p.address(found, kept, state)
	return Away{Address: address, Binding: binding, Expires: kept.Expires}, err
}

// address is the authentication request (OpenID Connect Core 1.0, §3.1.2.1).
func (p *provider) address(found *found, kept away, state string) (string, error) {
	options := []oauth2.AuthCodeOption{oidc.Nonce(kept.Nonce), oauth2.S256ChallengeOption(kept.Verifier)}
	add := func(name, value string) { options = append(options, oauth2.SetAuthURLParam(name, value)) }
	if seconds := int(p.MaxAge.Seconds()); kept.anew() {
		add("prompt", "login")
		add("max_age", "0")
	} else if seconds > 0 {
		add("max_age", strconv.Itoa(seconds))
	}
	switch p.MFA.Request {
	case "acr_values":
		add("acr_values", joined(p.MFA.Values))
	case "claims":
		wanted := map[string]any{"id_token": map[string]any{p.MFA.Claim: map[string]any{"essential": true, "values": p.MFA.Values}}}
		if len(p.MFA.Values) == 1 {
			wanted["id_token"] = map[string]any{p.MFA.Claim: map[string]any{"essential": true, "value": p.MFA.Values[0]}}
		}
		raw, err := json.Marshal(wanted)
		if err != nil {
			return "", fmt.Errorf("federation.address: %w", err)
		}
		add("claims", string(raw))
	}
	return found.oauth.AuthCodeURL(state, options...), nil
}

// Return is a visit that ended well.
type Return struct {
	Grant identity.Grant
	Back  string
	Left  string // Ask.Leaves
}

// Finish takes what a browser brings back from a provider (OpenID Connect Core
// 1.0, §3.1.2.5), with the binding of its cookie. Whatever is wrong is recorded
// and refused with a text that says what to do.
func (f *Federation) Finish(ctx context.Context, name string, answer url.Values, binding string, o identity.Origin) (Return, error) {
	p, err := f.provider(name)
	if err != nil {
		return Return{}, err
	}
	kept, up, err := f.finish(ctx, p, answer, binding)
	if err != nil {
		return Return{}, f.refused(ctx, "login", p, err, o)
	}
	var g identity.Grant
	if kept.Session != "" {
		g, err = f.cfg.People.RenewUpstream(ctx, kept.Session, up, o)
	} else {
		g, err = f.cfg.People.SignInUpstream(ctx, up, o)
	}
	return Return{Grant: g, Back: kept.Back, Left: kept.Leaves}, err
}

func (f *Federation) finish(ctx context.Context, p *provider, answer url.Values, binding string) (away, identity.Upstream, error) {
	none := identity.Upstream{}
	kept, err := f.take(ctx, p.Name, one(answer, "state"), binding)
	if err != nil {
		return kept, none, err
	}
	found, err := p.discover(ctx)
	if err != nil {
		return kept, none, err
	}
	if iss := answer["iss"]; (len(iss) > 0 || found.tellsIss) && (len(iss) != 1 || iss[0] != p.Issuer) {
		return kept, none, p.disbelieve("the answer names another issuer, or none")
	}
	if answer.Has("error") {
		return kept, none, p.declined(one(answer, "error"))
	}
	code := one(answer, "code")
	if code == "" {
		return kept, none, p.disbelieve("the answer has no code, or several")
	}
	token, err := found.oauth.Exchange(p.line.on(ctx), code, oauth2.VerifierOption(kept.Verifier))
	if err != nil {
		var answered *oauth2.RetrieveError
		if errors.As(err, &answered) && answered.Response != nil && answered.Response.StatusCode < 500 {
			return kept, none, p.disbelieve("the provider does not take the code")
		}
		return kept, none, p.unreachable("exchange", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.idToken(ctx, found, raw, token.AccessToken)
	if err != nil {
		return kept, none, err
	}
	up, err := p.vouched(id, kept, f.cfg.Clock.Now())
	return kept, up, err
}

// take returns a visit under way to the browser that began it, once.
func (f *Federation) take(ctx context.Context, provider, state, binding string) (away, error) {
	f.taking.Lock()
	defer f.taking.Unlock()
	lost := func(why string) error {
		return refusal{why, fault.Unauthenticated, "This sign-in was not begun in this window, was finished already, or took too long. Start again."}
	}
	var kept away
	raw, err := f.cfg.Short.GetShort(ctx, shortAway, digest(state))
	if fault.Is(err, fault.NotFound) {
		return kept, lost("state is not known, or was used")
	}
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err == nil {
		err = f.cfg.Short.DropShort(ctx, shortAway, digest(state))
	}
	if err != nil {
		return away{}, fmt.Errorf("federation.take: %w", err)
	}
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	switch {
	case !same(digest(binding), kept.Binding):
		return away{}, lost("state of another browser")
	case kept.Provider != provider:
		return away{}, lost("state of another provider")
	case !f.cfg.Clock.Now().Before(kept.Expires):
		return away{}, lost("state expired")
	}
	return kept, nil
}

// one returns a parameter that is there once.
func one(answer url.Values, name string) string {
	if list := answer[name]; len(list) == 1 {
		return list[0]
	}
	return ""
}

func joined(list []string) string {
	text := ""
	for i, v := range list {
		if i > 0 {
			text += " "
		}
		text += v
	}
	return text
}
