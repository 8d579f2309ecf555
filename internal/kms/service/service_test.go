package service_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/kms/service"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Roots in memory stand for services.
var one, another = local.New([32]byte{1}), local.New([32]byte{2})

func TestSigningKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.key")
	if _, err := service.Open(t.Context(), one, path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("there is none, and it opens:", err)
	}
	k, err := service.OpenOrCreate(t.Context(), one, path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := service.OpenOrCreate(t.Context(), one, path)
	if err != nil || !bytes.Equal(again.Public(), k.Public()) {
		t.Error("opened again another key signs", err)
	}
	if _, err := service.Open(t.Context(), another, path); !errors.Is(err, kms.ErrRefused) {
		t.Error("another root opens it:", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(good))
	short, err := one.Wrap(t.Context(), "wardkeep/signing/1", []byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(good[:len(good)/2]), "another version": strings.Replace(string(good), "-v1", "-v2", 1),
		"no base64": fields[0] + " x ****", "long": string(good) + strings.Repeat("\n", 20<<10), "a word more": string(good) + "x",
	} {
		put(t, path, text)
		if _, err := service.Open(t.Context(), one, path); !errors.Is(err, service.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, path, "wardkeep-signing-key-v1 x "+encode(short))
	if _, err := service.Open(t.Context(), one, path); !errors.Is(err, service.ErrMalformed) {
		t.Error("a seed of another length:", err)
	}
	put(t, path, string(good))
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Open(t.Context(), one, path); !errors.Is(err, wholefile.ErrOthers) {
		t.Error("open to others:", err)
	}
}

// TestMoveFromLocal: while it lasts both open, what signs is the same throughout, and
// at the end neither the file is there nor does its root open anything.
func TestMoveFromLocal(t *testing.T) {
	dir := t.TempDir()
	path, rootPath := filepath.Join(dir, "signing.key"), filepath.Join(dir, "root.key")
	from, err := local.Create(rootPath)
	if err != nil {
		t.Fatal(err)
	}
	old, err := from.Wrap(t.Context(), "x", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(rootPath) // as somebody has whose file it was
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	r := service.MoveFromLocal(one, from, path)
	if !bytes.Equal(r.Public(), from.Public()) || r.ID() != one.ID() || !r.Rotating() {
		t.Error("another key signs, or it is not on its way")
	}
	if err := r.Finish(); err == nil || !r.Rotating() {
		t.Fatal("the root before is destroyed, and what signs is nowhere else")
	}
	for range 2 {
		if err := r.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	if key, err := r.Unwrap(t.Context(), "x", old); err != nil || string(key) != "old" {
		t.Error("on the way the old one does not open:", err)
	}
	if _, err := r.Newest().Unwrap(t.Context(), "x", old); !errors.Is(err, kms.ErrRefused) {
		t.Error("the new root alone opens what the old one has wrapped:", err)
	}
	for range 2 {
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(rootPath); !errors.Is(err, fs.ErrNotExist) || r.Rotating() {
		t.Error("the file of the root is still there:", err)
	}
	text := make([]byte, 1024)
	if n, err := held.Read(text); err != nil || len(bytes.Trim(text[:n], "\x00")) > 0 {
		t.Error("its bytes were not written over:", err)
	}
	again, err := service.Open(t.Context(), one, path)
	if err != nil || !bytes.Equal(again.Public(), r.Public()) {
		t.Error("another key signs:", err)
	}
}

// TestMove: from one service to another, a signing key that only the one before
// opens is no end.
func TestMove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.key")
	k, err := service.OpenOrCreate(t.Context(), one, path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := service.Move(t.Context(), another, one, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(); !errors.Is(err, kms.ErrRefused) {
		t.Error("ended before it was begun:", err)
	}
	if err := errors.Join(r.Begin(), r.Finish()); err != nil {
		t.Fatal(err)
	}
	alone, err := service.Open(t.Context(), another, path)
	if err != nil || !bytes.Equal(alone.Public(), k.Public()) {
		t.Error(err)
	}
	if _, err := service.Open(t.Context(), one, path); !errors.Is(err, kms.ErrRefused) {
		t.Error("the one before opens it still:", err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func encode(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }
