package seal_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// TestSafe: a file opens under its own key and as what it is alone, and no byte of it
// can be another.
func TestSafe(t *testing.T) {
	safe, other := seal.NewSafe(&[32]byte{1}), seal.NewSafe(&[32]byte{2})
	file := append([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), safe.Seal("secret/idp", []byte("hunter2"))...)
	if text, err := safe.Open("secret/idp", file); err != nil || string(text) != "hunter2" || !seal.IsSealed(file) || bytes.Contains(file, []byte("hunter2")) {
		t.Fatalf("%q, %v", text, err)
	}
	if bytes.Equal(safe.Seal("a", []byte("b")), safe.Seal("a", []byte("b"))) {
		t.Error("what is sealed twice is the same")
	}
	for name, open := range map[string]func() ([]byte, error){
		"another root": func() ([]byte, error) { return other.Open("secret/idp", file) },
		"another name": func() ([]byte, error) { return safe.Open("secret/other", file) },
	} {
		if text, err := open(); !errors.Is(err, box.ErrOpen) || text != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	whole, _ := pem.Decode(safe.Seal("secret/idp", []byte("hunter2")))
	for i := range whole.Bytes {
		altered := bytes.Clone(whole.Bytes)
		altered[i] ^= 1
		if text, err := safe.Open("secret/idp", pem.EncodeToMemory(&pem.Block{Type: whole.Type, Bytes: altered})); err == nil {
			t.Fatalf("byte %d can be another: %q", i, text)
		}
	}
	if _, err := safe.Open("secret/idp", []byte(strings.ReplaceAll(string(file), "SEALED 1", "SEALED 2"))); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("another version: %v", err)
	}
	if _, err := safe.Open("secret/idp", []byte("hunter2")); !errors.Is(err, seal.ErrUnsealed) || seal.IsSealed([]byte("hunter2")) {
		t.Errorf("a bare file: %v", err)
	}
}
