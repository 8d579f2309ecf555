package identity_test

import (
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestCertificateOfItsOwn(t *testing.T) {
	w, a := mutualWorld(t)
	now := w.clock.Now()
	mine := a.make(newECKey(t), nil, now, func(x *x509.Certificate) { x.ExtKeyUsage = nil })
	next := a.make(newECKey(t), nil, now, nil)
	key := newECKey(t)
	same := a.make(key, nil, now, nil)
	again := a.make(key, nil, now, nil) // of the same key, not registered
	late := a.make(newECKey(t), nil, now, func(x *x509.Certificate) { x.NotAfter = now.Add(-time.Second) })
	server := a.make(newECKey(t), nil, now, func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	c := w.selfSigned(mine, next, same, late, server)
	for name, one := range map[string]struct {
		shown  *x509.Certificate
		passes bool
	}{
		"the one": {mine, true}, "the next": {next, true}, "a third": {same, true}, "of the same key": {again, false},
		"another's": {a.make(newECKey(t), nil, now, nil), false}, "of an authority": {a.issue(now, nil), false},
		"expired": {late, false}, "for servers": {server, false},
	} {
		if _, err := w.AuthenticateCertificate(ctx, c.ID, with(ward, one.shown)); (err == nil) != one.passes {
			t.Errorf("%s: %v", name, err)
		}
		w.clock.Advance(time.Minute)
	}
	if got := c.Thumbprints(); len(got) != 5 {
		t.Errorf("thumbprints %v", got)
	}
}

// TestThumbprintsAlone: a key set may hold x5t#S256 without x5c.
func TestThumbprintsAlone(t *testing.T) {
	w, a := mutualWorld(t)
	cert := a.make(newECKey(t), nil, w.clock.Now(), nil)
	text, err := identity.CertificateSet([]*x509.Certificate{cert})
	must(t, err)
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal(text, &set))
	set.Keys[0].Certificates = nil
	text, err = json.Marshal(set)
	must(t, err)
	if strings.Contains(string(text), "x5c") {
		t.Fatal("the set holds certificates")
	}
	c, _, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "imaging", Scopes: readAll, Auth: identity.AuthSelfSigned, JWKS: text})
	must(t, err)
	_, err = w.AuthenticateCertificate(ctx, c.ID, with(ward, cert))
	must(t, err)
	_, err = w.AuthenticateCertificate(ctx, c.ID, with(ward, a.make(newECKey(t), nil, w.clock.Now(), nil)))
	wantKind(t, err, fault.Unauthenticated)
}

func TestCertificatesByURL(t *testing.T) {
	w, a := mutualWorld(t)
	old, next := a.make(newECKey(t), nil, w.clock.Now(), nil), a.make(newECKey(t), nil, w.clock.Now(), nil)
	set := func(list ...*x509.Certificate) []byte {
		text, err := identity.CertificateSet(list)
		must(t, err)
		return text
	}
	sets := &webKeys{sets: [][]byte{set(old), set(old, next)}}
	w.config.KeySets = sets
	w.Service = w.another()
	c, _, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "imaging", Scopes: readAll, Auth: identity.AuthSelfSigned, JWKSURL: "https://app.example/keys"})
	must(t, err)
	for _, cert := range []*x509.Certificate{old, next} {
		_, err = w.AuthenticateCertificate(ctx, c.ID, with(ward, cert))
		must(t, err)
	}
}

