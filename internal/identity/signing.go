package identity

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// TypeSigning is the type of the one record of the keys that id_tokens are signed
// by. It is sealed like every other.
const TypeSigning = "signing"

const (
	signingID  = "id-token"
	signingLen = 3072 // 128 bits of security (SP 800-57 part 1, table 2)
	// A key signs for signingLife, and is published for as long again as what it
	// signed may be looked at.
	signingLife  = 90 * 24 * time.Hour
	signingAfter = 24 * time.Hour
)

// signingRecord holds the keys, the one that signs last.
type signingRecord struct {
	Keys []signingKey `json:"keys"`

	version uint64
}

type signingKey struct {
	ID      string    `json:"kid"`
	PKCS8   []byte    `json:"pkcs8"`
	Created time.Time `json:"created"`
}

func (k signingKey) private() (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		return nil, fmt.Errorf("identity.signingKey: %w", err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fault.New(fault.Internal, "identity.signingKey", "")
	}
	return private, nil
}

// signs reports whether the last key may sign still: one of a former version of this
// server may be too short.
func (r *signingRecord) signs(now time.Time) (bool, error) {
	n := len(r.Keys)
	if n == 0 || !now.Before(r.Keys[n-1].Created.Add(signingLife)) {
		return false, nil
	}
	key, err := r.Keys[n-1].private()
	return err == nil && key.N.BitLen() >= signingLen, err
}

func (s *Service) signingRecord(ctx context.Context) (*signingRecord, error) {
	doc, err := s.cfg.Records.Get(ctx, TypeSigning, signingID)
	if fault.Is(err, fault.NotFound) {
		return &signingRecord{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("identity.signingRecord: %w", err)
	}
	rec := &signingRecord{version: doc.Version}
	if err := json.Unmarshal(doc.Body, rec); err != nil {
		return nil, fmt.Errorf("identity.signingRecord: %w", err)
	}
	return rec, nil
}

// signingKeys returns the keys as they are to be now: a key is made if there is
// none, or the last is old.
func (s *Service) signingKeys(ctx context.Context) ([]signingKey, error) {
	defer s.stripes.lock(TypeSigning)()
	for try := 0; ; try++ {
		rec, err := s.signingRecord(ctx)
		if err != nil {
			return nil, err
		}
		now := s.cfg.Clock.Now()
		good, err := rec.signs(now)
		if good || err != nil {
			return rec.Keys, err
		}
		err = s.addSigningKey(ctx, rec, now)
		if err == nil {
			return rec.Keys, nil
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return nil, err
		}
	}
}

func (s *Service) addSigningKey(ctx context.Context, rec *signingRecord, now time.Time) error {
	const op = "identity.addSigningKey"
	key, err := rsa.GenerateKey(s.cfg.Rand, signingLen)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	id, err := s.newID()
	if err != nil {
		return err
	}
	var kept []signingKey
	for i, k := range rec.Keys {
		until := now
		if i+1 < len(rec.Keys) {
			until = rec.Keys[i+1].Created
		}
		if now.Before(until.Add(signingAfter)) {
			kept = append(kept, k)
		}
	}
	rec.Keys = append(kept, signingKey{ID: id, PKCS8: der, Created: now})
	body, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	e := s.about(System("signer"), "create", Success, "")
	e.Type, e.Target = TypeSigning, id
	return s.cfg.Records.Put(ctx, e, []Write{{Type: TypeSigning, ID: signingID, Expect: rec.version, Body: body}})
}

// SignClaims returns claims as a JWT signed by RS256, which every client of
// OpenID Connect can check.
func (s *Service) SignClaims(ctx context.Context, claims any) (string, error) {
	const op = "identity.SignClaims"
	keys, err := s.signingKeys(ctx)
	if err != nil {
		return "", err
	}
	k := keys[len(keys)-1]
	key, err := k.private()
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.ID))
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", op, err)
	}
	return signed.CompactSerialize()
}

// PublicKeys returns the keys that signatures are checked by, as a JWKS.
func (s *Service) PublicKeys(ctx context.Context) ([]byte, error) {
	const op = "identity.PublicKeys"
	keys, err := s.signingKeys(ctx)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	for _, k := range keys {
		private, err := k.private()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: private.Public(), KeyID: k.ID, Use: "sig", Algorithm: string(jose.RS256)})
	}
	return json.Marshal(set)
}
