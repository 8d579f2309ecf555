package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// KeySets gets the key sets of programs that were registered by URL, as they are
// cached. fresh asks for what is there now: a key is missing that ought to be.
type KeySets interface {
	KeySet(ctx context.Context, url string, fresh bool) ([]byte, error)
}

// What SMART demands of assertions (SMART App Launch 2.2, Asymmetric
// Authentication).
const (
	maxAssertion     = 8 << 10
	maxAssertionLife = 5 * time.Minute
	clockSkew        = 30 * time.Second
)

const shortAssertion = "assertion" // a jti that was used

var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS384, jose.ES384}

// errAssertion says what is wrong to our log, never to the client.
type errAssertion string

func (e errAssertion) Error() string { return string(e) }
func (e errAssertion) proof() string { return "assertion" }

// AuthenticateAssertion checks a signed assertion (RFC 7523 §3) for one of the
// audiences. Each is taken once. What is wrong is not said.
func (s *Service) AuthenticateAssertion(ctx context.Context, text string, audiences []string, o Origin) (Client, error) {
	const op = "identity.AuthenticateAssertion"
	id, token, err := readAssertion(text)
	net := Network(o.Source)
	guess, source := claim{perClient, id + "\x00" + net}, claim{perSource, "client\x00" + net}
	if err := s.throttle.check(ctx, guess, source); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	var c *clientRecord
	if err == nil {
		c, err = s.signer(ctx, id)
	}
	if err == nil {
		err = s.checkAssertion(ctx, c, token, audiences)
	}
	return s.letIn(ctx, op, c, err, o, []claim{guess, source}, "The client is unknown or disabled, or its assertion is not good: signed by RS384 (RSA of as many bits as the setting least_rsa demands) or ES384 with a registered key and its kid, iss and sub the client's id, aud the token endpoint, exp within five minutes, and a jti that was not used before.")
}

// readAssertion returns who an assertion says it is from, unproven.
func readAssertion(text string) (id string, token *jwt.JSONWebToken, err error) {
	if len(text) > maxAssertion {
		return "", nil, errAssertion("too long")
	}
	token, err = jwt.ParseSigned(text, assertionAlgorithms)
	if err != nil || len(token.Headers) != 1 {
		return "", nil, errAssertion("malformed, or signed by another algorithm")
	}
	var said struct {
		Issuer string `json:"iss"`
	}
	if err := token.UnsafeClaimsWithoutVerification(&said); err != nil || !validID(said.Issuer) {
		return "", nil, errAssertion("no iss")
	}
	return said.Issuer, token, nil
}

// signer returns the program that signs its assertions.
func (s *Service) signer(ctx context.Context, id string) (*clientRecord, error) {
	c, err := s.clientByID(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil, errAssertion("unknown client")
	}
	if err != nil {
		return nil, err
	}
	if c.Status != StatusActive || c.Auth != AuthKey {
		return nil, errAssertion("client is disabled, or does not sign")
	}
	return c, nil
}

func (s *Service) checkAssertion(ctx context.Context, c *clientRecord, token *jwt.JSONWebToken, audiences []string) error {
	header := token.Headers[0]
	if jku, ok := header.ExtraHeaders["jku"]; ok && (c.JWKSURL == "" || jku != c.JWKSURL) {
		return errAssertion("jku")
	}
	keys, err := s.keysFor(ctx, c, header)
	if err != nil {
		return err
	}
	var claims struct {
		jwt.Claims
		Audience audience `json:"aud"`
	}
	err = errAssertion("signature")
	for _, key := range keys {
		if token.Claims(key.Key, &claims) == nil {
			err = nil
			break
		}
	}
	if err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	switch exp := claims.Expiry; {
	case claims.Issuer != c.ID || claims.Subject != c.ID:
		return errAssertion("iss or sub")
	case len(claims.Audience) != 1 || !slices.Contains(audiences, claims.Audience[0]):
		return errAssertion("aud")
	case exp == nil || !now.Before(exp.Time().Add(clockSkew)) || exp.Time().After(now.Add(maxAssertionLife+clockSkew)):
		return errAssertion("exp")
	case claims.NotBefore != nil && claims.NotBefore.Time().After(now.Add(clockSkew)), claims.IssuedAt != nil && claims.IssuedAt.Time().After(now.Add(clockSkew)):
		return errAssertion("nbf or iat")
	case claims.ID == "" || len(claims.ID) > 256:
		return errAssertion("jti")
	}
	return s.useAssertion(ctx, c.ID, claims.ID, claims.Expiry.Time().Add(2*clockSkew))
}

