package federation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// SignOutAddress is where a browser signs out at the provider and comes back from;
// "" if the provider has no such place. No ID token goes along as a hint: it names
// the person, and addresses are kept in histories and logs.
func (f *Federation) SignOutAddress(ctx context.Context, name string) (string, error) {
	p, err := f.provider(name)
	if err != nil || p.Logout == "none" {
		return "", err
	}
	found, err := p.discover(ctx)
	if err != nil || found.endSession == "" {
		return "", err
	}
	u, err := url.Parse(found.endSession)
	if err != nil {
		return "", p.unreachable("logout", err)
	}
	back := "post_logout_redirect_uri"
	if p.Logout == "cognito" {
		back = "logout_uri"
	}
	q := u.Query()
	q.Set("client_id", p.ClientID)
	q.Set(back, f.cfg.Base+"/sign-in")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutAge is how old a logout token may be.
const logoutAge = 10 * time.Minute

// Ended takes a logout token (OpenID Connect Back-Channel Logout 1.0, §2.4) that a
// provider posts, and ends the sessions it names within a second.
func (f *Federation) Ended(ctx context.Context, name, raw string, o identity.Origin) error {
	p, err := f.provider(name)
	if err != nil {
		return err
	}
	end, id, until, err := p.logoutToken(ctx, raw)
	if err == nil {
		err = f.cfg.People.EndUpstream(ctx, end, id, until, o)
		if fault.Is(err, fault.Conflict) {
			err = p.notLogout("the logout token was used before")
		}
	}
	if err != nil {
		return f.refused(ctx, "logout", p, err, o)
	}
	return nil
}

// notLogout refuses a logout token (§2.6).
func (p *provider) notLogout(why string) error {
	return refusal{why, fault.Invalid, "The logout token is not one for this server, or not any more."}
}

// logoutToken validates a logout token (§2.6) and returns what it ends, its jti,
// and until when that must be remembered.
func (p *provider) logoutToken(ctx context.Context, raw string) (end identity.UpstreamEnd, id string, until time.Time, err error) {
	if raw == "" || len(raw) > mostToken || !logoutType(raw) {
		return end, "", until, p.notLogout("no logout token")
	}
	found, err := p.discover(ctx)
	if err != nil {
		return end, "", until, err
	}
	failures := p.line.keyFailures()
	token, err := found.verifier.VerifyLogout(p.line.on(ctx), raw)
	if err != nil && p.line.keyFailures() != failures {
		return end, "", until, p.unreachable("keys", err)
	}
	if err != nil && p.line.tooShort(raw) {
		return end, "", until, p.notLogout(weakKey)
	}
	if err != nil {
		return end, "", until, p.notLogout("the logout token is not signed by the provider for this server, or is none")
	}
	var c struct {
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := token.Claims(&c); err != nil {
		return end, "", until, p.notLogout("the claims cannot be read")
	}
	now := p.clock.Now()
	switch {
	case !strings.HasPrefix(string(c.Events[logoutEvent]), "{"):
		return end, "", until, p.notLogout("the event is not a logout")
	case !slices.Equal(token.Audience, []string{p.ClientID}):
		return end, "", until, p.notLogout("other audiences than this server")
	case !token.Expiry.After(now.Add(-skew)):
		return end, "", until, p.notLogout("the logout token has expired")
	case token.IssuedAt.After(now.Add(skew)), token.IssuedAt.Before(now.Add(-logoutAge)):
		return end, "", until, p.notLogout("the logout token is of another time")
	case len(token.TokenID) > 255, len(token.Subject) > 255, len(token.SessionID) > 255:
		return end, "", until, p.notLogout("a name is too long")
	}
	end = identity.UpstreamEnd{Provider: p.Name, Issuer: p.Issuer, Subject: token.Subject, Session: token.SessionID}
	return end, token.TokenID, token.IssuedAt.Add(logoutAge + 2*skew), nil
}

// logoutType reports whether the header's typ, if there is one, is that of a logout
// token (§2.4): a token of another kind is never taken for one.
func logoutType(raw string) bool {
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	var h struct {
		Type string `json:"typ"`
	}
	if json.Unmarshal(text, &h) != nil {
		return false
	}
	switch strings.TrimPrefix(strings.ToLower(h.Type), "application/") {
	case "", "jwt", "logout+jwt":
		return true
	}
	return false
}
