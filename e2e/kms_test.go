package e2e_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms/kmstest"
)

// keyService is a fake of the AWS key service at an address of its own, which it can
// leave and come back to. Programs find credentials for it in the environment.
type keyService struct {
	*kmstest.FakeAWS
	t       *testing.T
	address string
	server  *http.Server
}

func startKeyService(t *testing.T) *keyService {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secretexample", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	k := &keyService{FakeAWS: kmstest.NewFakeAWS("ward"), t: t, address: freePort(t)}
	k.come()
	t.Cleanup(k.leave)
	return k
}

func (k *keyService) come() {
	l, err := net.Listen("tcp", k.address)
	if err != nil {
		k.t.Fatal(err)
	}
	k.server = &http.Server{Handler: k}
	go func() { _ = k.server.Serve(l) }() // it ends when it leaves
}

func (k *keyService) leave() { _ = k.server.Close() }

func (k *keyService) setting() string {
	return "awskms:///alias/ward?region=eu-central-1&endpoint=http://" + k.address
}

// told finds what no output may tell.
func told(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{kmstest.Account, "AKIDEXAMPLE", "secretexample"} {
		if strings.Contains(text, secret) {
			t.Errorf("it tells %q: %s", secret, text)
		}
	}
}

// TestRootInAKeyService: init, a server and its restart with a root that a service
// keeps; without the service, or once the key is destroyed, nothing is served; a server
// that runs goes on without it.
func TestRootInAKeyService(t *testing.T) {
	k := startKeyService(t)
	dir, listen := filepath.Join(t.TempDir(), "house"), freePort(t)
	settings := filepath.Join(t.TempDir(), "wardkeep.yaml")
	write(t, settings, "dir: "+dir+"\nlisten: "+listen+"\nkms: "+k.setting()+"\n")
	if out := must(t, "init", "--config", settings, "--admin", "chief", "--given", "A", "--family", "B"); !strings.Contains(out, "kept by the key service") {
		t.Error(out)
	}
	if _, err := os.Stat(filepath.Join(dir, "root.key")); err == nil {
		t.Error("there is a root in a file")
	}
	if info, err := os.Stat(filepath.Join(dir, "signing.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error("signing.key", err)
	}
	_, port, _ := net.SplitHostPort(listen)
	serve := []string{"serve", "--config", settings}
	s := start(t, dir, "https://localhost:"+port, serve)

	k.leave() // while it runs
	a := s.client("system/*.cruds")
	if got := a.do(http.MethodPut, "/fhir/Patient/ada", strings.NewReader(`{"resourceType":"Patient","id":"ada"}`)); got.status != http.StatusCreated {
		t.Errorf("a write without the service: %d", got.status)
	}
	if got := a.do(http.MethodGet, "/fhir/Patient/ada", nil); got.status != http.StatusOK || !s.ready() {
		t.Errorf("a read without the service: %d", got.status)
	}
	if out, _, code := run(t, "doctor", "--config", settings); code != 1 || !strings.Contains(out, "cannot be reached") {
		t.Errorf("the doctor, without the service: exit %d, %s", code, out)
	}
	s.stop()
	refused := func(when, want string, args ...string) {
		t.Helper()
		out, errs, code := run(t, args...)
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", when, code, errs)
		}
		told(t, out+errs)
		if c, err := net.Dial("tcp", listen); err == nil {
			_ = c.Close()
			t.Errorf("%s: somebody listens", when)
		}
	}
	refused("away at the start", "The key service cannot be reached", serve...)
	refused("away, of a command", "The key service cannot be reached", "audit", "verify", "--config", settings)
	k.come()
	k.Fail("AccessDeniedException", 0)
	refused("not let in", "does not let this server use the key", serve...)
	k.Fail("", 0)
	for _, state := range []string{"PendingDeletion", ""} {
		k.SetState("ward", state)
		refused("destroyed", "refuses this key", serve...)
	}
	refused("another setting", "Name it by the setting kms", "serve", "--dir", dir, "--listen", listen)

	k.SetState("ward", "Enabled")
	s = start(t, dir, s.base, serve) // as it was
	a.server = s
	if got := a.do(http.MethodGet, "/fhir/Patient/ada", nil); got.status != http.StatusOK {
		t.Errorf("after a restart: %d", got.status)
	}
	if out := must(t, "doctor", "--config", settings); !strings.Contains(out, "kept by awskms/eu-central-1/ward") {
		t.Error(out)
	}
	if out := must(t, "keys", "status", "--config", settings); !strings.Contains(out, "awskms/eu-central-1/ward") {
		t.Error(out)
	}
	s.stop()
	must(t, "audit", "verify", "--config", settings, "--deep")
	told(t, s.screen.String())
}

// TestRootMoves: from a file into a service, and the log verifies against what was kept
// before.
func TestRootMoves(t *testing.T) {
	k := startKeyService(t)
	dir, kept := initDir(t), t.TempDir()
	must(t, "audit", "key", "--dir", dir, "--out", kept)
	move := []string{"keys", "rotate", "root", "--dir", dir, "--reason", "into care", "--to", k.setting()}
	for _, wrong := range [][]string{
		{"keys", "rotate", "data", "--dir", dir, "--reason", "x", "--to", k.setting()},
		{"keys", "rotate", "root", "--dir", dir, "--reason", "x", "--to", "local"},
		{"keys", "rotate", "root", "--dir", dir, "--reason", "x", "--to", "awskms:///alias/ward"},
	} {
		if _, errs, code := run(t, wrong...); code != 2 {
			t.Errorf("%v: exit %d, %s", wrong, code, errs)
		}
	}
	if out := must(t, move...); !strings.Contains(out, "Set kms: "+k.setting()) || !strings.Contains(out, "awskms/eu-central-1/ward") {
		t.Error(out)
	}
	if _, err := os.Stat(filepath.Join(dir, "root.key")); err == nil {
		t.Error("root.key is still there")
	}
	if _, errs, code := run(t, "audit", "verify", "--dir", dir); code != 1 || !strings.Contains(errs, "Name it by the setting kms") {
		t.Errorf("with the old setting: exit %d, %s", code, errs)
	}
	settings := filepath.Join(t.TempDir(), "wardkeep.yaml")
	write(t, settings, "dir: "+dir+"\nkms: "+k.setting()+"\n")
	must(t, "audit", "verify", "--config", settings, "--deep", "--pinned", filepath.Join(kept, "checkpoint"))
	if out := must(t, "keys", "rotate", "root", "--config", settings, "--reason", "again"); !strings.Contains(out, "replaced there") {
		t.Error(out)
	}
	told(t, must(t, "audit", "export", "--config", settings))
}