// audience is one name or a list (RFC 7519 §4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	if strings.HasPrefix(strings.TrimSpace(string(b)), "[") {
		return json.Unmarshal(b, (*[]string)(a))
	}
	*a = make([]string, 1)
	return json.Unmarshal(b, &(*a)[0])
}

// useAssertion takes a jti that was not used before. It is remembered on the
// disk, past the time the assertion is good for: a restart forgets nothing.
func (s *Service) useAssertion(ctx context.Context, client, jti string, until time.Time) error {
	id := digestOf([]byte(client + "\x00" + jti))
	defer s.stripes.lock(id)()
	var used bool
	found, err := s.getShort(ctx, shortAssertion, id, &used)
	if err != nil {
		return err
	}
	if found {
		return errAssertion("jti was used before")
	}
	return s.putShort(ctx, shortAssertion, id, true, until)
}

// keysFor returns the keys that may have signed. If none has the kid, a set that
// is kept by URL is looked at anew: keys are rotated by adding one.
func (s *Service) keysFor(ctx context.Context, c *clientRecord, header jose.Header) ([]jose.JSONWebKey, error) {
	if header.KeyID == "" {
		return nil, errAssertion("no kid")
	}
	for _, fresh := range []bool{false, true} {
		text, err := s.keyText(ctx, c, fresh)
		if err != nil {
			return nil, err
		}
		set, err := s.readKeys(text)
		if err != nil {
			return nil, errAssertion("key set")
		}
		if found := s.signers(set, header); len(found) > 0 {
			return found, nil
		}
		if c.JWKSURL == "" {
			break
		}
	}
	return nil, errAssertion("kid")
}

// keyText returns the key set of a program, from its URL if it is kept there.
func (s *Service) keyText(ctx context.Context, c *clientRecord, fresh bool) ([]byte, error) {
	if c.JWKSURL == "" {
		return c.JWKS, nil
	}
	if s.cfg.KeySets == nil {
		return nil, fault.New(fault.Unavailable, "identity.keyText", "Key sets cannot be fetched here.")
	}
	text, err := s.cfg.KeySets.KeySet(ctx, c.JWKSURL, fresh)
	if err != nil {
		return nil, fmt.Errorf("identity.keyText: %w", err)
	}
	return text, nil
}

// signers returns the keys of the header's kid that fit its algorithm.
func (s *Service) signers(set *jose.JSONWebKeySet, header jose.Header) []jose.JSONWebKey {
	return slices.DeleteFunc(set.Key(header.KeyID), func(k jose.JSONWebKey) bool {
		return s.algorithmOf(k) != jose.SignatureAlgorithm(header.Algorithm) || k.Algorithm != "" && k.Algorithm != header.Algorithm
	})
}

// algorithmOf returns what a key signs by here, "" if nothing.
func (s *Service) algorithmOf(k jose.JSONWebKey) jose.SignatureAlgorithm {
	if k.Use != "" && k.Use != "sig" {
		return ""
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= s.cfg.LeastRSA {
			return jose.RS384
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P384() {
			return jose.ES384
		}
	}
	return ""
}

// readKeys reads a key set that can be used: one key at least to verify with, and
// none that should have stayed at home.
func (s *Service) readKeys(text []byte) (*jose.JSONWebKeySet, error) {
	set, err := readPublic(text)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(set.Keys, func(k jose.JSONWebKey) bool { return k.KeyID != "" && s.algorithmOf(k) != "" }) {
		return nil, fault.New(fault.Invalid, "identity.readKeys", fmt.Sprintf("The key set needs a key with a kid: RSA of %d bits or more (RS384), or EC on the curve P-384 (ES384). The setting least_rsa says how many bits.", s.cfg.LeastRSA))
	}
	return set, nil
}

// readPublic reads a key set of public keys alone.
func readPublic(text []byte) (*jose.JSONWebKeySet, error) {
	bad := func(text string) error { return fault.New(fault.Invalid, "identity.readPublic", text) }
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, bad("This is not a JSON Web Key Set (RFC 7517): {\"keys\": […]}.")
	}
	for _, k := range set.Keys {
		if !k.IsPublic() {
			return nil, bad("The key set holds a private or a shared key. Send the public keys alone, and make new ones: these were shown to others.")
		}
	}
	return &set, nil
}
