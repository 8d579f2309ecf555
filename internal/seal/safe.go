package seal

import (
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

const (
	safeUse    = "wardkeep/sealed-file/1"
	safeFamily = "WARDKEEP SEALED"
	safeBlock  = safeFamily + " 1"
)

// Safe seals small files of a data folder, such as keys of TLS and secrets of settings,
// under the key of the store's files, and so under the root.
type Safe struct{ key box.Key }

// NewSafe returns the safe of a folder; it keeps a copy of the key.
func NewSafe(fileKey *[32]byte) *Safe { return &Safe{box.Key(fileKey[:])} }

// Seal returns the text of a file. about says what it is, and must be given again to open
// it.
func (s *Safe) Seal(about string, text []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: safeBlock, Bytes: box.Seal(nil, &s.key, safeUse, []byte(about), text)})
}

// AboutSecret says that a file is the secret of a setting, by its name.
func AboutSecret(name string) string { return "secret/" + name }

// ErrUnsealed says that a file is none that was sealed.
var ErrUnsealed = errors.New("the file is not sealed")

// Open returns what a file holds, whatever stands before it, or ErrUnsealed.
func (s *Safe) Open(about string, file []byte) ([]byte, error) {
	const op = "seal.Safe.Open"
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == safeBlock:
			text, err := box.Open(nil, &s.key, safeUse, []byte(about), block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", op, err)
			}
			return text, nil
		case strings.HasPrefix(block.Type, safeFamily):
			return nil, fmt.Errorf("%s: %w", op, ErrFormat)
		}
	}
	return nil, ErrUnsealed
}

// IsSealed reports whether a file was sealed, by whatever safe.
func IsSealed(file []byte) bool {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasPrefix(block.Type, safeFamily) {
			return true
		}
	}
	return false
}
