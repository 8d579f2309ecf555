package seal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

const (
	fileKeyContext = "wardkeep/store-files/1"
	fileKeyMagic   = "wardkeep-store-key-v1"
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
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() || info.Size() > fileKeyMax {
		return nil, errFileKey
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	fields := strings.Fields(string(text))
	if len(fields) != 3 || fields[0] != fileKeyMagic {
		return nil, errFileKey
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
	wrapped, err := keyring.Wrap(ctx, fileKeyContext, key[:])
	if err != nil {
		return err
	}
	id := strings.Join(strings.Fields(keyring.ID()), "_")
	return withoutPath(writeOnce(path, fmt.Sprintf("%s %s %s\n", fileKeyMagic, id, base64.StdEncoding.EncodeToString(wrapped))))
}

// writeOnce makes the file appear whole and durable, or not at all; it never
// replaces one.
func writeOnce(path, text string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".store.key.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// withoutPath strips the file name that os puts into its errors.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
