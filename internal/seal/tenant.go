package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"crypto/rand"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// purpose is what a tenant key is for. The byte is part of the cell's name.
type purpose byte

const (
	forData  purpose = 'd'
	forIndex purpose = 'i'
	forBlob  purpose = 'b'
	forAudit purpose = 'a'
)

var purposes = [...]purpose{forData, forIndex, forBlob, forAudit}

func (p purpose) String() string {
	switch p {
	case forData:
		return "data"
	case forIndex:
		return "index"
	case forBlob:
		return "blob"
	case forAudit:
		return "audit"
	}
	return "unknown"
}

var errTenantKey = errors.New("a tenant key cell is missing or malformed")

// tenantKey is one version of a tenant key.
type tenantKey struct {
	version uint32
	key     box.Key
}

// tenantKeys are the unwrapped keys, newest version first. They are handed out
// by value under the lock, so that Close can never leave a caller with zeros
// for a key.
type tenantKeys struct {
	mu   sync.RWMutex
	keys map[purpose][]tenantKey
}

// current returns the key that new things are sealed under.
func (t *tenantKeys) current(p purpose) (tenantKey, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.keys[p]) == 0 {
		return tenantKey{}, ErrClosed
	}
	return t.keys[p][0], nil
}

// at returns the key of a version.
func (t *tenantKeys) at(p purpose, version uint32) (tenantKey, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.keys[p]) == 0 {
		return tenantKey{}, ErrClosed
	}
	for i := range t.keys[p] {
		if t.keys[p][i].version == version {
			return t.keys[p][i], nil
		}
	}
	return tenantKey{}, ErrNoKey
}

func (t *tenantKeys) wipe() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, versions := range t.keys {
		clear(versions)
	}
	t.keys = nil
}

// load reads and unwraps all versions of all four keys.
func (t *tenantKeys) load(ctx context.Context, c Config) error {
	names := make([][]byte, len(purposes))
	for i, p := range purposes {
		names[i] = tenantCellName(c.Tenant, p)
	}
	values, err := c.Cells.Cells(ctx, record.SpaceKey, names)
	if err != nil {
		return cellsFailed(err)
	}
	if len(values) != len(names) {
		return errTenantKey
	}
	keys := make(map[purpose][]tenantKey, len(purposes))
	for i, p := range purposes {
		if keys[p], err = unwrapTenantKeys(ctx, c, p, values[i]); err != nil {
			return fmt.Errorf("tenant key for %s: %w", p, err)
		}
	}
	t.mu.Lock()
	t.keys = keys
	t.mu.Unlock()
	return nil
}

func unwrapTenantKeys(ctx context.Context, c Config, p purpose, cell []byte) ([]tenantKey, error) {
	wrapped, err := parseTenantCell(cell)
	if err != nil {
		return nil, err
	}
	keys := make([]tenantKey, len(wrapped))
	for i, w := range wrapped {
		raw, err := c.Keyring.Unwrap(ctx, tenantContext(c.Tenant, p, w.version), w.wrapped)
		if err != nil {
			return nil, err
		}
		if len(raw) != box.KeySize {
			return nil, kms.ErrRefused
		}
		keys[i].version = w.version
		copy(keys[i].key[:], raw)
		clear(raw)
	}
	return keys, nil
}

// newTenantKey draws a key and returns the cell that keeps it as the only
// version.
func (c Config) newTenantKey(ctx context.Context, p purpose, version uint32) (record.Cell, error) {
	random := c.Rand
	if random == nil {
		random = rand.Reader
	}
	t := tenantKey{version: version}
	defer clear(t.key[:])
	if _, err := io.ReadFull(random, t.key[:]); err != nil {
		return record.Cell{}, err
	}
	w, err := wrapTenantKey(ctx, c.Keyring, c.Tenant, p, &t)
	if err != nil {
		return record.Cell{}, err
	}
	return tenantCell(c.Tenant, p, []wrappedTenantKey{w}), nil
}

func wrapTenantKey(ctx context.Context, keyring kms.Keyring, tenant string, p purpose, t *tenantKey) (wrappedTenantKey, error) {
	wrapped, err := keyring.Wrap(ctx, tenantContext(tenant, p, t.version), t.key[:])
	return wrappedTenantKey{version: t.version, keyring: []byte(keyring.ID()), wrapped: wrapped}, err
}

func tenantCell(tenant string, p purpose, entries []wrappedTenantKey) record.Cell {
	return record.Cell{Space: record.SpaceKey, Name: tenantCellName(tenant, p), Value: formatTenantCell(entries)}
}

// tenantContext is what the root's service binds the key to.
func tenantContext(tenant string, p purpose, version uint32) string {
	return tenant + "/" + p.String() + "/" + strconv.FormatUint(uint64(version), 10)
}

func tenantCellName(tenant string, p purpose) []byte {
	name := append([]byte{'t'}, tenantTag(tenant)...)
	return append(name, byte(p))
}

// wrappedTenantKey is one entry of a tenant key cell.
type wrappedTenantKey struct {
	version uint32
	keyring []byte // ID of the keyring, for people and for migration
	wrapped []byte
}

func formatTenantCell(entries []wrappedTenantKey) []byte {
	b := []byte{formatVersion}
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.version))
		b = appendSized(b, e.keyring)
		b = appendSized(b, e.wrapped)
	}
	return b
}

// parseTenantCell returns at least one entry; versions fall strictly.
func parseTenantCell(b []byte) ([]wrappedTenantKey, error) {
	if len(b) == 0 {
		return nil, errTenantKey
	}
	if b[0] != formatVersion {
		return nil, ErrFormat
	}
	r := reader{b: b[1:]}
	var entries []wrappedTenantKey
	for len(r.b) > 0 {
		e := wrappedTenantKey{version: r.version(), keyring: r.sized(), wrapped: r.sized()}
		if r.bad || len(entries) > 0 && e.version >= entries[len(entries)-1].version {
			return nil, errTenantKey
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, errTenantKey
	}
	return entries, nil
}
