package federation

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	// skew is how far a provider's clock may be from ours.
	skew = time.Minute
	// mostToken bounds a token; those with many groups have some kilobytes.
	mostToken = 64 << 10
)

// idToken verifies signature, algorithm, issuer and audience.
func (p *provider) idToken(ctx context.Context, found *found, raw, access string) (*oidc.IDToken, error) {
	if raw == "" || len(raw) > mostToken {
		return nil, p.disbelieve("there is no ID token")
	}
	failures := p.line.keyFailures()
	id, err := found.verifier.Verify(p.line.on(ctx), raw)
	if err != nil && p.line.keyFailures() != failures {
		return nil, p.unreachable("keys", err)
	}
	if err != nil && p.line.tooShort(raw) {
		return nil, p.weak()
	}
	if err != nil {
		return nil, p.disbelieve("the ID token is not signed by the provider for this server")
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(access) != nil {
		return nil, p.disbelieve("the ID token belongs to another access token")
	}
	return id, nil
}

// vouched checks that a verified ID token is for this visit (OpenID Connect Core
// 1.0, §3.1.3.7), proves what the settings demand, and reads whom it names.
func (p *provider) vouched(id *oidc.IDToken, kept away, now time.Time) (identity.Upstream, error) {
	none := identity.Upstream{}
	var raw json.RawMessage
	if err := id.Claims(&raw); err != nil {
		return none, p.disbelieve("the claims cannot be read")
	}
	c, err := readClaims(raw)
	if err != nil {
		return none, p.disbelieve("the claims cannot be read")
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(kept.Nonce)) != 1:
		return none, p.disbelieve("nonce of another sign-in")
	case !p.ours(id.Audience, c):
		return none, p.disbelieve("other audiences than this server")
	case !id.Expiry.After(now.Add(-skew)):
		return none, p.disbelieve("the ID token has expired")
	case id.IssuedAt.After(now.Add(skew)), id.IssuedAt.Before(kept.Begun.Add(-skew)):
		return none, p.disbelieve("the ID token is of another time")
	case c.seconds("nbf").After(now.Add(skew)):
		return none, p.disbelieve("the ID token does not hold yet")
	case c.text(p.Subject) == "" || id.Subject == "" || len(c.text(p.Subject)) > 255 || len(id.Subject) > 255:
		return none, p.disbelieve("nobody is named")
	case !p.belongs(c):
		return none, p.stranger()
	case !p.secondFactor(c):
		return none, p.singleFactor()
	}
	proven := c.seconds("auth_time")
	if proven.After(now) {
		proven = now
	}
	if oldest := p.oldest(kept, now); !oldest.IsZero() && proven.Before(oldest) {
		return none, p.stale(proven.IsZero())
	}
	given, family := c.names()
	return identity.Upstream{
		Provider: p.Name, Issuer: p.Issuer, Account: c.text(p.Subject), Subject: id.Subject, Session: c.text("sid"),
		Given: given, Family: family, Roles: p.roles(c), AuthTime: proven,
	}, nil
}

// oldest is when the person must have proven herself at the earliest; zero: the
// provider decides.
func (p *provider) oldest(kept away, now time.Time) time.Time {
	switch {
	case kept.anew():
		return kept.Begun.Add(-skew)
	case p.MaxAge > 0:
		return now.Add(-p.MaxAge - skew)
	}
	return time.Time{}
}

// ours reports whether a token is for this server and nobody else.
func (p *provider) ours(audience []string, c claims) bool {
	azp, given := c["azp"]
	return slices.Equal(audience, []string{p.ClientID}) && (!given || azp == p.ClientID)
}

// seconds returns a NumericDate (RFC 7519, §2), zero if there is none.
func (c claims) seconds(name string) time.Time {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}
	}
	f, err := n.Float64()
	if err != nil || f < 0 || f > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(f), 0)
}
