package web_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/web"
)

// handshake returns the pin that a real handshake shows.
func handshake(t *testing.T, keeper *web.Keeper) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", web.TLS(keeper.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // the pin is what is asked for
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return web.Pin(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
}

func nextPin(t *testing.T, k web.Keys) string {
	t.Helper()
	pin, err := k.NextPin()
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// TestNextKey: what is next is shown after a rotation or a renewal, and not before;
// whoever pinned both goes on.
func TestNextKey(t *testing.T) {
	keys := web.Keys{Dir: t.TempDir(), Hosts: []string{"localhost"}}
	keeper, err := keys.Open(now)
	if err != nil {
		t.Fatal(err)
	}
	first, second := handshake(t, keeper), nextPin(t, keys)
	if first == second {
		t.Fatal("the next key is the one shown")
	}
	wider := keys
	wider.Hosts = append(wider.Hosts, "ward.example.org")
	if keeper, err = wider.Open(now); err != nil {
		t.Fatal(err)
	}
	if handshake(t, keeper) != first || nextPin(t, keys) != second || keeper.Certificate().Leaf.VerifyHostname("ward.example.org") != nil {
		t.Error("another host takes another key")
	}
	if err := keeper.Rotate(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	third := nextPin(t, keys)
	if handshake(t, keeper) != second || third == second || third == first {
		t.Error("a rotation does not show the next key, or makes no other")
	}
	again, err := wider.Open(now)
	if err != nil || handshake(t, again) != second || nextPin(t, keys) != third {
		t.Errorf("after a start: %v", err)
	}
	if err := keeper.Renew(t.Context(), now.AddDate(1, 0, 0)); err != nil || handshake(t, keeper) != second {
		t.Errorf("renewed before its time: %v", err)
	}
	if err := keeper.Renew(t.Context(), now.AddDate(1, 1, 0)); err != nil || handshake(t, keeper) != third {
		t.Errorf("not renewed: %v", err)
	}
	fourth := nextPin(t, keys)
	late, err := wider.Open(now.AddDate(3, 0, 0))
	if err != nil || handshake(t, late) != fourth {
		t.Errorf("not renewed at a start: %v", err)
	}
	info, err := os.Stat(filepath.Join(keys.Dir, "tls-next.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the next key has mode %v: %v", info.Mode(), err)
	}
}

// TestHalfARotation: a process that died between key and certificate goes on with
// the key that it had come to.
func TestHalfARotation(t *testing.T) {
	keys := web.Keys{Dir: t.TempDir(), Hosts: []string{"localhost"}}
	if _, err := keys.Open(now); err != nil {
		t.Fatal(err)
	}
	next := nextPin(t, keys)
	text, err := os.ReadFile(filepath.Join(keys.Dir, "tls-next.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys.Dir, "tls.key"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	keeper, err := keys.Open(now)
	if err != nil || handshake(t, keeper) != next || nextPin(t, keys) == next {
		t.Errorf("%v", err)
	}
}

// pair writes a certificate of others, as an operator has it.
func pair(t *testing.T, dir string, key crypto.Signer) (certFile, keyFile string) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ward"}, NotBefore: now, NotAfter: now.Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "others.pem"), filepath.Join(dir, "others.key")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestNextKeyOfCertificatesFromFiles: the next key is made in advance; once the
// certificate is of that key, another one is.
func TestNextKeyOfCertificatesFromFiles(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := web.Keys{Dir: dir, NextFile: filepath.Join(dir, "pinned.key")}
	keys.CertFile, keys.KeyFile = pair(t, dir, key)
	keeper, err := keys.Open(now)
	if err != nil {
		t.Fatal(err)
	}
	next := nextPin(t, keys)
	if handshake(t, keeper) == next || keeper.Rotate(t.Context(), now) == nil || keeper.Renew(t.Context(), now.AddDate(9, 0, 0)) != nil {
		t.Error("a certificate of others is changed")
	}
	if _, err := os.Stat(filepath.Join(dir, "tls.key")); err == nil {
		t.Error("a certificate is made where one was given")
	}
	text, err := os.ReadFile(keys.NextFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	made, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	keys.CertFile, keys.KeyFile = pair(t, dir, made.(*ecdsa.PrivateKey))
	keeper, err = keys.Open(now)
	if err != nil || handshake(t, keeper) != next || nextPin(t, keys) == next {
		t.Errorf("the certificate of the next key: %v", err)
	}
	same := keys
	same.NextFile = keys.KeyFile
	if _, err := same.Open(now); err == nil {
		t.Error("the key in use may be written over")
	}
	damaged := keys
	damaged.NextFile = keys.CertFile
	if _, err := damaged.Open(now); err == nil {
		t.Error("a file that is no key is written over")
	}
}

// TestShortKeyOfCertificatesFromFiles: a certificate of others with an RSA key of too few
// bits is not shown, and who starts the server is told what to do.
func TestShortKeyOfCertificatesFromFiles(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := web.Keys{Dir: t.TempDir()}
	keys.CertFile, keys.KeyFile = pair(t, keys.Dir, key)
	for bits, shown := range map[int]bool{3072: false, 2048: true} {
		keys.LeastRSA = bits
		if _, err := keys.Open(now); (err == nil) != shown || err != nil && !strings.Contains(err.Error(), "least_rsa: 2048") {
			t.Errorf("with %d bits: %v", bits, err)
		}
	}
}

// TestKeyOpenToAll: a key of tls_key that everybody on the machine may read is none.
func TestKeyOpenToAll(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := web.Keys{Dir: t.TempDir()}
	keys.CertFile, keys.KeyFile = pair(t, keys.Dir, key)
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o644: false, 0o604: false} {
		if err := os.Chmod(keys.KeyFile, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Open(now); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}
