package seal

import (
	"encoding/binary"
	"errors"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// Kinds of owners. The byte begins the name of the owner's cell.
const (
	patientKind = 'p'
	typeKind    = 'y' // records outside every patient's compartment
	useKind     = 'u' // SealFor without patients
)

// owner is whose key something is sealed under.
type owner struct {
	kind byte
	key  record.Key // of a patient
	name string     // of a type or a use
}

func patient(k record.Key) owner { return owner{kind: patientKind, key: k} }

// under names the tenant key that wraps the owner's key.
func (o owner) under() purpose {
	if o.kind == useKind {
		return purposeOf(o.name)
	}
	return forData
}

// purposeOf maps a caller's word for a use to the tenant key it falls under.
func purposeOf(use string) purpose {
	switch use {
	case "audit":
		return forAudit
	case "blob":
		return forBlob
	}
	return forData
}

// cellName is the name of the cell that keeps the owner's keys.
func (s *Sealer) cellName(o owner) []byte {
	if o.kind == patientKind {
		return append([]byte{patientKind}, o.key[:]...)
	}
	name := make([]byte, 0, 1+8+len(o.name))
	name = append(name, o.kind)
	name = append(name, tenantTag(s.tenant)...)
	return append(name, o.name...)
}

func (s *Sealer) ownerCell(o owner, value []byte) record.Cell {
	return record.Cell{Space: record.SpaceKey, Name: s.cellName(o), Value: value}
}

// ownerKey is one version of an owner's key.
type ownerKey struct {
	version uint32
	key     box.Key
}

const (
	subjectInfo = "subject"
	wrappedKey  = box.Overhead + box.KeySize // size of a wrapped key
)

var errOwnerCell = errors.New("a key cell is malformed")

// wrapOwnerKey returns one entry of an owner's cell.
func (s *Sealer) wrapOwnerKey(o owner, k *ownerKey) ([]byte, error) {
	t, err := s.tenantKeys.current(o.under())
	if err != nil {
		return nil, err
	}
	defer clear(t.key[:])
	entry := make([]byte, 0, 10+wrappedKey)
	entry = binary.AppendUvarint(entry, uint64(k.version))
	entry = binary.AppendUvarint(entry, uint64(t.version))
	return box.Seal(entry, &t.key, subjectInfo, s.ownerAAD(o, k.version, t.version), k.key[:]), nil
}

// unwrapOwnerCell returns every version of an owner's key, newest first. A
// version whose tenant key is gone is left out.
func (s *Sealer) unwrapOwnerCell(o owner, cell []byte) ([]ownerKey, error) {
	entries, err := parseOwnerCell(cell)
	if err != nil {
		return nil, err
	}
	var keys []ownerKey
	for _, e := range entries {
		k, err := s.openOwnerKey(o, e)
		if errors.Is(err, ErrNoKey) {
			continue
		} else if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, ErrNoKey
	}
	return keys, nil
}

func (s *Sealer) openOwnerKey(o owner, e ownerEntry) (ownerKey, error) {
	t, err := s.tenantKeys.at(o.under(), e.under)
	if err != nil {
		return ownerKey{}, err
	}
	defer clear(t.key[:])
	k := ownerKey{version: e.version}
	if _, err := box.Open(k.key[:0], &t.key, subjectInfo, s.ownerAAD(o, e.version, e.under), e.sealed); err != nil {
		return ownerKey{}, ErrForged
	}
	return k, nil
}

func (s *Sealer) ownerAAD(o owner, version, tenantVersion uint32) []byte {
	name := s.cellName(o)
	aad := appendSized(s.context(nil, useSubject), name)
	aad = binary.BigEndian.AppendUint32(aad, version)
	return binary.BigEndian.AppendUint32(aad, tenantVersion)
}
