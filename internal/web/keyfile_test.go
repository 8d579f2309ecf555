package web_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/web"
)

// TestSealedKeys: the keys that are made here lie sealed, go on through rotations, and
// open under their own root alone; pins are told without it.
func TestSealedKeys(t *testing.T) {
	keys := web.Keys{Dir: t.TempDir(), Hosts: []string{"localhost"}, Safe: seal.NewSafe(&[32]byte{1})}
	keeper, err := keys.Open(now)
	if err != nil {
		t.Fatal(err)
	}
	second := nextPin(t, keys)
	if err := keeper.Rotate(t.Context(), now); err != nil || handshake(t, keeper) != second {
		t.Fatalf("a rotation: %v", err)
	}
	for _, name := range []string{"ca.key", "tls.key", "tls-next.key"} {
		text, err := os.ReadFile(filepath.Join(keys.Dir, name))
		if err != nil || !seal.IsSealed(text) || bytes.Contains(text, []byte("PRIVATE KEY")) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	third, outside := nextPin(t, keys), keys
	outside.Safe = nil
	if nextPin(t, outside) != third || outside.Match(keeper.Certificate().Leaf, filepath.Join(keys.Dir, "tls.key")) != nil || outside.Match(keeper.Certificate().Leaf, filepath.Join(keys.Dir, "tls-next.key")) == nil {
		t.Error("without the root pins are told otherwise")
	}
	request, err := keys.Request("ehr.example.org")
	block, _ := pem.Decode(request)
	if err != nil || block == nil {
		t.Fatalf("%s: %v", request, err)
	}
	if csr, err := x509.ParseCertificateRequest(block.Bytes); err != nil || csr.CheckSignature() != nil || web.Pin(csr.RawSubjectPublicKeyInfo) != third || csr.DNSNames[0] != "ehr.example.org" {
		t.Errorf("the request: %v", err)
	}
	again, err := keys.Open(now)
	if err != nil || handshake(t, again) != second {
		t.Errorf("at the next start: %v", err)
	}
	stranger := keys
	stranger.Safe = seal.NewSafe(&[32]byte{2})
	for name, k := range map[string]web.Keys{"another root": stranger, "no root": outside} {
		if _, err := k.Open(now); err == nil {
			t.Errorf("%s opens them", name)
		}
	}
	if nextPin(t, keys) != third {
		t.Error("who could not open them made others")
	}
}

// TestSealedKeysAreWhatTheyAre: none can stand for another use, nor show another's public
// half.
func TestSealedKeysAreWhatTheyAre(t *testing.T) {
	keys := web.Keys{Dir: t.TempDir(), Hosts: []string{"localhost"}, Safe: seal.NewSafe(&[32]byte{1})}
	if _, err := keys.Open(now); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(keys.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ca, next := read("ca.key"), read("tls-next.key")
	const border = "-----BEGIN WARDKEEP SEALED"
	caPublic, _, _ := strings.Cut(ca, border)
	_, nextSealed, _ := strings.Cut(next, border)
	for name, text := range map[string]string{"the authority's key": ca, "another public half": caPublic + border + nextSealed, "no public half": border + nextSealed} {
		if err := os.WriteFile(filepath.Join(keys.Dir, "tls-next.key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Open(now); err == nil {
			t.Errorf("%s is taken for the next key", name)
		}
	}
	if err := os.WriteFile(filepath.Join(keys.Dir, "tls-next.key"), []byte(next), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open(now); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// TestBareKeysAreTakenOver: keys of an earlier release are the same ones, sealed.
func TestBareKeysAreTakenOver(t *testing.T) {
	bare := web.Keys{Dir: t.TempDir(), Hosts: []string{"localhost"}}
	keeper, err := bare.Open(now)
	if err != nil {
		t.Fatal(err)
	}
	first, second := handshake(t, keeper), nextPin(t, bare)
	keys := bare
	keys.Safe = seal.NewSafe(&[32]byte{1})
	found, err := keys.Bare()
	if err != nil || len(found) != 3 || keys.TakeOver(found) != nil {
		t.Fatalf("%v %v", found, err)
	}
	if left, err := keys.Bare(); err != nil || len(left) > 0 {
		t.Errorf("left bare: %v %v", left, err)
	}
	keeper, err = keys.Open(now)
	if err != nil || handshake(t, keeper) != first || nextPin(t, keys) != second {
		t.Errorf("other keys are shown: %v", err)
	}
	if _, err := bare.Open(now); err == nil {
		t.Error("they open without the root")
	}
}

// TestSealedAnew: keys go to a folder with another key of its files, which alone opens them.
func TestSealedAnew(t *testing.T) {
	from := web.Keys{Dir: t.TempDir(), Hosts: []string{"localhost"}, Safe: seal.NewSafe(&[32]byte{1})}
	if _, err := from.Open(now); err != nil {
		t.Fatal(err)
	}
	to := from
	to.Dir, to.Safe = t.TempDir(), seal.NewSafe(&[32]byte{2})
	list, err := os.ReadDir(from.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		text, err := os.ReadFile(filepath.Join(from.Dir, e.Name()))
		if err == nil {
			text, err = web.Reseal(e.Name(), text, from.Safe, to.Safe)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to.Dir, e.Name()), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := web.Reseal(e.Name(), text, from.Safe, to.Safe); seal.IsSealed(text) && err == nil {
			t.Errorf("%s opens by the old key", e.Name())
		}
	}
	was := nextPin(t, from)
	keeper, err := to.Open(now)
	if err != nil || nextPin(t, to) != was {
		t.Fatalf("the new folder: %v", err)
	}
	handshake(t, keeper)
}
