package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/config"
)

// settingsOf writes settings with tenants, whose folders are those given.
func settingsOf(t *testing.T, more string, folders ...string) (file string, cfg config.Config) {
	t.Helper()
	text := "dir: " + t.TempDir() + "\nlisten: 127.0.0.1:8443\n" + more + "tenants:\n"
	for _, dir := range folders {
		text += fmt.Sprintf("  - {name: %[1]s, base_url: 'https://%[1]s.example.org', dir: %[2]s}\n", filepath.Base(dir), dir)
	}
	file = filepath.Join(t.TempDir(), "wardkeep.yaml")
	err := os.WriteFile(file, []byte(text), 0o600)
	if err == nil {
		cfg, err = config.Load(file, nil)
	}
	if err != nil || cfg.Check() != nil {
		t.Fatal(err, cfg.Check())
	}
	return file, cfg
}

// TestTenantsFailAlone: what is broken answers 503 at its own host, makes nothing, and
// takes nobody along; a server of which nothing is left does not run.
func TestTenantsFailAlone(t *testing.T) {
	good, unkeyed, damaged := folderOf(t, "good", ""), folderOf(t, "unkeyed", ""), folderOf(t, "damaged", "")
	twin, missing, unwritten := folderOf(t, "twin", good), filepath.Join(t.TempDir(), "missing"), folderOf(t, "unwritten", "")
	stale := folderOf(t, "stale", "")
	if err := os.Remove(filepath.Join(unkeyed, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	manifests, _ := filepath.Glob(filepath.Join(damaged, storeDir, "MANIFEST*"))
	for _, path := range manifests {
		if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A checkpoint of another log: the store is behind it, or is another one.
	checkpoint := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(checkpoint, []byte("wardkeep.org/audit/x\n1\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, cfg := settingsOf(t, "", good, unkeyed, damaged, twin, missing, unwritten, stale)
	for i := range cfg.Tenants {
		switch cfg.Tenants[i].Tenant {
		case "unwritten":
			cfg.Tenants[i].CheckpointOut = filepath.Join(t.TempDir(), "none", "checkpoint") // cannot be written
		case "stale":
			cfg.Tenants[i].CheckpointOut = checkpoint
		}
	}
	var log bytes.Buffer
	s := &Tenants{Config: cfg, Slog: newLogger(&log, "error"), Version: "test"}
	list, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		w := ask(one.all, "GET", "/readyz")
		fhir := ask(one.all, "GET", "/fhir/Patient/ann")
		open := one.cfg.Tenant == "good"
		if (w.Code == http.StatusOK) != open || !open && (w.Code != http.StatusServiceUnavailable || fhir.Code != w.Code || !strings.Contains(fhir.Body.String(), "OperationOutcome")) {
			t.Errorf("%s answers %d %s, %d %s", one.cfg.Tenant, w.Code, w.Body, fhir.Code, fhir.Body)
		}
		if !open && !strings.Contains(log.String(), `"tenant":"`+one.cfg.Tenant+`"`) {
			t.Errorf("%s is not in the log", one.cfg.Tenant)
		}
	}
	if exists(missing) {
		t.Error("the folder that was missing was made")
	}
	if exists(filepath.Join(unkeyed, rootKeyFile)) || exists(filepath.Join(unkeyed, "ca.pem")) {
		t.Error("something was made in a folder that does not open")
	}
	closeTenants(t.Context(), list)

	_, cfg = settingsOf(t, "", unkeyed, missing)
	err = (&Tenants{Config: cfg, Slog: slog.New(slog.DiscardHandler)}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "tenant unkeyed") || !strings.Contains(err.Error(), "tenant missing") {
		t.Errorf("with none left: %v", err)
	}
}

// TestTenantsCloseTheirDoors: a listener that cannot be had ends the server, and leaves
// no house and no socket open.
func TestTenantsCloseTheirDoors(t *testing.T) {
	good := folderOf(t, "good", "")
	_, cfg := settingsOf(t, "", good)
	cfg.Listen = "192.0.2.1:1"
	if err := (&Tenants{Config: cfg, Slog: slog.New(slog.DiscardHandler), Version: "test"}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot listen") {
		t.Fatal(err)
	}
	h, err := openTenant(t, good, "good")
	if err != nil {
		t.Fatal(err)
	}
	shut(t, h)
}

// TestCommandsNameTheirTenant: every command is for one organisation, and says which.
func TestCommandsNameTheirTenant(t *testing.T) {
	north, south := folderOf(t, "north", ""), folderOf(t, "south", "")
	file, _ := settingsOf(t, "", north, south)
	for name, c := range map[string]struct {
		args  []string
		code  int
		words string
	}{
		"none":                     {[]string{"--config", file}, exitUsage, "give --tenant; there are north, south"},
		"unknown":                  {[]string{"--config", file, "--tenant", "west"}, exitUsage, "there are north, south"},
		"by name":                  {[]string{"--config", file, "--tenant", "south"}, exitOK, ""},
		"by folder":                {[]string{"--config", file, "--dir", south + "/"}, exitOK, ""},
		"by both":                  {[]string{"--config", file, "--dir", south, "--tenant", "south"}, exitOK, ""},
		"by both, of two":          {[]string{"--config", file, "--dir", south, "--tenant", "north"}, exitUsage, "--dir is not the folder"},
		"another folder":           {[]string{"--config", file, "--dir", t.TempDir()}, exitUsage, "--dir is not the folder"},
		"without settings":         {[]string{"--dir", south, "--tenant", "south"}, exitOK, ""},
		"without either":           {[]string{"--dir", south}, exitUsage, "Use --tenant south"},
		"under another's name":     {[]string{"--dir", south, "--tenant", "north"}, exitUsage, "Use --tenant south"},
		"a name that is no tenant": {[]string{"--dir", south, "--tenant", "../north"}, exitUsage, "small letters"},
	} {
		code, _, errs := run(t, append([]string{"user", "list"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.words) {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
	for _, args := range [][]string{
		{"audit", "verify", "--config", file, "--tenant", "north"}, {"audit", "verify", "--dir", north, "--tenant", "north", "--deep"},
		{"audit", "key", "--config", file, "--tenant", "south"}, {"export", "--config", file, "--tenant", "south", "--out", filepath.Join(t.TempDir(), "out")},
	} {
		if code, out, errs := run(t, args...); code != exitOK {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
	for _, args := range [][]string{
		{"audit", "verify", "--config", file}, {"export", "--config", file, "--out", t.TempDir()}, {"doctor", "--pins", "--config", file}, {"serve", "--config", file, "--tenant", "north"},
		{"serve", "--config", file, "--checkpoint-out", "x"}, {"serve", "--config", file, "--declare-successor", "x"}, {"init", "--config", file, "--admin", "a", "--given", "A", "--family", "B"},
	} {
		if code, _, errs := run(t, args...); code != exitUsage || !strings.Contains(errs, "tenant") && !strings.Contains(errs, "entry of each") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
	code, out, _ := run(t, "doctor", "--config", file, "--json")
	if code != exitOK && code != exitFail || !strings.Contains(out, `"tenants":{"north":{"ok":`) || !strings.Contains(out, `"south":{"ok":`) {
		t.Errorf("doctor: %d %s", code, out)
	}
	single := filepath.Join(t.TempDir(), "one.yaml")
	if err := os.WriteFile(single, []byte("dir: "+north+"\ntenant: north\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "user", "list", "--config", single, "--tenant", "south"); code != exitUsage || !strings.Contains(errs, "have no tenants") {
		t.Errorf("settings without tenants: %d %s", code, errs)
	}
	if code, _, errs := run(t, "user", "list", "--config", single); code != exitOK {
		t.Errorf("a tenant by itself: %d %s", code, errs)
	}
}

// TestSuccessorOfOneTenant: who declares a successor after a restore does it for one log.
func TestSuccessorOfOneTenant(t *testing.T) {
	north, south := folderOf(t, "north", ""), folderOf(t, "south", "")
	_, cfg := settingsOf(t, "", north, south)
	for i := range cfg.Tenants {
		cfg.Tenants[i].CheckpointOut = filepath.Join(t.TempDir(), "checkpoint")
	}
	served := func(restored string) (codes []int) {
		s := &Tenants{Config: cfg, Slog: slog.New(slog.DiscardHandler), Version: "test", Restored: restored, Successor: &audit.Decision{Who: "os:test", Why: "restored"}}
		list, _ := s.open(t.Context())
		defer closeTenants(t.Context(), list)
		for _, one := range list {
			codes = append(codes, ask(one.all, "GET", "/readyz").Code)
		}
		return codes
	}
	backup := t.TempDir()
	for _, dir := range []string{north, south} {
		replaceIn(t, filepath.Join(backup, filepath.Base(dir)), dir, storeDir, inventoryFile)
	}
	if got := served(""); !slices.Equal(got, []int{200, 200}) {
		t.Fatal(got)
	}
	for _, dir := range []string{north, south} {
		replaceIn(t, dir, filepath.Join(backup, filepath.Base(dir)), storeDir, inventoryFile)
	}
	for _, c := range []struct {
		restored string
		want     []int
	}{{"", []int{503, 503}}, {"north", []int{200, 503}}, {"", []int{200, 503}}} {
		if got := served(c.restored); !slices.Equal(got, c.want) {
			t.Errorf("declared for %q: %v", c.restored, got)
		}
	}
}
