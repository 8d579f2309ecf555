package identity_test

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// signedBy returns the key that signs ID tokens now, and all that are published.
func (w *world) signedBy() (signs *rsa.PublicKey, published []jose.JSONWebKey) {
	w.t.Helper()
	text, err := w.SignClaims(ctx, map[string]string{"sub": "x"})
	must(w.t, err)
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	must(w.t, err)
	raw, err := w.PublicKeys(ctx)
	must(w.t, err)
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal(raw, &set))
	for _, k := range set.Key(token.Headers[0].KeyID) {
		signs = k.Key.(*rsa.PublicKey)
		must(w.t, token.Claims(signs, &map[string]any{}))
	}
	return signs, set.Keys
}

// TestOwnKeysAreStrong: keys of ours have 128 bits of security. One of a former version
// signs nothing more at once, and is published as long as what it signed may be looked at.
func TestOwnKeysAreStrong(t *testing.T) {
	w := newWorld(t)
	der, err := x509.MarshalPKCS8PrivateKey(keys()["weak"])
	must(t, err)
	old, err := json.Marshal(map[string]any{"keys": []map[string]any{{"kid": "old", "pkcs8": der, "created": w.clock.Now()}}})
	must(t, err)
	must(t, w.records.Put(ctx, identity.Event{}, []identity.Write{{Type: identity.TypeSigning, ID: "id-token", Body: old}}))
	w.clock.Advance(time.Hour)
	signs, published := w.signedBy()
	if signs.N.BitLen() < 3072 || len(published) != 2 || published[0].KeyID != "old" || published[0].Key.(*rsa.PublicKey).N.BitLen() != 2048 {
		t.Errorf("signed by %d bits; %d keys are published", signs.N.BitLen(), len(published))
	}
	again, _ := w.signedBy()
	if !again.Equal(signs) {
		t.Error("a key that is strong is made anew")
	}
	w.clock.Advance(91 * 24 * time.Hour)
	if _, published = w.signedBy(); len(published) != 2 || published[0].KeyID == "old" {
		t.Errorf("%d keys are published, the first is %s", len(published), published[0].KeyID)
	}
}

// TestShortKeysOfPrograms: RSA keys of 2048 bits, which are 112 bits of security, prove
// nothing, of programs and of authorities that sign for them, unless the setting says so.
func TestShortKeysOfPrograms(t *testing.T) {
	for bits, passes := range map[int]bool{0: false, 3072: false, 2048: true} {
		w := newWorld(t)
		a := newAuthority(t, w.clock.Now())
		weak := &authority{t: t, key: keys()["weak"]}
		weak.cert = weak.make(weak.key, nil, w.clock.Now(), func(c *x509.Certificate) {
			c.Subject = pkix.Name{CommonName: "Weak"}
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		})
		w.config.MutualTLS, w.config.Authorities, w.config.LeastRSA = true, x509.NewCertPool(), bits
		w.config.Authorities.AddCert(a.cert)
		w.config.Authorities.AddCert(weak.cert)
		w.Service = w.another()
		now := w.clock.Now()
		short, signed := a.make(keys()["weak"], a.cert, now, nil), weak.issue(now, nil)
		c := w.byName(identity.CertificateName{SubjectDN: dn(t, short)})
		for name, cert := range map[string]*x509.Certificate{"its own": short, "its authority's": signed} {
			_, err := w.AuthenticateCertificate(ctx, c.ID, with(ward, cert))
			if (err == nil) != passes {
				t.Errorf("%d bits demanded, %s has 2048: %v", bits, name, err)
			}
		}
		if _, err := w.AuthenticateCertificate(ctx, c.ID, with(ward, a.make(keys()["rsa"], a.cert, now, nil))); err != nil {
			t.Errorf("%d bits demanded, 3072 shown: %v", bits, err)
		}
		_, _, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "feed", Scopes: readAll, Auth: identity.AuthKey, JWKS: keySet(t, "weak")})
		if (err == nil) != passes || err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%d bits demanded, registered with 2048: %v", bits, err)
		}
		both := w.signing(t, identity.NewClient{JWKS: keySet(t, "weak", "ec")})
		proof := w.assertion(both.ID)
		proof.alg, proof.key, proof.kid = jose.RS384, "weak", "weak"
		if _, err := w.AuthenticateAssertion(ctx, proof.sign(t), []string{tokenURL}, ward); (err == nil) != passes {
			t.Errorf("%d bits demanded, signed with 2048: %v", bits, err)
		}
	}
	w := newWorld(t)
	w.config.LeastRSA = 1024
	if _, err := identity.New(w.config); err == nil {
		t.Error("1024 bits can be set")
	}
}

// TestShortKeysOfPasskeys: a new passkey of RSA, which has 2048 bits wherever devices make
// one, is not taken, and told so, unless the setting says so.
func TestShortKeysOfPasskeys(t *testing.T) {
	for bits, passes := range map[int]bool{0: false, 3072: false, 2048: true} {
		w := keyWorld(t)
		w.config.LeastRSA = bits
		w.Service = w.another()
		a := w.resume(w.signIn(w.add("ana.okafor", "nurse")))
		for name, public := range map[string]*rsa.PublicKey{"P-256": nil, "RSA": keys()["weak"].(*rsa.PrivateKey).Public().(*rsa.PublicKey)} {
			ask, err := w.AskNewPasskey(ctx, a)
			must(t, err)
			if !strings.Contains(string(ask.Options), "-257") || !strings.Contains(string(ask.Options), "-7") {
				t.Errorf("asked is %s: browsers warn of it", ask.Options)
			}
			k := newSoftKey(t)
			k.rsa = public
			if err := w.AddPasskey(ctx, a, k.create(ask), "tablet"); (err == nil) != (passes || public == nil) || err != nil && !strings.Contains(fault.Public(err), "too short") {
				t.Errorf("%d bits demanded, %s: %v", bits, name, err)
			}
		}
	}
}
