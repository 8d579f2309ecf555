package web

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
)

// Site is what answers at one host name.
type Site struct {
	http.Handler
	// Certificate is shown to who asks for that name; one that is nil cannot be had,
	// and the connection is refused.
	Certificate func() *tls.Certificate
	// Answer is for an authority that looks whether the name is ours; nil: none does.
	Answer func(*tls.ClientHelloInfo) (*tls.Config, error)
}

// Hosts are several sites behind one listener, by names in small letters. Which one
// is meant is decided by names alone: what a client asked for when it connected, and
// what its request is for. Headers in which proxies name hosts are not looked at.
type Hosts map[string]Site

// Encrypted answers each request by the site that it is for, if the connection was
// made for that one as well: 421 otherwise (RFC 9110 §15.5.20), the same for a name of
// another site and for one that is nobody's.
func (h Hosts) Encrypted(cfg Config) http.Handler {
	elsewhere := misdirected(cfg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostName(r.Host)
		site, known := h[name]
		if !known || r.TLS == nil || small(r.TLS.ServerName) != name || otherwiseNamed(r, name) {
			elsewhere.ServeHTTP(w, r)
			return
		}
		site.ServeHTTP(w, r)
	})
}

// Plain answers what came without TLS, and so without any other name than its own.
func (h Hosts) Plain(cfg Config) http.Handler {
	elsewhere := misdirected(cfg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site, known := h[hostName(r.Host)]
		if !known {
			elsewhere.ServeHTTP(w, r)
			return
		}
		site.ServeHTTP(w, r)
	})
}

// misdirected tells nothing of which names there are.
func misdirected(cfg Config) http.Handler {
	return Chain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "There is nothing of that name here, or this connection is not for it.", http.StatusMisdirectedRequest)
	}), cfg)
}

// otherwiseNamed reports whether an HTTP/2 request bears a Host beside its authority
// that says something else (RFC 9113 §8.3.1). net/http takes it out of all others.
func otherwiseNamed(r *http.Request, name string) bool {
	return slices.ContainsFunc(r.Header["Host"], func(host string) bool { return hostName(host) != name })
}

// hostName is the name in an authority, "" if there is none. Ports say how the
// listener is reached, which is not the sender's to say.
func hostName(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		authority = host
	}
	return small(authority)
}

// small folds ASCII letters alone: strings.ToLower makes a k of the Kelvin sign.
func small(name string) string {
	return string(bytes.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, []byte(name)))
}

// TLS returns the configuration of the listener: the certificate of the site that is
// asked for, and none where none or another name is (alert unrecognized_name).
func (h Hosts) TLS() *tls.Config {
	c := h.showing(TLS(nil))
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if site := h[small(hello.ServerName)]; site.Answer != nil {
			return site.Answer(hello)
		}
		return nil, nil
	}
	return c
}

// MutualTLS is that for programs that show certificates.
func (h Hosts) MutualTLS() *tls.Config { return h.showing(MutualTLS(nil)) }

func (h Hosts) showing(c *tls.Config) *tls.Config {
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if site, ok := h[small(hello.ServerName)]; ok {
			return site.Certificate(), nil
		}
		return nil, nil
	}
	// A ticket stands for a certificate that was shown, and so for its name.
	c.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, []byte(small(state.ServerName)))
		return c.EncryptTicket(state, session)
	}
	c.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		session, err := c.DecryptTicket(ticket, state)
		if err != nil || session == nil || !slices.ContainsFunc(session.Extra, func(name []byte) bool { return string(name) == small(state.ServerName) }) {
			return nil, err
		}
		return session, nil
	}
	return c
}