// TestBoundTokens: a bound token is good with its certificate and no other, for
// programs that come by one and for those that sign.
func TestBoundTokens(t *testing.T) {
	w, a := mutualWorld(t)
	now := w.clock.Now()
	mine, other := a.issue(now, nil), a.issue(now, nil) // the same name, as an authority gives it to the next one
	signer, _, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "signer", Scopes: readAll, Auth: identity.AuthKey, JWKS: keySet(t, "ec"), Bound: true})
	must(t, err)
	for name, c := range map[string]identity.Client{"by certificate": w.byName(identity.CertificateName{SubjectDN: dn(t, mine)}), "signer": signer} {
		t.Run(name, func(t *testing.T) {
			token, err := w.IssueToken(ctx, c, nil, with(ward, mine))
			must(t, err)
			e := w.records.lastEvent(t)
			if e.Client != c.ID || !strings.HasSuffix(e.Detail, " by "+c.Auth.Method()+", certificate "+identity.Thumbprint(mine)) {
				t.Errorf("event %+v", e)
			}
			actor, err := w.Authenticate(ctx, token.Text, with(ward, mine))
			must(t, err)
			if actor.Certificate != identity.Thumbprint(mine) {
				t.Error("the actor is not bound")
			}
			for name, o := range map[string]identity.Origin{"none": ward, "another": with(ward, other), "another first": with(ward, other, mine)} {
				if _, err := w.Authenticate(ctx, token.Text, o); !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("with %s: %v", name, err)
				}
				if e := w.records.lastEvent(t); e.Action != "token" || e.Outcome != identity.Failure || e.Client != c.ID || e.Actor != "" || e.Session != actor.SessionID {
					t.Errorf("with %s: event %+v", name, e)
				}
			}
			info, found, err := w.Introspect(ctx, c, token.Text)
			if err != nil || !found || info.Certificate != identity.Thumbprint(mine) {
				t.Errorf("told %+v", info)
			}
			for name, o := range map[string]identity.Origin{
				"none": ward, "expired": with(ward, a.issue(now, func(x *x509.Certificate) { x.NotAfter = now.Add(-time.Second) })),
			} {
				if _, err := w.IssueToken(ctx, c, nil, o); !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("a token asked for with %s: %v", name, err)
				}
			}
		})
	}
	// The negative control: a token that is not bound is good anywhere.
	free, _, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	token, err := w.IssueToken(ctx, free, nil, with(ward, mine))
	must(t, err)
	for _, o := range []identity.Origin{ward, with(ward, other)} {
		_, err = w.Authenticate(ctx, token.Text, o)
		must(t, err)
	}
}

// TestBoundTokenEndsWithItsCertificate: by the clock of the server.
func TestBoundTokenEndsWithItsCertificate(t *testing.T) {
	w, a := mutualWorld(t)
	cert := a.issue(w.clock.Now(), func(x *x509.Certificate) { x.NotAfter = w.clock.Now().Add(time.Minute) })
	c := w.byName(identity.CertificateName{SubjectDN: dn(t, cert)})
	token, err := w.IssueToken(ctx, c, nil, with(ward, cert))
	must(t, err)
	_, err = w.Authenticate(ctx, token.Text, with(ward, cert))
	must(t, err)
	w.clock.Advance(time.Minute + time.Second)
	_, err = w.Authenticate(ctx, token.Text, with(ward, cert))
	wantKind(t, err, fault.Unauthenticated)
}

