package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// HandOver says that another key signs checkpoints from now on. It is a note that
// both keys have signed: who knows either finds the other.
type HandOver struct {
	Tenant   string
	Old, New ed25519.PublicKey
	At       Checkpoint // all that the old key has signed lies in this tree, up to here, or in trees before it
	Time     time.Time

	signed string
}

// HandOversName is the cell, in record.SpaceTree, of all hand-overs of a log.
const HandOversName = "handovers"

// HandOversBeside is what the name of the file with the hand-overs, kept beside a
// checkpoint outside the store, has behind that of the checkpoint.
const HandOversBeside = ".handovers"

const (
	handOverPrefix = "wardkeep.local/audit-key/"
	handOverLines  = 8 // with the empty one behind the last
)

// Problems with hand-overs, which callers tell apart.
var (
	ErrHandOver = errors.New("a hand-over from one key to the next is malformed, or is not signed by both")
	ErrBranch   = errors.New("a key was handed over twice")
	ErrRetired  = errors.New("the checkpoint is signed by a key that had been replaced by then")
)

// Name is under which both keys sign.
func (h HandOver) Name() string { return handOverPrefix + h.Tenant }

// Text returns the note text that is signed.
func (h HandOver) Text() string {
	return fmt.Sprintf("%s\n%s\n%s\n%s%s\n", h.Name(), base64.StdEncoding.EncodeToString(h.Old), base64.StdEncoding.EncodeToString(h.New),
		h.At.Text(), h.Time.UTC().Format(time.RFC3339Nano))
}

// String tells people of it.
func (h HandOver) String() string {
	return fmt.Sprintf("%s follows %s since %s, from size %s of %s on", KeyName(h.New), KeyName(h.Old), h.Time.UTC().Format(time.RFC3339), number(h.At.Size), h.At.Origin)
}

// KeyName is what people call a public key by.
func KeyName(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "ed25519/" + hex.EncodeToString(sum[:8])
}

// ParseHandOvers reads notes that follow each other, each behind an empty line. What
// is not signed by both of its keys is refused.
func ParseHandOvers(src []byte) ([]HandOver, error) {
	if len(src) == 0 {
		return nil, nil
	}
	parts := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n\n")
	if len(parts)%2 != 0 {
		return nil, ErrHandOver
	}
	var all []HandOver
	for ; len(parts) > 0; parts = parts[2:] {
		h, err := openHandOver(parts[0]+"\n", parts[1]+"\n")
		if err != nil {
			return nil, err
		}
		h.signed = parts[0] + "\n\n" + parts[1] + "\n"
		all = append(all, h)
	}
	return all, nil
}

func openHandOver(text, signatures string) (HandOver, error) {
	h, err := parseHandOver(text)
	if err != nil {
		return h, err
	}
	for _, key := range []ed25519.PublicKey{h.Old, h.New} {
		v, err := NewVerifier(h.Name(), key)
		if err != nil {
			return h, ErrHandOver
		}
		n, err := note.Open([]byte(text+"\n"+signatures), note.VerifierList(v))
		if err != nil || n.Text != text {
			return h, ErrHandOver
		}
	}
	return h, nil
}

func parseHandOver(text string) (h HandOver, err error) {
	lines := strings.Split(text, "\n")
	tenant, ok := strings.CutPrefix(lines[0], handOverPrefix)
	if len(lines) != handOverLines || !ok || tenant == "" {
		return h, ErrHandOver
	}
	h.Tenant = tenant
	old, err1 := base64.StdEncoding.Strict().DecodeString(lines[1])
	next, err2 := base64.StdEncoding.Strict().DecodeString(lines[2])
	at, err3 := parseCheckpoint(strings.Join(lines[3:6], "\n") + "\n")
	when, err4 := time.Parse(time.RFC3339Nano, lines[6])
	h.Old, h.New, h.At, h.Time = old, next, at, when
	switch {
	case errors.Join(err1, err2, err3, err4) != nil, len(old) != ed25519.PublicKeySize, len(next) != ed25519.PublicKeySize,
		bytes.Equal(old, next), !strings.HasPrefix(at.Origin, originPrefix+tenant+"/"), h.Text() != text:
		return h, ErrHandOver
	}
	return h, nil
}
