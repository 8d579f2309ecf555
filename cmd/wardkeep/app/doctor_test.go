package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
)

// certificateFile writes a certificate that signs itself, and its key.
func certificateFile(t *testing.T, dir, name string, change func(*x509.Certificate)) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// healthy is a data folder with a certificate and a next key, and its settings.
func healthy(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Dir = t.TempDir()
	if err := os.Chmod(cfg.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{rootKeyFile, fileKeyFile} {
		if err := os.WriteFile(filepath.Join(cfg.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keysOf(cfg).Open(time.Now()); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestDoctor takes one thing away from what is well; the doctor names it, and
// nothing else besides.
func TestDoctor(t *testing.T) {
	if d := examined(healthy(t), nil, 0); d.count(failure) > 0 || states(d)["certificate"] != fine || states(d)["next key"] != fine || states(d)["host name"] != fine {
		t.Fatalf("what is well: %+v", d.findings)
	}
	files := func(change func(*x509.Certificate)) func(*testing.T, *config.Config) {
		return func(t *testing.T, cfg *config.Config) {
			cfg.TLSCert, cfg.TLSKey = certificateFile(t, t.TempDir(), "others", change)
		}
	}
	within := func(name string, do func(path string) error) func(*testing.T, *config.Config) {
		return func(t *testing.T, cfg *config.Config) {
			if err := do(filepath.Join(cfg.Dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func(path string) error { return os.Chmod(path, 0o644) }
	for name, c := range map[string]struct {
		check, state string
		change       func(*testing.T, *config.Config)
		server       *serverState
		later        time.Duration
	}{
		"folder open to all":      {"folder", failure, within(".", func(path string) error { return os.Chmod(path, 0o777) }), nil, 0},
		"root key open to others": {"key files", failure, within(rootKeyFile, open), nil, 0},
		"TLS key open to others":  {"key files", failure, within("tls.key", open), nil, 0},
		"next key open to others": {"key files", failure, within("tls-next.key", open), nil, 0},
		"CA key open to others":   {"key files", failure, within("ca.key", open), nil, 0},
		"no root key":             {"key files", failure, within(rootKeyFile, os.Remove), nil, 0},
		"no certificate yet":      {"certificate", warning, within("tls.pem", os.Remove), nil, 0},
		"damaged certificate":     {"certificate", failure, within("tls.pem", func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }), nil, 0},
		"certificate ends soon":   {"certificate", warning, nil, nil, 390 * day},
		"certificate has ended":   {"certificate", failure, nil, nil, 398 * day},
		"certificate of tomorrow": {"certificate", failure, files(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(day) }), nil, 0},
		"clock that went back":    {"clock", failure, nil, nil, -time.Hour / 2},
		"another host":            {"host name", failure, files(func(c *x509.Certificate) { c.DNSNames = []string{"ward.example.org"} }), nil, 0},
		"another host for programs": {"host name", failure, func(_ *testing.T, cfg *config.Config) {
			cfg.MTLSListen, cfg.MTLSBaseURL = "127.0.0.1:9443", "https://mtls.example.org"
		}, nil, 0},
		"no next key":       {"next key", warning, within("tls-next.key", os.Remove), nil, 0},
		"damaged next key":  {"next key", warning, within("tls-next.key", func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }), nil, 0},
		"next key in use":   {"next key", warning, func(_ *testing.T, cfg *config.Config) { cfg.TLSNextKey = filepath.Join(cfg.Dir, "tls.key") }, nil, 0},
		"key nobody pinned": {"next key", failure, files(nil), &serverState{Pin: "of what is shown"}, 0},
		"no authorities": {"mtls_ca", failure, func(_ *testing.T, cfg *config.Config) {
			cfg.MTLSListen, cfg.MTLSCA = "127.0.0.1:9443", filepath.Join(cfg.Dir, "none.pem")
		}, nil, 0},
		"old authority": {"mtls_ca", failure, func(t *testing.T, cfg *config.Config) {
			cfg.MTLSListen = "127.0.0.1:9443"
			cfg.MTLSCA, _ = certificateFile(t, t.TempDir(), "ca", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
		}, nil, 0},
		"no checkpoints":           {"checkpoint", failure, func(_ *testing.T, cfg *config.Config) { cfg.CheckpointOut = filepath.Join(cfg.Dir, "none") }, nil, 0},
		"checkpoints on same disk": {"checkpoint", warning, func(_ *testing.T, cfg *config.Config) { cfg.CheckpointOut = filepath.Join(cfg.Dir, rootKeyFile) }, nil, 0},
		"checkpoints not kept":     {"checkpoint", warning, nil, nil, 0},
		"no server":                {"server", warning, nil, nil, 0},
		"nobody at the address":    {"https", failure, func(_ *testing.T, cfg *config.Config) { cfg.Listen = "127.0.0.1:1" }, &serverState{Pin: "x"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := healthy(t)
			if c.change != nil {
				c.change(t, &cfg)
			}
			d := examined(cfg, c.server, c.later)
			if got := states(d)[c.check]; got != c.state {
				t.Errorf("%s is %s, not %s: %+v", c.check, got, c.state, d.findings)
			}
			for _, f := range d.findings {
				if f.State == failure && f.Check != c.check && c.server == nil && c.later == 0 {
					t.Errorf("%s fails, too: %s", f.Check, f.Text)
				}
				if f.State == failure && f.Remedy == "" {
					t.Errorf("%s fails without a remedy", f.Check)
				}
			}
		})
	}
}

// examined runs the checks, as some time later.
func examined(cfg config.Config, server *serverState, later time.Duration) *doctor {
	d := &doctor{cfg: cfg, server: server, clock: clock.NewManual(time.Now().Add(later))}
	d.examine(context.Background())
	return d
}

// states are the worst of each check.
func states(d *doctor) map[string]string {
	rank := map[string]int{fine: 1, warning: 2, failure: 3}
	out := map[string]string{}
	for _, f := range d.findings {
		if rank[f.State] > rank[out[f.Check]] {
			out[f.Check] = f.State
		}
	}
	return out
}

// TestDoctorCommand: exit codes, and what --pins prints without a server.
func TestDoctorCommand(t *testing.T) {
	cfg := healthy(t)
	if code, out, errs := run(t, "doctor", "--dir", cfg.Dir); code != 0 || !strings.Contains(out, "0 failures") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	var pins struct{ Current, Next string }
	code, out, errs := run(t, "doctor", "--dir", cfg.Dir, "--pins", "--json")
	if err := json.Unmarshal([]byte(out), &pins); err != nil || code != 0 || len(pins.Current) != 44 || len(pins.Next) != 44 || pins.Current == pins.Next {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if err := os.Remove(filepath.Join(cfg.Dir, "tls-next.key")); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, "doctor", "--dir", cfg.Dir, "--pins"); code != 1 || out != "" || !strings.Contains(errs, "Start the server once") {
		t.Errorf("without a next key: exit %d: %s%s", code, out, errs)
	}
	if err := os.Chmod(filepath.Join(cfg.Dir, rootKeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run(t, "doctor", "--dir", cfg.Dir); code != 1 || !strings.Contains(out, "chmod 600") {
		t.Errorf("with an open key: exit %d: %s", code, out)
	}
	if code, _, _ := run(t, "doctor", "--dir", filepath.Join(cfg.Dir, "none")); code != 2 {
		t.Errorf("of no folder: exit %d", code)
	}
}
