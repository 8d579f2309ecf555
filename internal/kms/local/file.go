package local

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Errors about the file. They hold no path: the caller knows it.
var (
	ErrPermissions = errors.New("the root key file is open to others than its owner; set its mode to 0600")
	ErrMalformed   = errors.New("the file is not a root key file")
)

// The file is text, so that whoever comes across it learns what it is.
const (
	warning  = "# Wardkeep root key, DEVELOPMENT ONLY. Whoever reads this file can read every record.\n# Lose it, and every record is lost.\n"
	magic    = "wardkeep-development-root-key-v1 "
	maxBytes = 1024
)

// Open reads the root key from a file that only its owner may read.
func Open(path string) (*Keyring, error) {
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("local.Open: %w", err)
	}
	defer clear(text)
	root, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("local.Open: %w", err)
	}
	return New(root), nil
}

// Create draws a root key and writes it to a new file. An existing file is
// never overwritten: errors.Is(err, fs.ErrExist).
func Create(path string) (*Keyring, error) {
	var root [32]byte
	rand.Read(root[:])
	text := format(root)
	defer clear(text)
	if err := wholefile.Create(path, text); err != nil {
		return nil, fmt.Errorf("local.Create: %w", err)
	}
	return New(root), nil
}

// OpenOrCreate opens the file, or creates it if it does not exist. Two
// processes that start at once end with the same key.
func OpenOrCreate(path string) (*Keyring, error) {
	k, err := Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k, err = Create(path)
	if errors.Is(err, fs.ErrExist) {
		return Open(path)
	}
	return k, err
}

func format(root [32]byte) []byte {
	return []byte(warning + magic + base64.StdEncoding.EncodeToString(root[:]) + "\n")
}

// parse takes the one line that is neither empty nor a remark.
func parse(text []byte) (root [32]byte, err error) {
	found := false
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		encoded, ok := bytes.CutPrefix(line, []byte(magic))
		if !ok || found || base64.StdEncoding.DecodedLen(len(encoded)) != 33 {
			return [32]byte{}, ErrMalformed
		}
		var raw [33]byte // base64 of 32 bytes carries one byte of padding
		n, err := base64.StdEncoding.Strict().Decode(raw[:], encoded)
		if err != nil || n != len(root) {
			return [32]byte{}, ErrMalformed
		}
		found = true
		copy(root[:], raw[:n])
	}
	if !found || root == [32]byte{} {
		return [32]byte{}, ErrMalformed
	}
	return root, nil
}

// read looks at the permissions of the file it has opened, so that nobody can
// change the file in between.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, wholefile.WithoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, wholefile.WithoutPath(err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxBytes {
		return nil, ErrMalformed
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ErrPermissions
	}
	return io.ReadAll(io.LimitReader(f, maxBytes))
}
