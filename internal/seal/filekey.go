package seal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/seal/box"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

const (
	fileKeyContext = "wardkeep/store-files/1"
	fileKeyFamily  = "wardkeep-store-key-v"
	fileKeyMagic   = fileKeyFamily + "1"
	fileKeyMax     = 8 << 10
)

var errFileKey = errors.New("the store key file is malformed")

// LoadOrCreateFileKey returns the key that the files of an embedded store are
// encrypted with. It lies beside the store, wrapped by the root, because it is
// needed before the store can be read. The caller overwrites it after use.
func LoadOrCreateFileKey(ctx context.Context, keyring kms.Keyring, path string) (*[32]byte, error) {
	const op = "seal.LoadOrCreateFileKey"
	if err := box.SelfTest(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	key, err := loadFileKey(ctx, keyring, path)
	if errors.Is(err, fs.ErrNotExist) {
		err = createFileKey(ctx, keyring, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			key, err = loadFileKey(ctx, keyring, path)
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	return key, nil
}

func loadFileKey(ctx context.Context, keyring kms.Keyring, path string) (*[32]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, wholefile.WithoutPath(err)
	}
	if !info.Mode().IsRegular() || info.Size() > fileKeyMax {
		return nil, errFileKey
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, wholefile.WithoutPath(err)
	}
	fields := strings.Fields(string(text))
	if len(fields) != 3 || !strings.HasPrefix(fields[0], fileKeyFamily) {
		return nil, errFileKey
	}
	if fields[0] != fileKeyMagic {
		return nil, ErrFormat
	}
	wrapped, err := base64.StdEncoding.Strict().DecodeString(fields[2])
	if err != nil {
		return nil, errFileKey
	}
	raw, err := keyring.Unwrap(ctx, fileKeyContext, wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	if len(raw) != box.KeySize {
		return nil, errFileKey
	}
	key := box.Key(raw)
	return &key, nil
}

func createFileKey(ctx context.Context, keyring kms.Keyring, path string) error {
	var key box.Key
	rand.Read(key[:])
	defer clear(key[:])
	text, err := formatFileKey(ctx, keyring, &key)
	if err != nil {
		return err
	}
	return wholefile.Create(path, text)
}

// RewrapFileKey wraps the key of the store's files by the keyring's root of today.
func RewrapFileKey(ctx context.Context, keyring kms.Keyring, path string) error {
	const op = "seal.RewrapFileKey"
	key, err := loadFileKey(ctx, keyring, path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	defer clear(key[:])
	text, err := formatFileKey(ctx, keyring, key)
	if err == nil {
		err = wholefile.Replace(path, text, 0o600)
	}
	return fault.Wrap(fault.Unavailable, op, err)
}

// CheckFileKey reports whether a keyring opens the key of the store's files.
func CheckFileKey(ctx context.Context, keyring kms.Keyring, path string) error {
	key, err := loadFileKey(ctx, keyring, path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "seal.CheckFileKey", err)
	}
	clear(key[:])
	return nil
}

func formatFileKey(ctx context.Context, keyring kms.Keyring, key *[32]byte) ([]byte, error) {
	wrapped, err := keyring.Wrap(ctx, fileKeyContext, key[:])
	if err != nil {
		return nil, err
	}
	id := strings.Join(strings.Fields(keyring.ID()), "_")
	return fmt.Appendf(nil, "%s %s %s\n", fileKeyMagic, id, base64.StdEncoding.EncodeToString(wrapped)), nil
}
