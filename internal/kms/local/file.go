package local

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"

	"github.com/wardkeep/wardkeep/internal/seal/box"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Errors about the file. They hold no path: the caller knows it.
var (
	ErrMalformed = errors.New("the file is not a root key file")
	ErrVersion   = fmt.Errorf("%w of a form that this release knows", ErrMalformed)
)

// The file is text, so that whoever comes across it learns what it is. The root
// key comes first; while it is being replaced, the old one follows. Once it was
// replaced, the key that signs checkpoints stands beside it, and while that is being
// replaced the one that is to sign next.
const (
	warning  = "# Wardkeep root key, DEVELOPMENT ONLY. Whoever reads this file can read every record.\n# Lose it, and every record is lost.\n"
	magic    = "wardkeep-development-root-key-v1"
	magicOld = "wardkeep-development-old-root-key-v1"
	magicSig = "wardkeep-development-signing-key-v1"
	magicNew = "wardkeep-development-next-signing-key-v1"
	maxBytes = 1024
)

// content is what the file holds.
type content struct {
	roots []box.Key // newest first
	seed  []byte    // of the signing key; nil: it is derived from the oldest root
	next  []byte    // of the one that is to sign next; nil: there is none
}

// Open reads the root key from a file that only its owner may read.
func Open(path string) (*Keyring, error) {
	text, err := wholefile.ReadSecret(path, maxBytes)
	if errors.Is(err, wholefile.ErrKind) {
		err = ErrMalformed
	}
	if err != nil {
		return nil, fmt.Errorf("local.Open: the root key: %w", err)
	}
	defer clear(text)
	c, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("local.Open: %w", err)
	}
	k := newKeyring(c)
	k.path = path
	return k, nil
}

// Create draws a root key and writes it to a new file. An existing file is
// never overwritten: errors.Is(err, fs.ErrExist).
func Create(path string) (*Keyring, error) {
	var key box.Key
	rand.Read(key[:])
	text := content{roots: []box.Key{key}}.format()
	defer clear(text)
	if err := wholefile.Create(path, text); err != nil {
		return nil, fmt.Errorf("local.Create: %w", err)
	}
	k := New(key)
	k.path = path
	return k, nil
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

func (c content) format() []byte {
	lines := []byte(warning)
	add := func(magic string, key []byte) {
		lines = fmt.Appendf(lines, "%s %s\n", magic, base64.StdEncoding.EncodeToString(key))
	}
	for i, key := range c.roots {
		add([]string{magic, magicOld}[i], key[:])
	}
	if c.seed != nil {
		add(magicSig, c.seed)
	}
	if c.next != nil {
		add(magicNew, c.next)
	}
	return lines
}

// parse takes the lines that are neither empty nor a remark, each kind at most once.
func parse(text []byte) (content, error) {
	found := map[string]box.Key{}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, encoded, _ := bytes.Cut(line, []byte(" "))
		if _, twice := found[string(name)]; twice || base64.StdEncoding.DecodedLen(len(encoded)) != 33 {
			return content{}, ErrMalformed
		}
		var raw [33]byte // base64 of 32 bytes carries one byte of padding
		n, err := base64.StdEncoding.Strict().Decode(raw[:], encoded)
		if err != nil || n != box.KeySize || [33]byte{} == raw {
			return content{}, ErrMalformed
		}
		switch string(name) {
		case magic, magicOld, magicSig, magicNew:
		default:
			return content{}, ErrVersion
		}
		found[string(name)] = box.Key(raw[:n])
	}
	key, ok := found[magic]
	if !ok {
		return content{}, ErrMalformed
	}
	c := content{roots: []box.Key{key}}
	if old, ok := found[magicOld]; ok {
		c.roots = append(c.roots, old)
	}
	if seed, ok := found[magicSig]; ok {
		c.seed = seed[:]
	}
	if next, ok := found[magicNew]; ok {
		c.next = next[:]
	}
	if (len(c.roots) > 1 || c.next != nil) && c.seed == nil {
		return content{}, ErrMalformed
	}
	return c, nil
}
