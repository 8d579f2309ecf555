package seal

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

var errManyVersions = errors.New("a key has had all the versions there are")

// OwnerCell is what the cell of an owner's keys says of itself.
type OwnerCell struct {
	Purpose string   // of the tenant key that wraps them
	Under   []uint32 // versions of that key, one for each version of the owner's
}

// LookAtOwner reads a cell of the space of keys, without opening it. It is not ok
// for what is no cell of an owner of this tenant.
func (s *Sealer) LookAtOwner(name, cell []byte) (OwnerCell, bool) {
	o, ok := s.ownerOf(name)
	if !ok {
		return OwnerCell{}, false
	}
	entries, err := parseOwnerCell(cell)
	if err != nil {
		return OwnerCell{}, false
	}
	out := OwnerCell{Purpose: o.under().String(), Under: make([]uint32, len(entries))}
	for i, e := range entries {
		out.Under[i] = e.under
	}
	return out, true
}

// RewrapOwner returns the cell with a fresh key in front, under which everything
// is sealed from then on, and the older ones wrapped under the newest tenant key.
// It is guarded by the cell as it was, and not needed if all are wrapped so. What
// cannot be opened stays as it is. Once the commit is durable, ForgetOwner.
func (s *Sealer) RewrapOwner(name, cell []byte) (_ record.Cell, _ record.Guard, needed bool, _ error) {
	const op = "seal.RewrapOwner"
	o, ok := s.ownerOf(name)
	if !ok {
		return record.Cell{}, record.Guard{}, false, nil
	}
	entries, err := parseOwnerCell(cell)
	if err != nil {
		return record.Cell{}, record.Guard{}, false, failed(op, err)
	}
	now, err := s.tenantKeys.current(o.under())
	if err != nil {
		return record.Cell{}, record.Guard{}, false, failed(op, err)
	}
	clear(now.key[:])
	out, newest := []byte{formatVersion}, uint32(0)
	for _, e := range entries {
		newest = max(newest, e.version)
		if e.under != now.version {
			needed = true
		}
	}
	if !needed {
		return record.Cell{}, record.Guard{}, false, nil
	}
	if newest == math.MaxUint32 {
		return record.Cell{}, record.Guard{}, false, failed(op, errManyVersions)
	}
	fresh := ownerKey{version: newest + 1}
	defer clear(fresh.key[:])
	if _, err := io.ReadFull(s.random, fresh.key[:]); err != nil {
		return record.Cell{}, record.Guard{}, false, failed(op, err)
	}
	entry, err := s.wrapOwnerKey(o, &fresh)
	if err != nil {
		return record.Cell{}, record.Guard{}, false, failed(op, err)
	}
	out = append(out, entry...)
	needed = false
	for _, e := range entries {
		k, err := s.openOwnerKey(o, e)
		switch {
		case errors.Is(err, ErrNoKey): // nothing opens it any more
			out = append(out, e.bytes...)
			continue
		case err != nil:
			return record.Cell{}, record.Guard{}, false, failed(op, err)
		}
		entry, err := s.wrapOwnerKey(o, &k)
		clear(k.key[:])
		if err != nil {
			return record.Cell{}, record.Guard{}, false, failed(op, err)
		}
		out, needed = append(out, entry...), needed || e.under != now.version
	}
	was := record.Cell{Space: record.SpaceKey, Name: bytes.Clone(name), Value: bytes.Clone(cell)}
	return s.ownerCell(o, out), record.Guard{Cell: &was}, needed, nil
}

// ForgetOwner drops the owner's keys from memory, so that its newest is read.
func (s *Sealer) ForgetOwner(name []byte) {
	if o, ok := s.ownerOf(name); ok {
		s.cache.drop(o)
	}
}

// ValueUnder is the version of the tenant key that something says it was sealed
// under by SealValue; not ok for what was not.
func ValueUnder(sealed []byte) (version uint32, ok bool) {
	r := reader{b: sealed}
	r.format()
	version = r.version()
	return version, !r.bad && len(r.b) >= box.Overhead
}

// ownerOf is whose keys the cell of that name holds, if it is one of this tenant's.
func (s *Sealer) ownerOf(name []byte) (owner, bool) {
	if len(name) == 1+len(record.Key{}) && name[0] == patientKind {
		return patient(record.Key(name[1:])), true
	}
	tag := tenantTag(s.tenant)
	if len(name) <= 1+len(tag) || name[0] != typeKind && name[0] != useKind || !bytes.Equal(name[1:1+len(tag)], tag) {
		return owner{}, false
	}
	return owner{kind: name[0], name: string(name[1+len(tag):])}, true
}

// ownerEntry is one version in an owner's cell.
type ownerEntry struct {
	version, under uint32
	sealed         []byte
	bytes          []byte // all of it
}

func parseOwnerCell(cell []byte) ([]ownerEntry, error) {
	if len(cell) == 0 {
		return nil, errOwnerCell
	}
	if cell[0] != formatVersion {
		return nil, ErrFormat
	}
	var entries []ownerEntry
	for r := (reader{b: cell[1:]}); len(r.b) > 0; {
		at := r.b
		e := ownerEntry{version: r.version(), under: r.version(), sealed: r.take(wrappedKey)}
		if r.bad {
			return nil, errOwnerCell
		}
		e.bytes = slices.Clip(at[:len(at)-len(r.b)])
		entries = append(entries, e)
	}
	return entries, nil
}
