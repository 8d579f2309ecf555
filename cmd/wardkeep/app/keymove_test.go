package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/kms/kmstest"
)

// fakeService returns a fake of the AWS key service and the setting kms for each of its
// keys.
func fakeService(t *testing.T) (f *kmstest.FakeAWS, one, another string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secretexample", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	f = kmstest.NewFakeAWS("one", "another")
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	setting := func(alias string) string {
		return "awskms:///alias/" + alias + "?region=eu-central-1&endpoint=" + server.URL
	}
	return f, setting("one"), setting("another")
}

func opened(t *testing.T, cfg config.Config, opt Options) (*House, error) {
	t.Helper()
	return OpenHouse(t.Context(), cfg, slog.New(slog.DiscardHandler), opt)
}

// made is a folder with a person in it, and the key that signs its log.
func made(t *testing.T, kms string) (config.Config, []byte) {
	t.Helper()
	cfg := config.Default()
	cfg.Dir, cfg.KMS = filepath.Join(t.TempDir(), "house"), kms
	h, err := opened(t, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = addUser(t.Context(), h, "me", newUser{UserName: "chief", Given: "A", Family: "B", Role: "admin"})
	if err := closeAfter(t.Context(), h, err); err != nil {
		t.Fatal(err)
	}
	return cfg, h.Keyring.Public()
}

// whole reports whether a folder opens and its log verifies, signed by the same key.
func whole(t *testing.T, name string, cfg config.Config, signs []byte) {
	t.Helper()
	report, err := verifyFiles(t.Context(), cfg, nil, true)
	if err != nil || !report.OK {
		t.Fatalf("%s: %v\n%v", name, err, report)
	}
	h, err := opened(t, cfg, Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !bytes.Equal(h.Keyring.Public(), signs) {
		t.Errorf("%s: another key signs", name)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func moved(t *testing.T, cfg config.Config, to string) error {
	t.Helper()
	h, err := opened(t, cfg, Options{MoveTo: to})
	if err != nil {
		return err
	}
	_, err = h.moveRoot(t.Context(), "a test")
	return errors.Join(err, h.Close(context.WithoutCancel(t.Context())))
}

// TestMoveCutShort ends the way from a file to a service after every third call to the
// service, when proofs are run after every single one. Said again, it comes to its end; until then nothing is lost, and the file is
// there for as long as anything needs it.
func TestMoveCutShort(t *testing.T) {
	f, one, _ := fakeService(t)
	cfg, signs := made(t, config.KMSLocal)
	cuts, stride := 0, 3
	if os.Getenv("WARDKEEP_PROVE") != "" {
		stride = 1
	}
	for ; ; cuts += stride {
		here := cfg
		here.Dir = filepath.Join(t.TempDir(), "house")
		if err := os.CopyFS(here.Dir, os.DirFS(cfg.Dir)); err != nil {
			t.Fatal(err)
		}
		tighten(t, here.Dir)
		f.Fail("AccessDeniedException", cuts)
		err := moved(t, here, one)
		f.Fail("", 0)
		if err != nil {
			if !exists(filepath.Join(here.Dir, rootKeyFile)) {
				t.Errorf("cut after %d calls, and the root is gone", cuts)
			}
			if err := moved(t, here, one); err != nil {
				t.Fatalf("cut after %d calls, said again: %v", cuts, err)
			}
		}
		if _, err := os.Stat(filepath.Join(here.Dir, rootKeyFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("cut after %d calls: the file of the root is still there", cuts)
		}
		if _, err := opened(t, here, Options{}); err == nil || !strings.Contains(err.Error(), "Name it by the setting kms") {
			t.Errorf("with the old setting: %v", err)
		}
		there := here
		there.KMS = one
		whole(t, "moved", there, signs)
		if err == nil {
			break
		}
	}
	if cuts < 10 {
		t.Errorf("cut after %d calls at most: nothing was tested", cuts)
	}
}

// tighten gives the copies of key files their mode again.
func tighten(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{rootKeyFile, fileKeyFile} {
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnotherRoot: a folder made with one root is refused with another, and the words
// say what to do. What was refused opens again with the right one.
func TestAnotherRoot(t *testing.T) {
	f, one, another := fakeService(t)
	service, signs := made(t, one)
	file, fileSigns := made(t, config.KMSLocal)
	with := func(cfg config.Config, kms string) config.Config { cfg.KMS = kms; return cfg }
	for name, c := range map[string]struct {
		cfg  config.Config
		want string
	}{
		"a service's, with a file":         {with(service, config.KMSLocal), "kept by a key service: awskms/eu-central-1/one. Name it by the setting kms"},
		"a service's, with another's":      {with(service, another), "the folder says that awskms/eu-central-1/one has wrapped its keys"},
		"a file's, with a service":         {with(file, one), "Set kms: local; or move it there"},
		"a service that knows no such key": {with(service, strings.Replace(one, "alias/one", "alias/none", 1)), "refuses this key: NotFoundException"},
	} {
		h, err := opened(t, c.cfg, Options{})
		if err == nil {
			_ = h.Close(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), kmstest.Account) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, state := range []string{"PendingDeletion", "Disabled", ""} {
		f.SetState("one", state)
		if _, err := opened(t, service, Options{}); err == nil || !strings.Contains(err.Error(), "refuses this key") {
			t.Errorf("state %q: %v", state, err)
		}
	}
	f.SetState("one", "Enabled")
	path := filepath.Join(service.Dir, signingFile)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, service, Options{}); err == nil || !strings.Contains(err.Error(), signingFile+" is missing") || exists(path) {
		t.Errorf("without the signing key: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	whole(t, "service", service, signs)
	whole(t, "file", file, fileSigns)
}

// TestServicesRoot: below a root that stays with its service everything is wrapped
// anew, and it can move to another service's key; the one before opens nothing then.
func TestServicesRoot(t *testing.T) {
	f, one, another := fakeService(t)
	cfg, signs := made(t, one)
	h, err := opened(t, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := f.Calls("Encrypt")
	_, err = rotateKey(t.Context(), h, "me", keyOrder{"root", "the service has replaced it"})
	if err := closeAfter(t.Context(), h, err); err != nil {
		t.Fatal(err)
	}
	if n := f.Calls("Encrypt") - before; n != 6 { // four tenant keys, the store's, what signs
		t.Errorf("%d keys were wrapped", n)
	}
	whole(t, "wrapped anew", cfg, signs)
	if err := moved(t, cfg, another); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, cfg, Options{}); err == nil || !strings.Contains(err.Error(), "the folder says that awskms/eu-central-1/another") {
		t.Error("with the one before:", err)
	}
	f.SetState("one", "")
	cfg.KMS = another
	whole(t, "moved", cfg, signs)
}

// TestTenantsRootsInAService: two tenants whose roots are one key of a service, by two
// names, are not both served; of two keys they are.
func TestTenantsRootsInAService(t *testing.T) {
	_, one, another := fakeService(t)
	arn := strings.Replace(one, "alias/one", "arn:aws:kms:eu-central-1:"+kmstest.Account+":key/one", 1)
	for second, served := range map[string]int{arn: 1, another: 2} {
		north, south := filepath.Join(t.TempDir(), "north"), filepath.Join(t.TempDir(), "south")
		_, cfg := settingsOf(t, "", north, south)
		for i, kms := range []string{one, second} {
			cfg.Tenants[i].KMS = kms
			h, err := opened(t, cfg.Tenants[i], Options{})
			if err := closeAfter(t.Context(), h, err); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		list, err := (&Tenants{Config: cfg, Slog: newLogger(&log, "error"), Version: "test"}).open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, one := range list {
			if one.house != nil {
				n++
			}
		}
		if n != served || served == 1 && !strings.Contains(log.String(), "its root key is that of tenant north") {
			t.Errorf("%d are served, not %d: %s", n, served, log.String())
		}
		closeTenants(t.Context(), list)
	}
}

// TestDoctorOfARoot: the doctor says which root it is and tries it.
func TestDoctorOfARoot(t *testing.T) {
	f, one, another := fakeService(t)
	cfg, _ := made(t, one)
	for name, c := range map[string]struct {
		setting, key, state, want string
	}{
		"well":            {one, "Enabled", fine, "kept by awskms/eu-central-1/one, made on 2026-01-01"},
		"about to go":     {one, "PendingDeletion", failure, "its state is PendingDeletion"},
		"another service": {another, "Enabled", failure, "awskms/eu-central-1/one has wrapped the keys"},
		"not named":       {config.KMSLocal, "Enabled", failure, "the settings do not name it"},
	} {
		f.SetState("one", c.key)
		d := &doctor{cfg: cfg, clock: clock.System{}}
		d.cfg.KMS = c.setting
		d.rootKey(t.Context())
		if got := d.findings[0]; got.State != c.state || !strings.Contains(got.Text, c.want) || strings.Contains(got.Text, kmstest.Account) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if err := os.WriteFile(filepath.Join(cfg.Dir, rootKeyFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := &doctor{cfg: cfg, clock: clock.System{}}
	f.SetState("one", "Enabled")
	if d.rootKey(t.Context()); d.count(warning) != 1 {
		t.Errorf("a root.key of before is not seen: %+v", d.findings)
	}
}
