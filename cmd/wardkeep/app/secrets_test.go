package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/web"
)

func runIn(t *testing.T, in string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := Main(context.Background(), Terminal{Args: args, In: strings.NewReader(in), Out: &out, Err: &out, Version: "test"})
	return code, out.String()
}

// told are the audit entries of a folder by action.
func told(t *testing.T, h *House) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	if err := h.Log.Integrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Log.Search(t.Context(), audit.Filter{}, func(e *audit.Record) error {
		all[e.Action] = append(all[e.Action], e.Detail)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSecrets: a secret is sealed from what is read and never shown again, is what a
// setting names, outlives a new root, opens in its own folder and by its own name alone,
// and is destroyed; the log tells each change.
func TestSecrets(t *testing.T) {
	cfg, _ := made(t, config.KMSLocal)
	other, _ := made(t, config.KMSLocal)
	path := filepath.Join(cfg.Dir, secretsDir, "idp")
	for name, c := range map[string]struct {
		in   string
		args []string
		code int
	}{
		"nothing":  {"", []string{"secrets", "set", "--dir", cfg.Dir, "idp"}, 2},
		"too long": {strings.Repeat("x", mostSecret+1), []string{"secrets", "set", "--dir", cfg.Dir, "idp"}, 2},
		"a path":   {"x", []string{"secrets", "set", "--dir", cfg.Dir, "../root.key"}, 2},
		"no such":  {"", []string{"secrets", "remove", "--dir", cfg.Dir, "idp"}, 1},
		"good":     {"hunter2\n", []string{"secrets", "set", "--dir", cfg.Dir, "idp"}, 0},
	} {
		if name == "good" {
			continue
		}
		if code, out := runIn(t, c.in, c.args...); code != c.code {
			t.Errorf("%s: exit %d: %s", name, code, out)
		}
	}
	code, out := runIn(t, "hunter2\n", "secrets", "set", "--dir", cfg.Dir, "idp")
	_, list := runIn(t, "", "secrets", "list", "--dir", cfg.Dir, "--json")
	if code != 0 || strings.Contains(out+list, "hunter2") || !strings.Contains(list, `"name":"idp"`) || !strings.Contains(list, `"good":true`) {
		t.Fatalf("exit %d: %s%s", code, out, list)
	}
	file, err := os.ReadFile(path)
	if info, _ := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || !seal.IsSealed(file) || bytes.Contains(file, []byte("hunter2")) {
		t.Fatalf("%v %s", err, file)
	}
	names := config.Provider{Name: "idp", ClientSecretFile: "sealed:idp"}
	h, err := opened(t, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotateKey(t.Context(), h, "me", keyOrder{"root", "a test"}); err != nil {
		t.Fatal(err)
	}
	h.Keys.Start(t.Context())
	for status, _ := h.Keys.Status(t.Context()); status.UnderWay != nil; status, _ = h.Keys.Status(t.Context()) {
		time.Sleep(time.Millisecond)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, err = opened(t, cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.WithoutCancel(t.Context())) }()
	if secret, err := names.Secret(h.secret); err != nil || secret != "hunter2" {
		t.Errorf("below the new root: %q, %v", secret, err)
	}
	stranger, err := opened(t, other, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close(context.WithoutCancel(t.Context())) }()
	for _, at := range []string{filepath.Join(other.Dir, secretsDir, "idp"), filepath.Join(cfg.Dir, secretsDir, "else")} {
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, open := range map[string]func() (string, error){
		"another folder":  func() (string, error) { return stranger.secret("idp") },
		"another name":    func() (string, error) { return h.secret("else") },
		"none":            func() (string, error) { return h.secret("none") },
		"a path":          func() (string, error) { return h.secret("../root.key") },
		"no folder":       func() (string, error) { return names.Secret(nil) },
		"the name itself": func() (string, error) { return names.Secret(h.secret) },
	} {
		if secret, err := open(); (err == nil) != (name == "the name itself") || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %q, %v", name, secret, err)
		}
	}
	if _, err := removeSecret(t.Context(), h, "me", namedSecret{Name: "idp"}); err != nil || exists(path) {
		t.Errorf("it is not destroyed: %v", err)
	}
	if all := told(t, h); len(all["set-secret"]) != 1 || len(all["remove-secret"]) != 1 || strings.TrimSpace(all["set-secret"][0]) != "idp" {
		t.Errorf("the log tells %v and %v", all["set-secret"], all["remove-secret"])
	}
}

// TestTLSKeysAreSealed: the keys of an earlier release are taken over, once; a bare one
// that is there afterwards is somebody else's, and nothing starts with it.
func TestTLSKeysAreSealed(t *testing.T) {
	dir := t.TempDir()
	if _, err := (web.Keys{Dir: dir, Hosts: []string{"localhost"}}).Open(time.Now()); err != nil {
		t.Fatal(err)
	}
	bare, err := os.ReadFile(filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() (*House, error) { return openOn(t.Context(), dir, nil) }
	h, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := h.keys().Bare(); err != nil || len(left) > 0 {
		t.Errorf("left bare: %v %v", left, err)
	}
	if _, err := h.keeper(); err != nil {
		t.Errorf("they are not shown: %v", err)
	}
	if all := told(t, h)["seal-keys"]; len(all) != 1 || !strings.Contains(all[0], "tls.key") {
		t.Errorf("the log tells %v", all)
	}
	pins, err := pinsOf(h.Config, h.kept.Certificate().Leaf.RawSubjectPublicKeyInfo)
	if err != nil || pins.Current == pins.Next {
		t.Errorf("%+v %v", pins, err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed, err := os.ReadFile(filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{string(bare): false, string(sealed): true} {
		if err := os.WriteFile(filepath.Join(dir, "tls.key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := open()
		if (err == nil) != good || !good && !strings.Contains(err.Error(), "somebody has put it there") {
			t.Errorf("sealed: %v: %v", good, err)
		}
		if err == nil {
			_ = h.Close(t.Context())
		}
	}
}

// TestBareSecretsAreTold: secrets that no vault keeps, and a root beside the data, are told
// by the log and the doctor.
func TestBareSecretsAreTold(t *testing.T) {
	cfg := healthy(t)
	cfg.Listen, cfg.KMS = ":443", config.KMSLocal
	for setting, want := range map[string]bool{"/etc/idp": true, "sealed:idp": false, "credential:idp": false} {
		cfg.Federation = []config.Provider{{Name: "idp", ClientSecretFile: setting}}
		var lines bytes.Buffer
		(&House{Config: cfg, Slog: slog.New(slog.NewTextHandler(&lines, nil))}).tellChoices(t.Context())
		if got := strings.Contains(lines.String(), "client_secret_file"); got != want || !strings.Contains(lines.String(), "kms is local") {
			t.Errorf("%s: the log says %s", setting, &lines)
		}
		for _, inFiles := range []bool{false, true} {
			cfg.SecretsInFiles = inFiles
			state := states(examined(cfg, nil, 0))["secrets"]
			if expect := map[[2]bool]string{{true, false}: failure, {true, true}: warning}[[2]bool{want, inFiles}]; want && state != expect || !want && state != fine {
				t.Errorf("%s: the doctor says %s", setting, state)
			}
		}
	}
	cfg.KMS = ""
	if states(examined(cfg, nil, 0))[rootCheck] != failure {
		t.Error("a root that nobody has decided on passes")
	}
}

// TestSealedTLSKey: a certificate of others is shown with a key that was sealed, and not
// without the one that belongs to it; the doctor finds nothing wrong.
func TestSealedTLSKey(t *testing.T) {
	cfg, _ := made(t, config.KMSLocal)
	var keyFile string
	cfg.TLSCert, keyFile = certificateFile(t, t.TempDir(), "others", nil)
	_, wrongFile := certificateFile(t, t.TempDir(), "wrong", nil)
	cfg.TLSKey = "sealed:tls"
	for _, c := range []struct {
		file, says string
	}{{"", "tls_key"}, {wrongFile, "tls_key"}, {keyFile, ""}} {
		if c.file != "" {
			key, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			if code, out := runIn(t, string(key), "secrets", "set", "--dir", cfg.Dir, "tls"); code != 0 {
				t.Fatal(out)
			}
		}
		h, err := opened(t, cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = h.keeper(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.file, err)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d := examined(cfg, nil, 0)
	if states(d)["certificate"] != fine || states(d)["key files"] != fine || states(d)["secrets"] != fine {
		t.Errorf("%+v", d.findings)
	}
	out := tenant{cfg: cfg}
	if pair, err := out.pair(t.Context()); err != nil || pair.Leaf == nil {
		t.Errorf("a tenant that is out of service cannot show it: %v", err)
	}
}
