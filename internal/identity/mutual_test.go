package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	key  crypto.Signer
	cert *x509.Certificate
}

func newAuthority(t *testing.T, now time.Time) *authority {
	t.Helper()
	a := &authority{t: t, key: newECKey(t)}
	a.cert = a.make(a.key, nil, now, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "Authority"}
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	})
	return a
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

// make signs a certificate of key, by itself if parent is nil.
func (a *authority) make(key crypto.Signer, parent *x509.Certificate, now time.Time, change func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(a.t, err)
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		Subject:  pkix.Name{CommonName: "feed", Organization: []string{"Example"}, Country: []string{"US"}},
		DNSNames: []string{"feed.example.org"}, EmailAddresses: []string{"feed@example.org"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 7)},
		URIs: []*url.URL{{Scheme: "spiffe", Host: "example.org", Path: "/feed"}},
	}
	if change != nil {
		change(template)
	}
	signer := crypto.Signer(a.key)
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	must(a.t, err)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	return cert
}

func (a *authority) issue(now time.Time, change func(*x509.Certificate)) *x509.Certificate {
	a.t.Helper()
	return a.make(newECKey(a.t), a.cert, now, change)
}

func with(o identity.Origin, list ...*x509.Certificate) identity.Origin {
	o.Certificates = list
	return o
}

func mutualWorld(t *testing.T) (*world, *authority) {
	t.Helper()
	w := newWorld(t)
	a := newAuthority(t, w.clock.Now())
	w.config.MutualTLS, w.config.Authorities = true, x509.NewCertPool()
	w.config.Authorities.AddCert(a.cert)
	w.Service = w.another()
	return w, a
}

func (w *world) byName(n identity.CertificateName) identity.Client {
	w.t.Helper()
	c, secret, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "feed", Scopes: readAll, Auth: identity.AuthPKI, Certificate: &n})
	must(w.t, err)
	if secret != "" {
		w.t.Fatal("a program with a certificate has a secret")
	}
	return c
}

func (w *world) selfSigned(list ...*x509.Certificate) identity.Client {
	w.t.Helper()
	set, err := identity.CertificateSet(list)
	must(w.t, err)
	c, _, err := w.RegisterClient(ctx, operator, identity.NewClient{Name: "imaging", Scopes: readAll, Auth: identity.AuthSelfSigned, JWKS: set})
	must(w.t, err)
	return c
}

// TestCertificateOfAnAuthority takes one thing at a time away from a certificate
// that is good.
func TestCertificateOfAnAuthority(t *testing.T) {
	w, a := mutualWorld(t)
	now := w.clock.Now()
	stranger := newAuthority(t, now)
	c := w.byName(identity.CertificateName{SubjectDN: dn(t, a.issue(now, nil))})
	between := a.make(stranger.key, a.cert, now, func(x *x509.Certificate) {
		x.IsCA, x.BasicConstraintsValid, x.KeyUsage, x.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		x.Subject = stranger.cert.Subject
		x.DNSNames, x.EmailAddresses, x.IPAddresses, x.URIs = nil, nil, nil, nil
	})
	texts := map[string]bool{}
	for name, one := range map[string]struct {
		shown []*x509.Certificate
		why   string // "": it is good
	}{
		"the right one":              {[]*x509.Certificate{a.issue(now, nil)}, ""},
		"by an authority in between": {[]*x509.Certificate{stranger.issue(now, nil), between}, ""},
		"none":                       {nil, "none"},
		"same name, other authority": {[]*x509.Certificate{stranger.issue(now, nil)}, "not signed by a known authority"},
		"same name, other authority that comes along": {[]*x509.Certificate{stranger.issue(now, nil), stranger.cert}, "not signed by a known authority"},
		"another's before the right one":              {[]*x509.Certificate{stranger.issue(now, nil), a.issue(now, nil)}, "not signed by a known authority"},
		"signed by itself":                            {[]*x509.Certificate{a.make(newECKey(t), nil, now, nil)}, "not signed by a known authority"},
		"expired":                                     {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) { x.NotAfter = now.Add(-time.Second) })}, "expired"},
		"not yet valid":                               {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) { x.NotBefore = now.Add(2 * time.Hour) })}, "not yet valid"},
		"for servers": {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) {
			x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})}, "not for clients"},
		"for nothing in particular": {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) { x.ExtKeyUsage = nil })}, "not for clients"},
		"for anything": {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) {
			x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		})}, "not for clients"},
		"no signatures": {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) { x.KeyUsage = x509.KeyUsageKeyEncipherment })}, "not for signatures"},
		"another name":  {[]*x509.Certificate{a.issue(now, func(x *x509.Certificate) { x.Subject.CommonName = "other" })}, "another name"},
		"weak key":      {[]*x509.Certificate{a.make(keys()["weak"], a.cert, now, nil)}, "weak key"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.records.events)
			_, err := w.AuthenticateCertificate(ctx, c.ID, with(ward, one.shown...))
			if one.why == "" {
				must(t, err)
				return
			}
			wantKind(t, err, fault.Unauthenticated)
			texts[fault.Public(err)] = true
			e := w.records.lastEvent(t)
			if len(w.records.events) != before+1 || e.Detail != "certificate: "+one.why || e.Target != c.ID || e.Outcome != identity.Failure {
				t.Errorf("event %+v, want %s", e, one.why)
			}
			w.clock.Advance(time.Minute) // throttles forget
		})
	}
	if len(texts) != 1 {
		t.Errorf("what is wrong is said: %v", texts)
	}
}