// TestCertificatesAreTakenBack: what a command takes back is refused at once here,
// and within a second by every other process, and so are its tokens.
func TestCertificatesAreTakenBack(t *testing.T) {
	ways := map[string]func(w *world, c identity.Client, cert, next *x509.Certificate) error{
		"revoked": func(w *world, c identity.Client, cert, _ *x509.Certificate) error {
			_, err := w.RevokeCertificate(ctx, operator, c.ID, identity.Thumbprint(cert), "stolen")
			return err
		},
		"another name": func(w *world, c identity.Client, _, _ *x509.Certificate) error {
			_, err := w.ChangeCredentials(ctx, operator, c.ID, "new", identity.ClientCredentials{Auth: identity.AuthPKI, Certificate: &identity.CertificateName{DNS: "other.example.org"}})
			return err
		},
		"another certificate": func(w *world, c identity.Client, _, next *x509.Certificate) error {
			set, err := identity.CertificateSet([]*x509.Certificate{next})
			must(w.t, err)
			_, err = w.ChangeCredentials(ctx, operator, c.ID, "new", identity.ClientCredentials{Auth: identity.AuthSelfSigned, JWKS: set})
			return err
		},
		"disabled": func(w *world, c identity.Client, _, _ *x509.Certificate) error {
			return w.DisableClient(ctx, operator, c.ID, "over")
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			w, a := mutualWorld(t)
			other := w.another()
			cert, next := a.issue(w.clock.Now(), nil), a.issue(w.clock.Now(), nil)
			c := w.byName(identity.CertificateName{SubjectDN: dn(t, cert)})
			proven, err := w.AuthenticateCertificate(ctx, c.ID, with(ward, cert))
			must(t, err)
			token, err := w.IssueToken(ctx, proven, nil, with(ward, cert))
			must(t, err)
			_, err = other.Authenticate(ctx, token.Text, with(ward, cert))
			must(t, err)
			must(t, end(w, c, cert, next))
			w.clock.Advance(time.Second)
			for _, s := range []*identity.Service{w.Service, other} {
				_, err = s.AuthenticateCertificate(ctx, c.ID, with(ward, cert))
				wantKind(t, err, fault.Unauthenticated)
				_, err = s.Authenticate(ctx, token.Text, with(ward, cert))
				wantKind(t, err, fault.Unauthenticated)
				// Proven before, asked after: the registration of now decides.
				_, err = s.IssueToken(ctx, proven, nil, with(ward, cert))
				wantKind(t, err, fault.Unauthenticated)
			}
			_, err = w.AuthenticateCertificate(ctx, c.ID, with(ward, next))
			if good := name == "revoked" || name == "another certificate"; (err == nil) != good {
				t.Errorf("the next certificate: %v", err)
			}
		})
	}
}

// TestNoWayAround: who is registered with a certificate comes by no other way, and
// who is not, not by one.
func TestNoWayAround(t *testing.T) {
	w, a := mutualWorld(t)
	cert := a.issue(w.clock.Now(), nil)
	c := w.byName(identity.CertificateName{SubjectDN: dn(t, cert)})
	feed, secret, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	_, err = w.AuthenticateClient(ctx, c.ID, secret, with(ward, cert))
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.PublicClient(ctx, c.ID, with(ward, cert))
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.AuthenticateAssertion(ctx, w.assertion(c.ID).sign(t), []string{tokenURL}, with(ward, cert))
	wantKind(t, err, fault.Unauthenticated)
	for _, id := range []string{feed.ID, "unknown", "", strings.Repeat("a", 26)} {
		_, err = w.AuthenticateCertificate(ctx, id, with(ward, cert))
		wantKind(t, err, fault.Unauthenticated)
	}
	// A program that changed to a certificate has no secret any more.
	set, err := identity.CertificateSet([]*x509.Certificate{cert})
	must(t, err)
	_, err = w.ChangeCredentials(ctx, operator, feed.ID, "keys", identity.ClientCredentials{Auth: identity.AuthSelfSigned, JWKS: set})
	must(t, err)
	_, err = w.AuthenticateClient(ctx, feed.ID, secret, with(outside, cert))
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.AuthenticateCertificate(ctx, feed.ID, with(outside, cert))
	must(t, err)
}

func TestCertificateGuessing(t *testing.T) {
	w, a := mutualWorld(t)
	cert := a.issue(w.clock.Now(), nil)
	c := w.byName(identity.CertificateName{SubjectDN: dn(t, cert)})
	wrong := a.make(newECKey(t), nil, w.clock.Now(), nil)
	for range 10 {
		_, err := w.AuthenticateCertificate(ctx, c.ID, with(outside, wrong))
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err := w.AuthenticateCertificate(ctx, c.ID, with(outside, cert))
	wantKind(t, err, fault.Throttled)
	_, err = w.AuthenticateCertificate(ctx, c.ID, with(ward, cert))
	must(t, err)
}
