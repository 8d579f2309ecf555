package seal

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/record"
)

// AddSubjectVersion returns the patient's cell with a new key before the old
// ones, as a rotation will write it.
func (s *Sealer) AddSubjectVersion(key record.Key, old []byte, version uint32) (record.Cell, error) {
	k := ownerKey{version: version}
	k.key[0] = byte(version)
	entry, err := s.wrapOwnerKey(patient(key), &k)
	if err != nil {
		return record.Cell{}, err
	}
	value := append([]byte{formatVersion}, entry...)
	return s.ownerCell(patient(key), append(value, old[1:]...)), nil
}

// AddTenantVersion returns the cell of a tenant key with a new version before
// the old ones. p is d, i, b or a.
func AddTenantVersion(ctx context.Context, c Config, p byte, old []byte, version uint32) (record.Cell, error) {
	cell, err := c.newTenantKey(ctx, purpose(p), version)
	if err != nil {
		return record.Cell{}, err
	}
	cell.Value = append(cell.Value, old[1:]...)
	return cell, nil
}

// SubjectCell and TenantCell name cells.
func (s *Sealer) SubjectCell(key record.Key) record.Cell { return s.ownerCell(patient(key), nil) }

func TenantCell(tenant string, p byte) record.Cell {
	return record.Cell{Space: record.SpaceKey, Name: tenantCellName(tenant, purpose(p))}
}

// Pack, Unpack and Padded reach the codec.
func (s *Sealer) Pack(body []byte) (text []byte, err error) {
	err = s.codec.pack(body, func(t []byte) { text = append(text, t...) })
	return text, err
}

func (s *Sealer) Unpack(text []byte) ([]byte, error) { return s.codec.unpack(text) }

func Padded(n int) int { return padded(n) }

// PendingCount is how many keys wait to be seen in the store.
func (s *Sealer) PendingCount() int {
	s.pending.mu.Lock()
	defer s.pending.mu.Unlock()
	return len(s.pending.keys)
}

// CachedCount is how many owners' keys are unwrapped.
func (s *Sealer) CachedCount() int {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return len(s.cache.entries)
}

// CachedContents is how many contents are at hand, of how many owners.
func (s *Sealer) CachedContents() (contents, owners int) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return s.cache.contents, s.cache.filled.Len()
}

// KeepContents bounds the contents at hand.
func (s *Sealer) KeepContents(most int) { s.cache.most = most }

// SealInRun seals a value under a tenant key of a version made up, and Runs is how
// many runs are under way.
func (s *Sealer) SealInRun(version uint32) []byte {
	return s.runs.seal(nil, forData, &tenantKey{version: version, key: [32]byte{byte(version)}}, nil, nil)
}

func (s *Sealer) Runs() int {
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	return len(s.runs.list)
}
