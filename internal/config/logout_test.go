package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

func TestLogOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wardkeep.yaml")
	if err := os.WriteFile(file, []byte("log_out: siem.example.org:6514\nlog_out_ca: /ca.pem\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, []string{"WARDKEEP_LOG_OUT_NAME=collector"})
	if err != nil || cfg.LogOut != (config.LogOut{To: "siem.example.org:6514", CA: "/ca.pem", Name: "collector"}) {
		t.Fatalf("%+v, %v", cfg.LogOut, err)
	}
	if err := cfg.Check(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(*config.LogOut)
		says   string
	}{
		"no port":           {func(l *config.LogOut) { l.To = "siem.example.org" }, "6514"},
		"no host":           {func(l *config.LogOut) { l.To = ":6514" }, "6514"},
		"an address":        {func(l *config.LogOut) { l.To = "https://siem.example.org:6514" }, "host and a port"},
		"no authority":      {func(l *config.LogOut) { l.CA = "" }, "log_out_ca"},
		"a key alone":       {func(l *config.LogOut) { l.Key = "k" }, "together"},
		"nowhere to send":   {func(l *config.LogOut) { l.To = "" }, "of use with log_out"},
		"a certificate, no": {func(l *config.LogOut) { l.Cert = "c" }, "together"},
	} {
		wrong := cfg
		c.change(&wrong.LogOut)
		if err := wrong.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cfg.LogOut.TLS(nil); err == nil || !strings.Contains(err.Error(), "log_out_ca") {
		t.Errorf("without the file of the authority: %v", err)
	}
}

// TestLogOutKeyOpenToAll: a key that everybody on the machine may read proves nothing to
// a collector.
func TestLogOutKeyOpenToAll(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := config.LogOut{To: "siem.example.org:6514", CA: filepath.Join(dir, "cert"), Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}
	for name, block := range map[string]*pem.Block{l.Cert: {Type: "CERTIFICATE", Bytes: cert}, l.Key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o644: false, 0o660: false} {
		if err := os.Chmod(l.Key, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := l.TLS(nil); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "log_out_key is open") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}
