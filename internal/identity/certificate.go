package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// CertificateName is what a program's certificate must bear (RFC 8705 §2.1.2):
// exactly one of them.
type CertificateName struct {
	SubjectDN string `json:"tls_client_auth_subject_dn,omitempty"` // RFC 4514
	DNS       string `json:"tls_client_auth_san_dns,omitempty"`
	URI       string `json:"tls_client_auth_san_uri,omitempty"`
	IP        string `json:"tls_client_auth_san_ip,omitempty"`
	Email     string `json:"tls_client_auth_san_email,omitempty"`
}

func (n CertificateName) String() string {
	return n.SubjectDN + n.DNS + n.URI + n.IP + n.Email
}

// Thumbprint is x5t#S256: the SHA-256 of the whole certificate.
func Thumbprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Tags of the general names that are looked at (RFC 5280 §4.2.1.6).
const (
	tagEmail = 1
	tagDNS   = 2
	tagURI   = 6
	tagIP    = 7
)

// valid reports whether exactly one name is given, and may be compared to.
func (n CertificateName) valid() bool {
	given := 0
	for _, one := range []string{n.SubjectDN, n.DNS, n.URI, n.IP, n.Email} {
		if one != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return false
	case n.SubjectDN != "":
		_, err := parseName(n.SubjectDN)
		return err == nil
	case n.DNS != "":
		return validDNS(n.DNS)
	case n.URI != "":
		u, err := url.Parse(n.URI)
		return err == nil && u.Scheme != "" && uriText(n.URI)
	case n.IP != "":
		addr, err := netip.ParseAddr(n.IP)
		return err == nil && addr.Zone() == ""
	}
	a, err := mail.ParseAddress(n.Email)
	return err == nil && a.Address == n.Email && uriText(n.Email)
}

// validDNS takes whole names alone: a wildcard would be many programs.
func validDNS(text string) bool {
	return !strings.HasPrefix(text, ".") && !strings.HasSuffix(text, ".") && !strings.ContainsFunc(text, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.')
	})
}

// on reports whether a certificate bears the name: a subject as a whole, or one
// of its alternative names, byte by byte as it was signed; of DNS names the case
// of ASCII letters does not count.
func (n CertificateName) on(c *x509.Certificate) bool {
	if n.SubjectDN != "" {
		wanted, err := parseName(n.SubjectDN)
		has, other := nameOf(c.RawSubject)
		return err == nil && other == nil && wanted.equal(has)
	}
	for _, alternative := range alternatives(c) {
		text := string(alternative.Bytes)
		switch alternative.Tag {
		case tagDNS:
			if n.DNS != "" && lower(text) == lower(n.DNS) {
				return true
			}
		case tagURI:
			if n.URI != "" && text == n.URI {
				return true
			}
		case tagEmail:
			if n.Email != "" && text == n.Email {
				return true
			}
		case tagIP:
			if addr, err := netip.ParseAddr(n.IP); err == nil && text == string(addr.AsSlice()) {
				return true
			}
		}
	}
	return false
}

func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

// alternatives reads the subject alternative names as they were signed: what the
// library makes of them has other spellings.
func alternatives(c *x509.Certificate) []asn1.RawValue {
	var names []asn1.RawValue
	for _, extension := range c.Extensions {
		if !extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return nil
		}
	}
	return slices.DeleteFunc(names, func(v asn1.RawValue) bool { return v.Class != asn1.ClassContextSpecific })
}

// errCertificate says what is wrong to our log, never to the client.
type errCertificate string

func (e errCertificate) Error() string { return string(e) }
func (e errCertificate) proof() string { return "certificate" }

// suits checks what must hold of every certificate that a program comes with,
// whoever signed it: its time, what it may be used for, its key.
func (s *Service) suits(c *x509.Certificate) error {
	now := s.cfg.Clock.Now()
	anyUse := len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
	switch {
	case now.Before(c.NotBefore):
		return errCertificate("not yet valid")
	case now.After(c.NotAfter):
		return errCertificate("expired")
	case !anyUse && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return errCertificate("not for clients")
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errCertificate("not for signatures")
	case !strong(c, s.cfg.LeastRSA):
		return errCertificate("weak key")
	}
	return nil
}

// strong reports whether the key of a certificate is of 128 bits of security, or of RSA
// of so many bits.
func strong(c *x509.Certificate, leastRSA int) bool {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= leastRSA
	case *ecdsa.PublicKey:
		return key.Params().BitSize >= 256
	case ed25519.PublicKey:
		return true
	}
	return false
}

// chains checks that one of the authorities has signed a certificate, for clients
// and in so many words: authorities sign other things too.
func (s *Service) chains(list []*x509.Certificate) error {
	roots := s.cfg.Authorities
	if roots == nil {
		return errCertificate("no authorities")
	}
	if !slices.Contains(list[0].ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return errCertificate("not for clients")
	}
	between := x509.NewCertPool()
	for _, c := range list[1:] {
		between.AddCert(c)
	}
	found, err := list[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: s.cfg.Clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return errCertificate("not signed by a known authority")
	}
	weak := func(c *x509.Certificate) bool { return !strong(c, s.cfg.LeastRSA) }
	if !slices.ContainsFunc(found, func(chain []*x509.Certificate) bool { return !slices.ContainsFunc(chain, weak) }) {
		return errCertificate("authority with a weak key")
	}
	return nil
}
