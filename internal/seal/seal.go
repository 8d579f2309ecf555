// Package seal turns records into bytes that an untrusted store may keep, and
// back. It holds every key between the root, which never leaves its service,
// and the single-use keys inside a box, and exports none of them.
//
//	root (kms.Keyring)
//	└─ tenant keys: data, index, blob, audit   cells, wrapped by the root
//	   └─ patients' keys, and types' keys       cells, boxes under a tenant key
//	      └─ a content key for each version     boxes at the head of its card
//	         ├─ card
//	         └─ body
//
// Removing a patient's cell makes every version sealed for that patient alone
// unopenable, on this process at once (Forget) and on others when their cache
// expires. The stored bytes are described in docs/formats/seal.md and keys.md.
//
// The package never logs, and its errors hold no value.
package seal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// Errors that callers tell apart; they come wrapped in a fault.
var (
	// ErrForged: the bytes are not what this tenant sealed at this place.
	ErrForged = errors.New("sealed bytes do not authenticate")
	// ErrFormat: they begin with the number of a format that is not known here.
	ErrFormat = fmt.Errorf("sealed bytes are of a format that this release does not know: %w", ErrForged)
	// ErrNoKey: no key that could open the bytes exists any more.
	ErrNoKey = errors.New("the key has been removed")
	// ErrClosed: the sealer was closed.
	ErrClosed = errors.New("the sealer is closed")
)

// Cells is what a sealer reads of the store.
type Cells interface {
	Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error)
}

// Config is what a sealer is made of.
type Config struct {
	Tenant  string      // 1–64 printable bytes without a slash; bound into everything sealed
	Keyring kms.Keyring // holds the root
	Cells   Cells

	// TokenBits narrows tokens to their low bits, so that tests meet
	// collisions. 0 means 64.
	TokenBits int

	// Rand is the source of keys, crypto/rand.Reader if nil. Salts and nonces
	// always come from the cryptographic module.
	Rand io.Reader

	Clock clock.Clock // the system's if nil

	// CacheKeys patients' and types' keys are kept unwrapped, each for
	// CacheAge after it was read. 0 means 65,536 keys and 5 minutes.
	CacheKeys int
	CacheAge  time.Duration
}

// Sealer seals and opens for one tenant. It is safe for concurrent use.
type Sealer struct {
	tenant  string
	prefix  []byte // of all additional data: format and tenant
	keyring kms.Keyring
	cells   Cells
	clock   clock.Clock
	random  io.Reader
	codec   *codec

	scratches sync.Pool // *scratch

	tenantKeys tenantKeys
	runs       runs
	cache      *keyCache
	pending    pendingKeys

	tokenMask uint64
	fields    atomic.Pointer[map[string]*macKey]
	fieldsMu  sync.Mutex
	names     *macKey
	shorts    *macKey
	classes   *macKey
	rels      *macKey
}

// Init returns the batch of the first start: fresh tenant keys, wrapped by the
// root, guarded by their absence. Committing it twice fails with a guard.
func Init(ctx context.Context, c Config) (record.Batch, error) {
	const op = "seal.Init"
	if err := c.check(); err != nil {
		return record.Batch{}, fault.Wrap(fault.Internal, op, err)
	}
	if err := box.SelfTest(); err != nil {
		return record.Batch{}, fault.Wrap(fault.Unavailable, op, err)
	}
	var b record.Batch
	for _, p := range purposes {
		cell, err := c.newTenantKey(ctx, p, 1)
		if err != nil {
			return record.Batch{}, fault.Wrap(fault.Unavailable, op, err)
		}
		b.Cells = append(b.Cells, cell)
		b.Guards = append(b.Guards, absent(cell))
	}
	return b, nil
}

// Open unwraps the tenant's keys and returns a sealer. It fails, and nothing
// may be served, if the ciphers do not pass their known-answer tests or any key
// cannot be had.
func Open(ctx context.Context, c Config) (*Sealer, error) {
	const op = "seal.Open"
	if err := c.check(); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := box.SelfTest(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	s := &Sealer{
		tenant:  c.Tenant,
		prefix:  contextPrefix(c.Tenant),
		keyring: c.Keyring,
		cells:   c.Cells,
		clock:   c.Clock,
		random:  c.Rand,
		cache:   newKeyCache(c.CacheKeys, c.CacheAge),
	}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	var err error
	if s.codec, err = newCodec(); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	if err := s.tenantKeys.load(ctx, c); err != nil {
		s.Close()
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	if err := s.initTokens(c.TokenBits); err != nil {
		s.Close()
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	return s, nil
}

// Close overwrites the keys this package holds. Go may have copied them while
// growing stacks or collecting garbage, and the key schedules inside the
// standard library's ciphers cannot be reached: a core dump may still show
// keys. Every method fails after Close.
func (s *Sealer) Close() {
	s.tenantKeys.wipe()
	s.runs.wipe()
	s.cache.wipe()
	s.pending.wipe()
	s.fieldsMu.Lock()
	s.fields.Store(nil)
	s.fieldsMu.Unlock()
	if s.codec != nil {
		s.codec.close()
	}
}

func (c Config) check() error {
	switch {
	case c.Keyring == nil || c.Cells == nil:
		return errors.New("a keyring and cells are needed")
	case len(c.Tenant) == 0 || len(c.Tenant) > 64 || strings.ContainsFunc(c.Tenant, badTenantRune):
		return errors.New("a tenant is 1 to 64 printable bytes without a slash")
	case c.TokenBits < 0 || c.TokenBits > 64:
		return errors.New("tokens have 1 to 64 bits")
	case c.CacheKeys < 0 || c.CacheAge < 0:
		return errors.New("the key cache has a negative limit")
	}
	return nil
}

func badTenantRune(r rune) bool { return r == '/' || r <= ' ' || r >= 0x7f }

// absent is the guard that nobody else has written the cell.
func absent(c record.Cell) record.Guard {
	return record.Guard{Cell: &record.Cell{Space: c.Space, Name: c.Name}}
}

// failed wraps a cause in the kind of fault it stands for.
func failed(op string, err error) error {
	kind := fault.Internal
	switch {
	case errors.Is(err, ErrNoKey):
		kind = fault.Gone
	case errors.Is(err, ErrTooLarge):
		kind = fault.TooLarge
	case errors.Is(err, ErrClosed), errors.Is(err, errCells):
		kind = fault.Unavailable
	}
	return fault.Wrap(kind, op, err)
}

// errCells marks a failure of the store below.
var errCells = errors.New("keys cannot be read")

func cellsFailed(err error) error { return fmt.Errorf("%w: %w", errCells, err) }
