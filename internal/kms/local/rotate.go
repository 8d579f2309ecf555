package local

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"

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
	return &Keyring{sign: k.sign, roots: k.all()[:1:1]}
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
// it. The bytes of the one before are written over, where the disk allows it.
func (k *Keyring) replace(op string, roots []root) error {
	if k.path == "" {
		return fmt.Errorf("%s: %w", op, errNoFile)
	}
	c := content{seed: k.sign.Seed()}
	for i := range roots {
		c.roots = append(c.roots, roots[i].key)
	}
	text := c.format()
	defer clear(text)
	defer clear(c.seed)
	was, err := os.OpenFile(k.path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	defer was.Close()
	if err := wholefile.Replace(k.path, text, 0o600); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	k.roots = roots
	_, err = was.Write(make([]byte, maxBytes))
	if err = errors.Join(err, was.Sync()); err != nil {
		return fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	return nil
}
