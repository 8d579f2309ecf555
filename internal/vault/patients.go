package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// PatientSet is a set of patients by their record keys. It never changes. The zero
// set is empty.
type PatientSet struct{ of *patients }

type patients struct {
	in   map[record.Key]struct{}
	keys []record.Key // ascending
	name [32]byte     // the same for the same keys
}

// Patients returns the set of the keys that are not zero.
func Patients(keys ...record.Key) PatientSet {
	in := make(map[record.Key]struct{}, len(keys))
	for _, key := range keys {
		if !key.IsZero() {
			in[key] = struct{}{}
		}
	}
	if len(in) == 0 {
		return PatientSet{}
	}
	set := &patients{in: in, keys: sortedKeys(in)}
	digest := sha256.New()
	for i := range set.keys {
		digest.Write(set.keys[i][:])
	}
	digest.Sum(set.name[:0])
	return PatientSet{set}
}

// Union returns the patients who are in any of the sets.
func Union(sets ...PatientSet) PatientSet {
	var some []record.Key
	for _, set := range sets {
		some = append(some, set.Keys()...)
	}
	return Patients(some...)
}

// Len returns how many patients are in the set.
func (s PatientSet) Len() int { return len(s.Keys()) }

// Keys returns the patients in ascending order. They MUST NOT be changed.
func (s PatientSet) Keys() []record.Key {
	if s.of == nil {
		return nil
	}
	return s.of.keys
}

// Equal reports whether two sets hold the same patients.
func (s PatientSet) Equal(o PatientSet) bool { return s.name() == o.name() }

// Has reports whether the set holds a patient.
func (s PatientSet) Has(key record.Key) bool {
	if s.of == nil {
		return false
	}
	_, ok := s.of.in[key]
	return ok
}

// HasAny reports whether any of the keys is in the set.
func (s PatientSet) HasAny(keys []record.Key) bool { return slices.ContainsFunc(keys, s.Has) }

// HasAll reports whether the set holds all of the keys, of which there is one.
func (s PatientSet) HasAll(keys []record.Key) bool {
	return len(keys) > 0 && !slices.ContainsFunc(keys, func(key record.Key) bool { return !s.Has(key) })
}

func (s PatientSet) name() [32]byte {
	if s.of == nil {
		return [32]byte{}
	}
	return s.of.name
}

// compartments finds what lies in the compartment of any of the patients. The same
// people are asked about again and again.
func (v *Vault) compartments(s PatientSet, rel record.Token) store.Expr {
	if s.Len() == 0 {
		return store.Or{}
	}
	name := s.name()
	return store.Often{Of: store.To{Rel: rel, Keys: s.Keys()}, Name: sha256.Sum256(binary.BigEndian.AppendUint64(name[:], uint64(rel)))}
}
