package identity

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Passkey is a WebAuthn credential as its owner may see it.
type Passkey struct {
	ID      string // opaque
	Name    string
	Added   time.Time
	Used    time.Time // zero: never
	Synced  bool      // copied between devices by its maker
	Suspect time.Time // zero: good; else since when it is refused, as there may be a copy of it
}

const (
	maxPasskeys    = 16
	maxPasskeyName = 64 // characters

	fieldUserPasskey = "user.passkey"
)

// passkey is what is stored of one: nothing in it is secret.
type passkey struct {
	ID         []byte    `json:"id"`
	PublicKey  []byte    `json:"key"` // COSE
	Transports []string  `json:"transports,omitempty"`
	AAGUID     []byte    `json:"aaguid,omitempty"`
	SignCount  uint32    `json:"count,omitempty"`
	Eligible   bool      `json:"eligible,omitempty"` // to be backed up; never changes
	BackedUp   bool      `json:"backedUp,omitempty"`
	Name       string    `json:"name"`
	Added      time.Time `json:"added"`
	Used       time.Time `json:"used,omitzero"`
	Suspect    time.Time `json:"suspect,omitzero"`
}

func newPasskey(c *webauthn.Credential, name string, now time.Time) passkey {
	k := passkey{
		ID: c.ID, PublicKey: c.PublicKey, AAGUID: c.Authenticator.AAGUID, SignCount: c.Authenticator.SignCount,
		Eligible: c.Flags.BackupEligible, BackedUp: c.Flags.BackupState, Name: name, Added: now,
	}
	for _, t := range c.Transport {
		k.Transports = append(k.Transports, string(t))
	}
	return k
}

// credential is k as the library knows it. The user was verified when it was
// made: nothing else is accepted.
func (k passkey) credential() webauthn.Credential {
	c := webauthn.Credential{
		ID: k.ID, PublicKey: k.PublicKey,
		Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: k.Eligible, BackupState: k.BackedUp},
		Authenticator: webauthn.Authenticator{AAGUID: k.AAGUID, SignCount: k.SignCount},
	}
	for _, t := range k.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

func (k passkey) handle() string { return base64.RawURLEncoding.EncodeToString(k.ID) }

// holder is a person as the library knows her. The user handle is her id: random,
// and nothing that says who she is.
type holder struct{ *account }

func (h holder) WebAuthnID() []byte          { return []byte(h.ID) }
func (h holder) WebAuthnName() string        { return h.UserName }
func (h holder) WebAuthnDisplayName() string { return displayName(h.Person) }

func (h holder) WebAuthnCredentials() []webauthn.Credential {
	var out []webauthn.Credential
	for _, k := range h.Passkeys {
		if k.Suspect.IsZero() {
			out = append(out, k.credential())
		}
	}
	return out
}

// newWebAuthn reads the relying party from the configuration, never from a
// request. Without one there are no passkeys, and nil is returned.
func newWebAuthn(cfg Config) (*webauthn.WebAuthn, error) {
	if cfg.RelyingParty == "" {
		return nil, nil
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: cfg.RelyingParty, RPDisplayName: cfg.Issuer, RPOrigins: []string{cfg.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		// Some clients answer more than they were asked; nothing here reads it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("identity.New: the relying party of passkeys: %w", err)
	}
	return w, nil
}

// PasskeysServed reports whether people can have passkeys here.
func (s *Service) PasskeysServed() bool { return s.webauthn != nil }

func (s *Service) wantPasskeys(op string) error {
	if s.webauthn == nil {
		return fault.New(fault.NotSupported, op, "There are no passkeys on this server: its address must be a name, set by base_url.")
	}
	return nil
}

// Passkeys returns one's own passkeys, oldest first.
func (s *Service) Passkeys(ctx context.Context, actor Actor) ([]Passkey, error) {
	const op = "identity.Passkeys"
	if actor.Kind != KindPerson {
		return nil, fault.New(fault.Denied, op, "")
	}
	a, err := s.accountByID(ctx, actor.ID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var out []Passkey
	for _, k := range a.Passkeys {
		out = append(out, Passkey{ID: k.handle(), Name: k.Name, Added: k.Added, Used: k.Used, Synced: k.BackedUp, Suspect: k.Suspect})
	}
	return out, nil
}

// AddPasskey takes the browser's answer to AskNewPasskey. It wants a fresh proof.
func (s *Service) AddPasskey(ctx context.Context, actor Actor, answer PasskeyAnswer, name string) error {
	const op = "identity.AddPasskey"
	if err := s.own(actor); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	c, err := s.takeCeremony(ctx, answer.Ask, useAdd, actor.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err = s.changeAccount(ctx, actor.ID, s.about(actor, "add-passkey", Success, ""), func(a *account) error {
		if !a.usable() {
			return fault.New(fault.Denied, op, "")
		}
		return s.keepPasskey(a, c, answer, name)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// own wants a person with a fresh proof, for what she changes of her own account.
func (s *Service) own(actor Actor) error {
	if actor.Kind != KindPerson || actor.ClientID != "" {
		return fault.New(fault.Denied, "identity.own", "")
	}
	return DemandFresh(actor, s.cfg.Clock.Now())
}

// keepPasskey checks a new passkey and adds it to the account.
func (s *Service) keepPasskey(a *account, c ceremony, answer PasskeyAnswer, name string) error {
	const op = "identity.keepPasskey"
	name, ok := cleanName(name)
	if !ok || name == "" {
		return fault.New(fault.Unprocessable, op, "A passkey needs a name of at most 64 characters.")
	}
	if len(a.Passkeys) >= maxPasskeys {
		return fault.New(fault.Unprocessable, op, "There are 16 passkeys already. Remove one first.")
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer.JSON)
	if err != nil {
		return errPasskey(op)
	}
	made, err := s.webauthn.CreateCredential(holder{a}, c.Data, parsed)
	if err != nil {
		return errPasskey(op)
	}
	if err := s.strongPasskey(made.PublicKey); err != nil {
		return err
	}
	k := newPasskey(made, name, s.cfg.Clock.Now())
	if slices.ContainsFunc(a.Passkeys, func(old passkey) bool { return bytes.Equal(old.ID, k.ID) }) {
		return fault.New(fault.Unprocessable, op, "This passkey is yours already.")
	}
	a.Passkeys = append(a.Passkeys, k)
	return nil
}

func cleanName(name string) (string, bool) {
	name = strings.TrimSpace(name)
	return name, utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxPasskeyName && !strings.ContainsFunc(name, unicode.IsControl)
}

// RemovePasskey takes one of one's own away. It wants a fresh proof, and refuses
// to take away the last second factor.
func (s *Service) RemovePasskey(ctx context.Context, actor Actor, id string) error {
	const op = "identity.RemovePasskey"
	if err := s.own(actor); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err := s.changeAccount(ctx, actor.ID, s.about(actor, "remove-passkey", Success, ""), func(a *account) error {
		rest := slices.DeleteFunc(slices.Clone(a.Passkeys), func(k passkey) bool { return k.handle() == id })
		if len(rest) == len(a.Passkeys) {
			return fault.New(fault.NotFound, op, "You have no such passkey.")
		}
		if a.Passkeys = rest; !a.hasSecondFactor() {
			return fault.New(fault.Unprocessable, op, "This is your last second factor. Add another passkey first.")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}
