package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClients has client libraries of others work with the real server over TLS.
// They are installed by scripts/test-deps.sh.
func TestClients(t *testing.T) {
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join("clients", "node_modules", "fhirclient"))
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("node and the client libraries are needed; scripts/test-deps.sh installs the latter: %v", err)
		}
		t.Skip("node or the client libraries are missing; scripts/test-deps.sh installs them")
	}
	a := startDemo(t, "", "--patients", "0").client("system/*.cruds")
	cmd := exec.Command("node", "clients.mjs")
	cmd.Dir = "clients"
	cmd.Env = append(os.Environ(), "BASE="+a.base+"/fhir", "TOKEN="+a.token, "NODE_EXTRA_CA_CERTS="+filepath.Join(a.dir, "ca.pem"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"fhir-kit-client ok", "fhirclient ok"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
