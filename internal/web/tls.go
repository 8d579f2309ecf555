package web

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// TLS returns the configuration of every listener: TLS 1.3 and nothing older. get
// is asked for the certificate at each connection.
func TLS(get func() *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return get(), nil },
		NextProtos:     []string{"h2", "http/1.1"},
	}
}

// MutualTLS returns the configuration of a listener at which everybody shows a
// certificate. Whose it is, and whether it is believed, is not decided here; that
// the other end holds its key is, at each connection: there are no tickets by which
// one could go on as another.
func MutualTLS(get func() *tls.Certificate) *tls.Config {
	c := TLS(get)
	c.ClientAuth = tls.RequireAnyClientCert
	c.SessionTicketsDisabled = true
	return c
}

// Certificates are those that the connection of a request was made with, the other
// end's own first; nil if it was asked for none. Headers in which proxies name
// certificates are not looked at: whoever sends them may write what he likes.
func Certificates(r *http.Request) []*x509.Certificate {
	if r.TLS == nil || !r.TLS.HandshakeComplete {
		return nil
	}
	return r.TLS.PeerCertificates
}

// Thumbprint names the certificate that the connection of a request was made with.
func Thumbprint(r *http.Request) string {
	if list := Certificates(r); len(list) > 0 {
		return identity.Thumbprint(list[0])
	}
	return ""
}
