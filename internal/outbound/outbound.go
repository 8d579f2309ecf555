// Package outbound makes requests to addresses that others chose: endpoints of
// Subscriptions, sources of imports. It is how the server is kept from being
// used to reach what only it can reach (server-side request forgery).
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Policy says where requests may go. The zero Policy allows nothing.
type Policy struct {
	// Hosts are the names, or addresses, that may be called, each with a port if
	// it is not 443; "*.example.org" stands for all names below example.org.
	Hosts []string
	// Private allows the hosts named to be at addresses of this machine and of
	// private networks. Other networks of special use are never allowed.
	Private bool
	// Bytes bounds what an answer may hold; 0 is 1 MiB.
	Bytes int64
	// Timeout bounds one request, answer included; 0 is 30 s.
	Timeout time.Duration
	// Roots are the authorities believed; nil: those of the system.
	Roots *tls.Config
}

// ciphers are those of TLS 1.2 with forward secrecy and authenticated encryption;
// TLS 1.3 has no others.
var ciphers = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,
}

// Secure sets the versions and ciphers of all TLS that the server begins.
func Secure(c *tls.Config) { c.MinVersion, c.CipherSuites = tls.VersionTLS12, ciphers }

// Client sends requests within a Policy. It follows no redirects, uses no proxy,
// and looks at the address a name resolves to at the moment it connects to it.
type Client struct {
	policy Policy
	http   *http.Client
}

// New returns a client.
func New(p Policy) *Client {
	if p.Bytes == 0 {
		p.Bytes = 1 << 20
	}
	if p.Timeout == 0 {
		p.Timeout = 30 * time.Second
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: p.control}
	config := &tls.Config{}
	if p.Roots != nil {
		config = p.Roots.Clone()
	}
	Secure(config)
	return &Client{policy: p, http: &http.Client{
		Timeout:       p.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 2, MaxIdleConns: 100, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, TLSHandshakeTimeout: 10 * time.Second,
		},
	}}
}

// Allow refuses an address that the policy does not allow, with what would be.
func (c *Client) Allow(u *url.URL) error {
	deny := func(text string) error { return fault.New(fault.Unprocessable, "outbound.Allow", text) }
	if u.Scheme != "https" {
		return deny("Only https addresses may be called.")
	}
	if len(c.policy.Hosts) == 0 {
		return deny("This server calls no other servers: the setting outbound_hosts names none.")
	}
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if port == "" {
		port = "443"
	}
	if slices.ContainsFunc(c.policy.Hosts, func(allowed string) bool { return matches(strings.ToLower(allowed), host, port) }) {
		return nil
	}
	return deny("That host is not among those the setting outbound_hosts allows.")
}

func matches(allowed, host, port string) bool {
	want, wantPort, err := net.SplitHostPort(allowed)
	if err != nil {
		want, wantPort = strings.Trim(allowed, "[]"), "443"
	}
	if port != wantPort {
		return false
	}
	if below, ok := strings.CutPrefix(want, "*."); ok {
		return strings.HasSuffix(host, "."+below)
	}
	return want != "" && host == want
}

var errAddress = errors.New("the host resolves to an address that may not be called")

// control is asked about the very address that is about to be connected to, so
// that a name cannot resolve to one thing for the check and another for the call.
func (p Policy) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	ip := at.Addr().Unmap()
	local := ip.IsPrivate() || ip.IsLoopback() || shared.Contains(ip)
	switch {
	case local && p.Private:
		return nil
	case local, !ip.IsGlobalUnicast(), ip.Zone() != "":
		return errAddress // link-local among them, where clouds keep the credentials of machines
	case slices.ContainsFunc(special, func(n netip.Prefix) bool { return n.Contains(ip) }):
		return errAddress
	}
	return nil
}

// shared is what providers number their customers by (RFC 6598): a private
// network to those within.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// special are networks that are global by their form and not by their use
// (RFC 6890 and its registry), and those that carry IPv4 addresses inside.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

// Do sends a request. Its error tells nothing of the address.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if err := c.Allow(r.URL); err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		for _, known := range []error{errAddress, context.DeadlineExceeded, context.Canceled} {
			if errors.Is(err, known) {
				return nil, fmt.Errorf("outbound.Do: %w", known)
			}
		}
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) {
			return nil, errors.New("outbound.Do: the host's certificate is not believed")
		}
		return nil, errors.New("outbound.Do: the host could not be reached")
	}
	answer.Body = &bounded{body: answer.Body, left: c.policy.Bytes}
	return answer, nil
}

// ErrTooLarge is what reading an answer ends with that is larger than allowed.
var ErrTooLarge = errors.New("the answer is larger than allowed")

type bounded struct {
	body io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		if n, err := b.body.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, ErrTooLarge
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (b *bounded) Close() error { return b.body.Close() }
