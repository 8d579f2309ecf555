package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Cost is what one password check costs (RFC 9106).
type Cost struct {
	Passes  uint32
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultCost is OWASP's second recommendation for Argon2id.
var defaultCost = Cost{Passes: 2, Memory: 19 * 1024, Threads: 1}

const (
	saltSize = 16
	hashSize = 32
	// maxCost bounds what a stored string can make us spend.
	maxPasses, maxMemory, maxThreads = 16, 256 * 1024, 8
)

// Derive is a password-based key derivation; tests count its calls.
type Derive func(password, salt []byte, c Cost, size uint32) []byte

func argon2id(password, salt []byte, c Cost, size uint32) []byte {
	return argon2.IDKey(password, salt, c.Passes, c.Memory, c.Threads, size)
}

// hasher checks passwords, a few at a time: each check takes 19 MB.
type hasher struct {
	cost    Cost
	derive  Derive
	rand    io.Reader
	slots   *semaphore.Weighted
	waiting atomic.Int64
	queue   int64
}

var errHash = errors.New("a stored password hash is not well formed")

// run derives within the limit. A long queue is refused rather than joined.
func (h *hasher) run(ctx context.Context, password, salt []byte, c Cost, size uint32) ([]byte, error) {
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return nil, fault.New(fault.Throttled, "identity.hasher", "")
	}
	err := h.slots.Acquire(ctx, 1)
	h.waiting.Add(-1)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "identity.hasher", err)
	}
	defer h.slots.Release(1)
	return h.derive(password, salt, c, size), nil
}

// prepare brings a password to the form that is hashed (SP 800-63B §3.1.1.2).
func prepare(password string) []byte { return norm.NFKC.Bytes([]byte(password)) }

// hash returns the PHC string of a new password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", fmt.Errorf("identity.hash: %w", err)
	}
	sum, err := h.run(ctx, prepare(password), salt, h.cost, hashSize)
	if err != nil {
		return "", err
	}
	return encodeHash(h.cost, salt, sum), nil
}

// verify compares, with the same work whatever the outcome: with no stored
// hash it derives all the same, and says no.
func (h *hasher) verify(ctx context.Context, stored, password string) (bool, error) {
	c, salt, want, err := decodeHash(stored)
	if err != nil {
		c, salt, want = h.cost, make([]byte, saltSize), make([]byte, hashSize)
	}
	if len(password) > maxPassword {
		password, err = "", errHash
	}
	got, busy := h.run(ctx, prepare(password), salt, c, uint32(len(want)))
	if busy != nil {
		return false, busy
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && err == nil, nil
}

// outdated reports whether a hash was made at another cost than today's.
func (h *hasher) outdated(stored string) bool {
	c, _, _, err := decodeHash(stored)
	return err != nil || c != h.cost
}

func encodeHash(c Cost, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func decodeHash(stored string) (c Cost, salt, sum []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); err != nil {
		return c, nil, nil, errHash
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, err1 := b64.DecodeString(parts[4])
	sum, err2 := b64.DecodeString(parts[5])
	switch {
	case err1 != nil, err2 != nil, len(salt) < 8, len(salt) > 64, len(sum) < 16, len(sum) > 64,
		c.Passes < 1, c.Passes > maxPasses, c.Memory < 8, c.Memory > maxMemory, c.Threads < 1, c.Threads > maxThreads,
		encodeHash(c, salt, sum) != stored:
		return c, nil, nil, errHash
	}
	return c, salt, sum, nil
}
