package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

// TestAuthorityIsAsked: a server with acme asks the authority by itself, serves all the same
// while that is down, and says so. The authority here is a fake that always fails; a real
// one signs in web.TestACME.
func TestAuthorityIsAsked(t *testing.T) {
	var asked atomic.Int32
	fake := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(fake.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.Listen = t.TempDir(), 8, l.Addr().String()
	_ = l.Close()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pemOf(fake.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(cfg.Listen)
	cfg.BaseURL = "https://localhost:" + port
	cfg.ACME = config.ACME{Directory: fake.URL, TermsAgreed: true, CA: caFile}
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	house, err := OpenHouse(context.Background(), cfg, newLogger(io.Discard, "info"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- closeAfter(ctx, house, (&Server{House: house, Version: "test", Ready: func(string) { close(ready) }}).Run(ctx))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-ready
	waitFor(t, "the authority is asked", func() bool { return asked.Load() > 0 })
	for protocol, answered := range map[string]bool{"acme-tls/1": false, "http/1.1": true} {
		conn, err := tls.Dial("tcp", cfg.Listen, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{protocol}}) // whom we talk to is not asked
		if (err == nil) != answered {
			t.Errorf("%s: %v", protocol, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if code, out, _ := run(t, "doctor", "--dir", cfg.Dir); code != 1 || !strings.Contains(out, "failure  trust") {
		t.Errorf("doctor is exit %d: %s", code, out)
	}
	bad := cfg
	bad.Dir, bad.ACME.CA = t.TempDir(), filepath.Join(cfg.Dir, "none")
	if _, err := (&House{Config: bad, Clock: house.Clock}).keeper(); err == nil || !strings.Contains(err.Error(), "acme_ca") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestServeRefusesUnsigned: the command does not start towards other machines with a
// certificate of its own. Nothing listens here: it is refused before.
func TestServeRefusesUnsigned(t *testing.T) {
	dir := t.TempDir()
	house, err := openOn(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "serve", "--dir", dir, "--listen", "192.0.2.7:1"); code != 2 || !strings.Contains(errs, "tls_local") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := run(t, "serve", "--dir", dir, "--listen", "192.0.2.7:1", "--tls-local"); code != 2 || !strings.Contains(errs, "scanner: none") {
		t.Errorf("nothing said of a scanner: exit %d: %s", code, errs)
	}
	// The control: with all that is to be said it goes on to an address that is not of this machine.
	t.Setenv("WARDKEEP_SCANNER", "none")
	if code, _, errs := run(t, "serve", "--dir", dir, "--listen", "192.0.2.7:1", "--tls-local"); code != 2 || !strings.Contains(errs, "kms: local") {
		t.Errorf("nothing said of the root: exit %d: %s", code, errs)
	}
	t.Setenv("WARDKEEP_KMS", "local")
	if code, _, errs := run(t, "serve", "--dir", dir, "--listen", "192.0.2.7:1", "--tls-local"); code != 1 || !strings.Contains(errs, "cannot listen") {
		t.Errorf("with --tls-local: exit %d: %s", code, errs)
	}
}

// TestDoctorOnTrust says who believes the certificate.
func TestDoctorOnTrust(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *config.Config)
		state  string
	}{
		"this machine":  {func(*testing.T, *config.Config) {}, fine},
		"others":        {func(_ *testing.T, c *config.Config) { c.Listen = ":443" }, failure},
		"inner network": {func(_ *testing.T, c *config.Config) { c.Listen, c.ACME.TLSLocal = ":443", true }, warning},
		"not signed yet": {func(_ *testing.T, c *config.Config) {
			c.Listen, c.ACME.Directory, c.BaseURL = ":443", "https://ca", "https://localhost"
		}, warning},
		"from files": {func(t *testing.T, c *config.Config) {
			c.Listen = ":443"
			c.TLSCert, c.TLSKey = certificateFile(t, t.TempDir(), "others", nil)
		}, fine},
		"signed": {func(t *testing.T, c *config.Config) {
			c.Listen, c.ACME.Directory, c.BaseURL = ":443", "https://ca", "https://localhost"
			cert, key := certificateFile(t, t.TempDir(), "acme", nil)
			for from, to := range map[string]string{cert: "acme.pem", key: "tls.key"} {
				if err := os.Rename(from, filepath.Join(c.Dir, to)); err != nil {
					t.Fatal(err)
				}
			}
		}, fine},
		"signed and ended": {func(t *testing.T, c *config.Config) {
			c.Listen, c.ACME.Directory, c.BaseURL = ":443", "https://ca", "https://localhost"
			cert, key := certificateFile(t, t.TempDir(), "acme", func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) })
			for from, to := range map[string]string{cert: "acme.pem", key: "tls.key"} {
				if err := os.Rename(from, filepath.Join(c.Dir, to)); err != nil {
					t.Fatal(err)
				}
			}
		}, warning},
	} {
		cfg := healthy(t)
		c.change(t, &cfg)
		d := examined(cfg, nil, 0)
		if got := states(d)["trust"]; got != c.state {
			t.Errorf("%s: trust is %s, not %s: %+v", name, got, c.state, d.findings)
		}
	}
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
