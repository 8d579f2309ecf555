package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// PasskeyAsk is what a browser is asked for: the options of a WebAuthn ceremony
// as JSON, for navigator.credentials, and the token under which the answer is
// expected, once and soon.
type PasskeyAsk struct {
	Token   string
	Options json.RawMessage
	Expires time.Time
}

// PasskeyAnswer is what a browser answered: the credential as JSON
// (PublicKeyCredential.toJSON, WebAuthn Level 3 §5.1).
type PasskeyAnswer struct {
	Ask  string // the token
	JSON []byte
}

// Uses of ceremonies: an answer to one is worth nothing for another.
const (
	useSignIn  = "sign-in"
	useSession = "session" // unlock and step-up, bound to the session
	useAdd     = "add"     // bound to the person
	useEnrol   = "enrol"   // bound to the enrolment
)

// ceremony is what is kept of a question until it is answered.
type ceremony struct {
	Use     string               `json:"use"`
	Bound   string               `json:"bound,omitempty"`
	Data    webauthn.SessionData `json:"data"`
	Expires time.Time            `json:"expires"`
}

const (
	ceremonyLife = 3 * time.Minute
	maxAnswer    = 64 << 10 // bytes
)

// perAsk slows an address that asks for ceremonies and never ends one.
var perAsk = limit{name: "ask", free: 120, longest: 30 * time.Second, leak: 5 * time.Second, keep: time.Hour}

func errPasskey(op string) error {
	return fault.New(fault.Unauthenticated, op, "This passkey is not known here, or its answer came too late. Try again.")
}

// AskPasskey asks for any passkey, to sign in with.
func (s *Service) AskPasskey(ctx context.Context, o Origin) (PasskeyAsk, error) {
	const op = "identity.AskPasskey"
	if err := s.wantPasskeys(op); err != nil {
		return PasskeyAsk{}, err
	}
	if _, err := s.throttle.admit(ctx, claim{perAsk, Network(o.Source)}); err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	options, data, err := s.webauthn.BeginDiscoverableLogin()
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	return s.keepCeremony(ctx, ceremony{Use: useSignIn, Data: *data}, options.Response)
}

// AskOwnPasskey asks for a passkey of whose session it is, to unlock it or to
// step up. The session may be locked.
func (s *Service) AskOwnPasskey(ctx context.Context, token string) (PasskeyAsk, error) {
	const op = "identity.AskOwnPasskey"
	if err := s.wantPasskeys(op); err != nil {
		return PasskeyAsk{}, err
	}
	id, ok := readSecret("", token)
	if !ok {
		return PasskeyAsk{}, errNoSession(op)
	}
	l, err := s.liveSession(ctx, id)
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := s.accountByID(ctx, l.rec.PersonID)
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	return s.askOf(ctx, a, useSession, id)
}

// askOf asks for one of the passkeys of a person who is known.
func (s *Service) askOf(ctx context.Context, a *account, use, bound string) (PasskeyAsk, error) {
	const op = "identity.askOf"
	if len(holder{a}.WebAuthnCredentials()) == 0 {
		return PasskeyAsk{}, fault.New(fault.Unprocessable, op, "You have no passkey here. Use your password.")
	}
	options, data, err := s.webauthn.BeginLogin(holder{a})
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	return s.keepCeremony(ctx, ceremony{Use: use, Bound: bound, Data: *data}, options.Response)
}

// AskNewPasskey asks the browser to make a passkey. It wants a fresh proof.
func (s *Service) AskNewPasskey(ctx context.Context, actor Actor) (PasskeyAsk, error) {
	const op = "identity.AskNewPasskey"
	if err := s.wantPasskeys(op); err != nil {
		return PasskeyAsk{}, err
	}
	if err := s.own(actor); err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := s.accountByID(ctx, actor.ID)
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("%s: %w", op, err)
	}
	return s.askNew(ctx, a, useAdd, a.ID)
}

func (s *Service) askNew(ctx context.Context, a *account, use, bound string) (PasskeyAsk, error) {
	var known webauthn.Credentials
	for _, k := range a.Passkeys {
		known = append(known, k.credential())
	}
	options, data, err := s.webauthn.BeginRegistration(holder{a}, webauthn.WithExclusions(known.CredentialDescriptors()), webauthn.WithCredentialParameters(passkeyKinds()))
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("identity.askNew: %w", err)
	}
	return s.keepCeremony(ctx, ceremony{Use: use, Bound: bound, Data: *data}, options.Response)
}

// passkeyKinds are the algorithms that a new passkey may sign by. RSA is asked for, as
// browsers want it to be and some devices make nothing else; what is too short is told
// when it comes.
func passkeyKinds() (out []protocol.CredentialParameter) {
	for _, kind := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgES384, webauthncose.AlgES512, webauthncose.AlgRS256} {
		out = append(out, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: kind})
	}
	return out
}

// strongPasskey refuses an RSA key of fewer bits than programs' have to have.
func (s *Service) strongPasskey(public []byte) error {
	key, err := webauthncose.ParsePublicKey(public)
	if err != nil {
		return errPasskey("identity.strongPasskey")
	}
	k, isRSA := key.(webauthncose.RSAPublicKeyData)
	if isRSA && new(big.Int).SetBytes(k.Modulus).BitLen() < s.cfg.LeastRSA {
		return fault.New(fault.Unprocessable, "identity.strongPasskey", "The key that this device makes is too short for passkeys here (RSA). Take another device, such as your phone or a security key, or an authenticator app.")
	}
	return nil
}

func (s *Service) keepCeremony(ctx context.Context, c ceremony, options any) (PasskeyAsk, error) {
	text, digest, err := s.newSecret("")
	if err != nil {
		return PasskeyAsk{}, err
	}
	c.Expires = s.cfg.Clock.Now().Add(ceremonyLife)
	if err := s.putShort(ctx, shortCeremony, digest, c, c.Expires); err != nil {
		return PasskeyAsk{}, err
	}
	out, err := json.Marshal(options)
	if err != nil {
		return PasskeyAsk{}, fmt.Errorf("identity.keepCeremony: %w", err)
	}
	return PasskeyAsk{Token: text, Options: out, Expires: c.Expires}, nil
}

// takeCeremony uses a question up before its answer is looked at.
func (s *Service) takeCeremony(ctx context.Context, token, use, bound string) (ceremony, error) {
	const op = "identity.takeCeremony"
	if err := s.wantPasskeys(op); err != nil {
		return ceremony{}, err
	}
	digest, ok := readSecret("", token)
	if !ok {
		return ceremony{}, errPasskey(op)
	}
	defer s.asked.lock(digest)()
	var c ceremony
	found, err := s.getShort(ctx, shortCeremony, digest, &c)
	if err != nil {
		return ceremony{}, err
	}
	if !found || !s.cfg.Clock.Now().Before(c.Expires) || c.Use != use || c.Bound != bound {
		return ceremony{}, errPasskey(op)
	}
	return c, s.dropShort(ctx, shortCeremony, digest)
}
