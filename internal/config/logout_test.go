package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
