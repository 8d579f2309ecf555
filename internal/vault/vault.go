// Package vault is the record door: the only package that seals and opens
// records. What goes in becomes sealed bodies, sealed cards, tokens and edges,
// committed together with their audit entries; what comes out has been
// authenticated and, where tokens could not decide alone, rechecked.
//
// It knows nothing of people: package chart asks policy before and after.
package vault

import (
	"crypto/rand"
	"io"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Config says what a vault stands on. All but Rand are required.
type Config struct {
	Store  store.Store
	Sealer *seal.Sealer
	Log    *audit.Log
	Clock  clock.Clock
	Rand   io.Reader // record keys; nil: crypto/rand
}

// Vault opens and seals the records of one tenant. It is safe for concurrent use.
type Vault struct {
	store  store.Store
	sealer *seal.Sealer
	log    *audit.Log
	clock  clock.Clock
	rand   io.Reader
	names  *nameCache

	counters  counters
	classes   func() map[record.Token]string // of the types of FHIR
	catalog   catalog
	labels    sync.Map // plans of labelled, by type and labels
	confining confinings
}

// New returns a vault. It reads and writes nothing yet.
func New(cfg Config) *Vault {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	v := &Vault{
		store: cfg.Store, sealer: cfg.Sealer, log: cfg.Log,
		clock: cfg.Clock, rand: cfg.Rand, names: newNameCache(),
	}
	v.classes = sync.OnceValue(v.fhirClasses)
	v.catalog.now.Store(search.Base())
	return v
}

// TypeID names a record as people do.
type TypeID = search.TypeID

// Ref asks for a version of a record: the current one if Version is 0.
type Ref struct {
	TypeID
	Version uint64
}

// Record is one opened, authenticated version. The zero Record (Version 0)
// stands for one that does not exist.
type Record struct {
	TypeID
	Key      record.Key
	Version  uint64
	Position record.Position
	Deleted  bool
	Current  bool
	Time     time.Time      // of the commit
	Body     []byte         // JSON; nil on tombstones
	Resource *fhir.Resource // only of a version just committed
	// Patients are the keys of the patients in whose compartment the version
	// is. They come from the sealed part and can be trusted.
	Patients []record.Key
	Posted   bool // the version was created by POST, if that is known
}

// Exists reports whether the record was found, as a version or a tombstone.
func (r Record) Exists() bool { return r.Version > 0 }