// dn is the subject of a certificate as RFC 4514 writes it.
func dn(t *testing.T, c *x509.Certificate) string {
	t.Helper()
	return c.Subject.String()
}

// TestNamesOnCertificates compares names by what they mean, not by their text.
func TestNamesOnCertificates(t *testing.T) {
	w, a := mutualWorld(t)
	now := w.clock.Now()
	tricky := a.issue(now, func(x *x509.Certificate) {
		x.Subject = pkix.Name{CommonName: `Feed, "lab" + <1>;\ #x `, Organization: []string{"Żółć"}}
	})
	several := a.issue(now, func(x *x509.Certificate) {
		x.RawSubject = marshal(t, pkix.RDNSequence{
			{{Type: asn1.ObjectIdentifier{2, 5, 4, 6}, Value: "US"}},
			{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "feed"}, {Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, Value: "7"}},
		})
	})
	wild := a.issue(now, func(x *x509.Certificate) {
		x.DNSNames, x.Subject.CommonName = []string{"*.example.org"}, "feed.example.org"
	})
	nul := a.issue(now, func(x *x509.Certificate) {
		x.DNSNames, x.EmailAddresses, x.IPAddresses, x.URIs = nil, nil, nil, nil
		x.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: marshal(t, []asn1.RawValue{
			{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte("feed.example.org\x00.evil.example")},
		})}}
	})
	plain := a.issue(now, nil)
	name := func(dn string) identity.CertificateName { return identity.CertificateName{SubjectDN: dn} }
	for _, c := range []struct {
		name   identity.CertificateName
		shown  *x509.Certificate
		passes bool
	}{
		{name("CN=feed,O=Example,C=US"), plain, true},
		{name("cn=feed,o=Example,c=US"), plain, true},                   // types have no case
		{name("2.5.4.3=feed,2.5.4.10=Example,2.5.4.6=US"), plain, true}, // and are numbers
		{name(`CN=\66ee\64,O=Example,C=US`), plain, true},               // escapes
		{name("CN=#0c0466656564,O=Example,C=US"), plain, true},          // bytes: UTF8String
		{name("CN=#130466656564,O=Example,C=US"), plain, true},          // PrintableString
		{name("CN=#040466656564,O=Example,C=US"), plain, false},         // an OCTET STRING is no text
		{name("C=US,O=Example,CN=feed"), plain, false},                  // another order
		{name("CN=FEED,O=Example,C=US"), plain, false},                  // values have
		{name("CN=feed,O=Example"), plain, false},                       // less
		{name("CN=feed,O=Example,C=US,DC=org"), plain, false},           // more
		{name(`CN=feed\,O\=Example\,C\=US`), plain, false},              // one value that looks like three
		{name("CN=feed+O=Example,C=US"), plain, false},                  // one part that looks like two
		{name("OU=feed,O=Example,C=US"), plain, false},                  // another type
		{name(`CN=Feed\, \"lab\" \+ \<1\>\;\\ #x\ ,O=Żółć`), tricky, true},
		{name(`CN=Feed\2C \22lab\22 \2B \3C1\3E\3B\5C #x\20,O=\C5\BB\C3\B3\C5\82\C4\87`), tricky, true},
		{name("CN=feed+UID=7,C=US"), several, true},
		{name("UID=7+CN=feed,C=US"), several, true}, // a part is a set
		{name("CN=feed,UID=7,C=US"), several, false},
		{name("CN=feed,C=US"), several, false},
		{identity.CertificateName{DNS: "feed.example.org"}, plain, true},
		{identity.CertificateName{DNS: "FEED.example.org"}, plain, true},
		{identity.CertificateName{DNS: "example.org"}, plain, false},
		{identity.CertificateName{DNS: "feed.example.org"}, wild, false}, // neither a wildcard nor a common name
		{identity.CertificateName{DNS: "feed.example.org"}, nul, false},
		{identity.CertificateName{URI: "spiffe://example.org/feed"}, plain, true},
		{identity.CertificateName{URI: "spiffe://EXAMPLE.org/feed"}, plain, false},
		{identity.CertificateName{URI: "spiffe://example.org/feed#"}, plain, false},
		{identity.CertificateName{IP: "192.0.2.7"}, plain, true},
		{identity.CertificateName{IP: "::ffff:192.0.2.7"}, plain, false},
		{identity.CertificateName{Email: "feed@example.org"}, plain, true},
		{identity.CertificateName{Email: "Feed@example.org"}, plain, false},
		{identity.CertificateName{URI: "dns:feed.example.org"}, plain, false}, // a name of another kind
	} {
		client := w.byName(c.name)
		_, err := w.AuthenticateCertificate(ctx, client.ID, with(ward, c.shown))
		if (err == nil) != c.passes {
			t.Errorf("%+v: %v", c.name, err)
		}
		w.clock.Advance(time.Minute)
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	out, err := asn1.Marshal(v)
	must(t, err)
	return out
}

