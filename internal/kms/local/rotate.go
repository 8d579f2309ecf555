package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/seal/box"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

var errNoFile = errors.New("the root key did not come from a file")

// Rotating reports whether an old root is kept beside the new one.
func (k *Keyring) Rotating() bool { return len(k.all()) > 1 }

// Begin puts a fresh root before the one there is: what is wrapped from then on
// is wrapped by it, and both unwrap. The key that signs stays. Begun before, it
// does nothing.
func (k *Keyring) Begin() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.roots) > 1 {
		return nil
	}
	var key box.Key
	defer clear(key[:])
	rand.Read(key[:])
	return k.replace("local.Begin", []root{newRoot(key), k.roots[0]})
}

// Newest is a keyring of the new root alone.
func (k *Keyring) Newest() kms.Keyring {
	return &Keyring{Signer: k.Signer, roots: k.all()[:1:1]}
}

// Finish destroys the old root. The caller MUST have seen that Newest opens
// everything.
func (k *Keyring) Finish() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.roots) < 2 {
		return nil
	}
	return k.replace("local.Finish", k.roots[:1:1])
}

// replace puts another file in the place of the one there is, and holds what is in
// it.
func (k *Keyring) replace(op string, roots []root) error {
	now, next := k.Seeds()
	defer clear(now)
	defer clear(next)
	if err := k.write(op, roots, now, next); err != nil {
		return err
	}
	k.roots = roots
	return nil
}

// write replaces the file. The bytes of the one before are written over, where the
// disk allows it.
func (k *Keyring) write(op string, roots []root, seed, next []byte) error {
	if k.path == "" {
		return fmt.Errorf("%s: %w", op, errNoFile)
	}
	c := content{seed: seed, next: next}
	for i := range roots {
		c.roots = append(c.roots, roots[i].key)
	}
	text := c.format()
	defer clear(text)
	if err := wholefile.Exchange(k.path, text, 0o600, maxBytes); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// BeginSigning draws the key that is to sign next, unless there is one.
func (k *Keyring) BeginSigning() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Draw(func(now, next []byte) error { return k.write("local.BeginSigning", k.roots, now, next) })
}

// FinishSigning destroys the key that signed before.
func (k *Keyring) FinishSigning() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Advance(func(now, next []byte) error { return k.write("local.FinishSigning", k.roots, now, next) })
}

// Fate says what becomes of the root before.
func (k *Keyring) Fate() string { return "the root before is destroyed" }

// Destroy writes the file over and removes it. The caller MUST have seen that
// nothing needs it.
func (k *Keyring) Destroy() error {
	const op = "local.Destroy"
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path == "" {
		return fmt.Errorf("%s: %w", op, errNoFile)
	}
	f, err := os.OpenFile(k.path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	defer f.Close()
	err = os.Remove(k.path)
	if err == nil {
		err = wholefile.SyncDir(filepath.Dir(k.path))
	}
	if err == nil {
		err = wholefile.Overwrite(f, maxBytes)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	return nil
}
