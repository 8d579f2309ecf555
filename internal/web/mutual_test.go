package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// doors serves two listeners of one certificate, which answer with the thumbprint
// that they see.
func doors(t *testing.T, change func(*tls.Config)) (plain, mutual string, pool *x509.CertPool) {
	t.Helper()
	keeper, err := web.Keys{Dir: t.TempDir(), Hosts: []string{"127.0.0.1"}}.Open(now)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(keeper.Certificate().Leaf)
	open := func(config *tls.Config) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, web.Thumbprint(r))
		})}
		go func() { _ = server.Serve(tls.NewListener(l, config)) }()
		t.Cleanup(func() { _ = server.Close() })
		return l.Addr().String()
	}
	config := web.MutualTLS(keeper.Certificate)
	if change != nil {
		change(config)
	}
	return open(web.TLS(keeper.Certificate)), open(config), pool
}

func clientCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "batch"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// visitor calls on connections of their own, with the tickets of those before.
type visitor struct {
	config *tls.Config
	asked  bool // for a certificate
}

func newVisitor(pool *x509.CertPool, cert *tls.Certificate) *visitor {
	v := &visitor{}
	v.config = &tls.Config{
		RootCAs: pool, ClientSessionCache: tls.NewLRUClientSessionCache(8), MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			v.asked = true
			if cert == nil {
				return &tls.Certificate{}, nil
			}
			return cert, nil
		},
	}
	return v
}

func (v *visitor) call(address string) (seen string, resumed bool, err error) {
	transport := &http.Transport{TLSClientConfig: v.config}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Get("https://" + address)
	if err != nil {
		return "", false, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), resp.TLS.DidResume, err
}

// TestBrowsersAreNotAsked: only the mutual listener asks for a certificate, and
// answers nobody who has none.
func TestBrowsersAreNotAsked(t *testing.T) {
	plain, mutual, pool := doors(t, nil)
	cert := clientCertificate(t)
	with, without := newVisitor(pool, cert), newVisitor(pool, nil)
	for _, v := range []*visitor{with, without} {
		if seen, _, err := v.call(plain); err != nil || seen != "" || v.asked {
			t.Errorf("at the listener for all: %q, asked %v, %v", seen, v.asked, err)
		}
	}
	if seen, _, err := with.call(mutual); err != nil || seen != identity.Thumbprint(cert.Leaf) || !with.asked {
		t.Errorf("with a certificate: %q, %v", seen, err)
	}
	if seen, _, err := without.call(mutual); err == nil {
		t.Errorf("without one: %q", seen)
	}
}

// TestStolenCertificate: a certificate is public; without its key it opens nothing.
func TestStolenCertificate(t *testing.T) {
	_, mutual, pool := doors(t, nil)
	stolen := *clientCertificate(t)
	stolen.PrivateKey = clientCertificate(t).PrivateKey
	if seen, _, err := newVisitor(pool, &stolen).call(mutual); err == nil {
		t.Errorf("let in as %q", seen)
	}
}

// TestTicketsNameNobody: where certificates are shown, each connection proves its
// key anew. No ticket carries one over to another connection, nor from the listener
// that asks for none.
func TestTicketsNameNobody(t *testing.T) {
	plain, mutual, pool := doors(t, nil)
	cert, other := clientCertificate(t), clientCertificate(t)
	v := newVisitor(pool, cert)
	for range 3 {
		if seen, resumed, err := v.call(mutual); err != nil || resumed || seen != identity.Thumbprint(cert.Leaf) {
			t.Fatalf("%q, resumed %v, %v", seen, resumed, err)
		}
	}
	second := newVisitor(pool, other)
	second.config.ClientSessionCache = v.config.ClientSessionCache
	if seen, resumed, err := second.call(mutual); err != nil || resumed || seen != identity.Thumbprint(other.Leaf) {
		t.Errorf("another's tickets: %q, resumed %v, %v", seen, resumed, err)
	}
	// Tickets of the other listener, under the same name.
	resumes := false
	for range 3 {
		_, resumed, err := v.call(plain)
		if err != nil {
			t.Fatal(err)
		}
		resumes = resumes || resumed
	}
	if !resumes {
		t.Error("the listener for all gives no tickets: the test shows nothing")
	}
	nobody := newVisitor(pool, nil)
	nobody.config.ClientSessionCache = v.config.ClientSessionCache
	if seen, _, err := nobody.call(mutual); err == nil {
		t.Errorf("by a ticket of the listener for all: %q", seen)
	}
}

// TestTicketsAreSeen is the negative control: with tickets, who has one is taken for
// whoever it was given to, certificate or not.
func TestTicketsAreSeen(t *testing.T) {
	_, mutual, pool := doors(t, func(c *tls.Config) { c.SessionTicketsDisabled = false })
	cert := clientCertificate(t)
	v := newVisitor(pool, cert)
	if _, _, err := v.call(mutual); err != nil {
		t.Fatal(err)
	}
	nobody := newVisitor(pool, nil)
	nobody.config.ClientSessionCache = v.config.ClientSessionCache
	if seen, resumed, err := nobody.call(mutual); err != nil || !resumed || seen != identity.Thumbprint(cert.Leaf) {
		t.Errorf("%q, resumed %v, %v", seen, resumed, err)
	}
}