func TestCertificateRegistration(t *testing.T) {
	w, a := mutualWorld(t)
	now := w.clock.Now()
	set, err := identity.CertificateSet([]*x509.Certificate{a.issue(now, nil)})
	must(t, err)
	good := identity.CertificateName{SubjectDN: "CN=feed"}
	bare := newWorld(t)
	for name, n := range map[string]identity.NewClient{
		"no name":           {Auth: identity.AuthPKI},
		"empty name":        {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{}},
		"two names":         {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN=feed", DNS: "feed.example.org"}},
		"blank after comma": {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN=feed, O=Example"}},
		"blank at the end":  {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN=feed ,O=Example"}},
		"unknown type":      {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "NAME=feed"}},
		"no type":           {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "feed"}},
		"no value":          {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN="}},
		"comma at the end":  {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN=feed,"}},
		"open escape":       {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: `CN=feed\`}},
		"bad escape":        {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: `CN=fe\zzd`}},
		"NUL":               {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: `CN=feed\00.evil`}},
		"not UTF-8":         {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: `CN=feed\ff`}},
		"quoted":            {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: `CN="feed"`}},
		"bad bytes":         {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN=#0c05666565"}},
		"twice in a part":   {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{SubjectDN: "CN=feed+CN=feed"}},
		"wildcard":          {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{DNS: "*.example.org"}},
		"not a DNS name":    {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{DNS: "feed.example.org\x00"}},
		"no URI":            {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{URI: "feed"}},
		"no IP":             {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{IP: "192.0.2.0/24"}},
		"no mail":           {Auth: identity.AuthPKI, Certificate: &identity.CertificateName{Email: "Feed <feed@example.org>"}},
		"name and keys":     {Auth: identity.AuthPKI, Certificate: &good, JWKS: set},
		"name of a signer":  {Auth: identity.AuthKey, Certificate: &good, JWKS: keySet(t, "ec")},
		"no set":            {Auth: identity.AuthSelfSigned},
		"set without certs": {Auth: identity.AuthSelfSigned, JWKS: keySet(t, "ec")},
		"unknown way":       {Auth: "tls"},
	} {
		n.Name, n.Scopes = "feed", readAll
		if _, _, err := w.RegisterClient(ctx, operator, n); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, n := range map[string]identity.NewClient{
		"of an authority": {Auth: identity.AuthPKI, Certificate: &good},
		"of its own":      {Auth: identity.AuthSelfSigned, JWKS: set},
		"a signer's":      {Auth: identity.AuthKey, JWKS: keySet(t, "ec"), Bound: true},
	} {
		n.Name, n.Scopes = "feed", readAll
		if _, _, err := w.RegisterClient(ctx, operator, n); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := bare.RegisterClient(ctx, operator, n); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s, where nobody is asked for certificates: %v", name, err)
		}
	}
}
