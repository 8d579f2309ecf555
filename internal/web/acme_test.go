package web_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/web"
)

// pebbleModule is the ACME server of Let's Encrypt for tests: a real one, with a root of
// its own that nobody believes.
const pebbleModule = "github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1"

// authority is that server, on this machine alone.
type authority struct {
	t                     *testing.T
	directory, management string
	caFile                string // of its own HTTPS
	trust                 *http.Client
}

// freeAddress is one of this machine at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// newAuthority starts one that looks for proofs at a port of this machine.
func newAuthority(t *testing.T, proofs string, eab map[string]string) *authority {
	t.Helper()
	bin, dir := t.TempDir(), t.TempDir()
	install := exec.Command("go", "install", pebbleModule)
	install.Env, install.Dir = append(os.Environ(), "GOBIN="+bin, "GOFLAGS="), dir
	if out, err := install.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("pebble cannot be built: %v\n%s", err, out)
		}
		t.Skipf("pebble cannot be built; is the module proxy reached? %v", err)
	}
	a := &authority{t: t, directory: "https://" + freeAddress(t) + "/dir", management: freeAddress(t)}
	a.caFile = a.certificate(dir)
	_, port, _ := net.SplitHostPort(proofs)
	config := fmt.Sprintf(`{"pebble":{"listenAddress":%q,"managementListenAddress":%q,"certificate":%q,"privateKey":%q,"httpPort":1,"tlsPort":%s,
		"externalAccountBindingRequired":%t,"externalAccountMACKeys":%s,"keyAlgorithm":"ecdsa","retryAfter":{"authz":1,"order":1},
		"profiles":{"default":{"description":"as usual","validityPeriod":7776000}}}}`,
		strings.TrimSuffix(strings.TrimPrefix(a.directory, "https://"), "/dir"), a.management, a.caFile, filepath.Join(dir, "pebble.key"), port, eab != nil, mustJSON(t, eab))
	if err := os.WriteFile(filepath.Join(dir, "pebble.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, "pebble"), "-config", filepath.Join(dir, "pebble.json"))
	run.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	for range 500 {
		if resp, err := a.trust.Get(a.directory); err == nil {
			_ = resp.Body.Close()
			return a
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("pebble does not answer")
	return nil
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// certificate makes the one that pebble itself shows, which signs itself.
func (a *authority) certificate(dir string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pebble"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		a.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, content := range map[string][]byte{"pebble.pem": text, "pebble.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	a.trust = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	return filepath.Join(dir, "pebble.pem")
}

// root is what signs the certificates that it issues.
func (a *authority) root() *x509.CertPool {
	resp, err := a.trust.Get("https://" + a.management + "/roots/0")
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		a.t.Fatalf("no root: %v", err)
	}
	return pool
}

// serving answers handshakes at an address as the server does.
func serving(t *testing.T, address string, keeper *web.Keeper) {
	t.Helper()
	l, err := tls.Listen("tcp", address, keeper.TLS())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

// pinAt is the pin shown to a browser that believes the authority alone.
func (a *authority) pinAt(address string) (string, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.root(), ServerName: "localhost", NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return web.Pin(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo), nil
}

// TestACME: a real authority signs a certificate of the pinned key; a renewal keeps the
// key, a rotation shows the next one; nothing is ordered that is not needed.
func TestACME(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	a := newAuthority(t, address, nil)
	dir := t.TempDir()
	keys := web.Keys{Dir: dir, Hosts: []string{"localhost"}, ACME: &web.ACME{Directory: a.directory, Names: []string{"localhost"}, CAFile: a.caFile, Dir: dir, Contact: "it@example.org"}}
	keeper, err := keys.Open(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	serving(t, address, keeper)
	first, second := web.Pin(keeper.Certificate().Leaf.RawSubjectPublicKeyInfo), nextPin(t, keys)
	if _, err := a.pinAt(address); err == nil {
		t.Fatal("the certificate is believed before anybody signed it")
	}
	if err := keeper.Renew(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if pin, err := a.pinAt(address); err != nil || pin != first {
		t.Errorf("signed is the key %s, not %s: %v", pin, first, err)
	}
	serial := keeper.Certificate().Leaf.SerialNumber
	again, err := keys.Open(time.Now())
	if err != nil || again.Certificate().Leaf.SerialNumber.Cmp(serial) != 0 {
		t.Errorf("after a start another certificate is shown: %v", err)
	}
	for _, later := range []time.Duration{0, 59 * 24 * time.Hour} {
		if err := keeper.Renew(t.Context(), time.Now().Add(later)); err != nil || keeper.Certificate().Leaf.SerialNumber.Cmp(serial) != 0 {
			t.Errorf("after %s it is renewed: %v", later, err)
		}
	}
	if err := keeper.Renew(t.Context(), time.Now().Add(61*24*time.Hour)); err != nil || keeper.Certificate().Leaf.SerialNumber.Cmp(serial) == 0 {
		t.Errorf("in its last third it is not renewed: %v", err)
	}
	if pin, err := a.pinAt(address); err != nil || pin != first || nextPin(t, keys) != second {
		t.Errorf("a renewal shows %s: %v", pin, err)
	}
	if err := keeper.Rotate(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if pin, err := a.pinAt(address); err != nil || pin != second || nextPin(t, keys) == second {
		t.Errorf("a rotation shows %s, not %s: %v", pin, second, err)
	}
	for _, name := range []string{"acme.key", "tls.key", "tls-next.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: %v", name, info.Mode(), err)
		}
	}
	if cert, key, _ := keys.Files(); filepath.Base(cert) != "acme.pem" || filepath.Base(key) != "tls.key" {
		t.Errorf("the files are %s and %s", cert, key)
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.root(), ServerName: "localhost", MaxVersion: tls.VersionTLS12})
	if err == nil {
		t.Error("TLS 1.2 is spoken", conn.Close())
	}
}

// TestProofIsForTheAuthority: a proof is shown to who asks for nothing else, while one is
// asked for, and never to a browser.
func TestProofIsForTheAuthority(t *testing.T) {
	address := freeAddress(t)
	dir := t.TempDir()
	keys := web.Keys{Dir: dir, Hosts: []string{"localhost"}, ACME: &web.ACME{Names: []string{"localhost"}, Dir: dir}}
	keeper, err := keys.Open(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	serving(t, address, keeper)
	for _, c := range []struct {
		protocols []string
		spoken    string
	}{{[]string{"acme-tls/1"}, "none"}, {[]string{"acme-tls/1", "h2"}, "h2"}, {[]string{"h2"}, "h2"}, {nil, ""}} {
		spoken := "none"
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", NextProtos: c.protocols}) // whom we talk to is not asked
		if err == nil {
			spoken = conn.ConnectionState().NegotiatedProtocol
			if !bytes.Equal(conn.ConnectionState().PeerCertificates[0].Raw, keeper.Certificate().Leaf.Raw) {
				t.Errorf("%v is shown another certificate", c.protocols)
			}
			_ = conn.Close()
		}
		if spoken != c.spoken {
			t.Errorf("%v speaks %q, not %q", c.protocols, spoken, c.spoken)
		}
	}
}

// TestACMEAccount: an authority that wants a known account gets one by its key; without
// it nothing is signed, and what is shown stays.
func TestACMEAccount(t *testing.T) {
	t.Parallel()
	address, mac := freeAddress(t), make([]byte, 32)
	if _, err := rand.Read(mac); err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString(mac)
	a := newAuthority(t, address, map[string]string{"hospital-1": text})
	dir := t.TempDir()
	says := func(text string, err error) func() (string, error) {
		return func() (string, error) { return text, err }
	}
	keys := web.Keys{Dir: dir, Hosts: []string{"localhost"}, ACME: &web.ACME{Directory: a.directory, Names: []string{"localhost"}, CAFile: a.caFile, Dir: dir}}
	keeper, err := keys.Open(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	serving(t, address, keeper)
	before := keeper.Certificate()
	if err := keeper.Renew(t.Context(), time.Now()); err == nil || keeper.Certificate() != before {
		t.Errorf("without the account a certificate is signed: %v", err)
	}
	if err := keeper.Rotate(t.Context(), time.Now()); err == nil || keeper.Certificate() != before {
		t.Errorf("a rotation that fails changes something: %v", err)
	}
	keys.ACME.KID, keys.ACME.Secret = "hospital-1", says(text+"=\n", nil)
	if err := keeper.Renew(t.Context(), time.Now()); err != nil || keeper.Certificate() == before {
		t.Errorf("with the account: %v", err)
	}
	for name, wrong := range map[string]*web.ACME{
		"no root": {CAFile: filepath.Join(dir, "none")}, "no key": {KID: "x", Secret: says("", os.ErrNotExist)}, "a key that is none": {KID: "x", Secret: says("not base64!", nil)}, "a short key": {KID: "x", Secret: says("AAAA", nil)},
	} {
		if wrong.Check() == nil {
			t.Errorf("%s: nothing is wrong", name)
		}
	}
}

// TestStrangeAuthority: an address that shows another certificate than acme_ca is no authority.
func TestStrangeAuthority(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	a := newAuthority(t, address, nil)
	dir := t.TempDir()
	keys := web.Keys{Dir: dir, Hosts: []string{"localhost"}, ACME: &web.ACME{Directory: a.directory, Names: []string{"localhost"}, Dir: dir}}
	keeper, err := keys.Open(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Renew(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

// TestAuthorityLeadsNowhere: an answer of the authority that names another address is no
// answer, and nobody is asked there.
func TestAuthorityLeadsNowhere(t *testing.T) {
	t.Parallel()
	asked, led := false, 0
	ctx, cancel := context.WithCancel(t.Context())
	var server *httptest.Server
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			asked = true
			return
		}
		if led++; led > 1 { // it was not followed, and is tried again
			cancel()
		}
		http.Redirect(w, r, server.URL+"/elsewhere", http.StatusTemporaryRedirect)
	}))
	dir := t.TempDir()
	caFile := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := web.Keys{Dir: dir, Hosts: []string{"localhost"}, ACME: &web.ACME{Directory: server.URL + "/dir", Names: []string{"localhost"}, Dir: dir, CAFile: caFile}}
	keeper, err := keys.Open(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = keeper.Renew(ctx, time.Now())
	if server.Close(); err == nil || led == 0 || asked {
		t.Errorf("%v, asked elsewhere: %t", err, asked)
	}
}
