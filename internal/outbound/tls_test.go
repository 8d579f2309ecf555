package outbound_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/outbound"
)

// TestUntrustedCertificate: who has no certificate of an authority that is believed
// is told nothing, and the error says why.
func TestUntrustedCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	c := outbound.New(outbound.Policy{Private: true, Hosts: []string{strings.TrimPrefix(s.URL, "https://")}})
	if text, err := get(c, s.URL); err == nil || !strings.Contains(err.Error(), "certificate is not believed") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestOldCiphers: a host that offers suites without authenticated encryption, or TLS
// before 1.2, is not spoken to.
func TestOldCiphers(t *testing.T) {
	for name, c := range map[string]struct {
		suite, version uint16
		good           bool
	}{
		"GCM":     {tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.VersionTLS12, true},
		"CBC":     {tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.VersionTLS12, false},
		"TLS 1.1": {tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.VersionTLS11, false},
		"TLS 1.3": {0, tls.VersionTLS13, true},
	} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.TLS = &tls.Config{MinVersion: c.version, MaxVersion: c.version, CipherSuites: []uint16{c.suite}}
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		client := outbound.New(outbound.Policy{
			Private: true, Hosts: []string{strings.TrimPrefix(s.URL, "https://")},
			Roots: &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs},
		})
		if _, err := get(client, s.URL); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
