// Package terminology answers questions about codes: which code systems have
// them, which value sets hold them, how they relate and translate (FHIR R4 4.6
// to 4.10). It works on whatever CodeSystems, ValueSets and ConceptMaps a Source
// has. What it takes to answer and is not loaded is always told by name, and
// never counts as a no. It does no I/O of its own.
package terminology

import (
	"context"
	"strings"
	"sync"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Source finds definitions by their canonical address.
type Source interface {
	// Canonical returns the CodeSystem, ValueSet or ConceptMap with the address,
	// of the latest version if version is "", nil if it has none.
	Canonical(ctx context.Context, typ, url, version string) (*fhir.Resource, error)
}

// Coding is a code of a system.
type Coding struct{ System, Version, Code, Display string }

// Verdict is the answer to whether a code belongs somewhere.
type Verdict uint8

const (
	Unknown Verdict = iota // what it takes to tell is not loaded
	Valid
	Invalid
)

// Bounds on one answer and on what is kept.
const (
	maxCodes  = 1_000_000 // of a compiled value set
	maxAnswer = 10_000    // of an expansion that asks for no count
	maxKept   = 4096      // compiled definitions
	maxWeight = 4_000_000 // codes of all that is kept
	maxImport = 32        // value sets within value sets
	maxParts  = 4096      // includes and excludes of a value set
	maxWork   = 20_000_000
)

// Config says what a Service stands on.
type Config struct {
	Source Source
	Clock  clock.Clock
}

// Service answers questions. It compiles definitions when they are first needed
// and keeps them, so Forget MUST be called when one changes, appears or goes. It
// is safe for concurrent use.
type Service struct {
	cfg  Config
	pins Versions // of one request

	mu   sync.RWMutex
	turn uint64 // of Forget and Reset: what was compiled before is not kept after
	kept map[canonical]kept
	sum  int // of the weights of what is kept
}

type canonical struct{ typ, url, version string }

// kept is a compiled definition, or what is wrong with it.
type kept struct {
	made any
	err  error
}

// New returns a Service.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, kept: map[canonical]kept{}}
}

// Forget makes the Service read anew all definitions with the canonical address
// url, of every version, and what may be built on them.
func (s *Service) Forget(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	for key, k := range s.kept {
		if key.typ != "CodeSystem" || key.url == url {
			s.sum -= weight(k.made)
			delete(s.kept, key)
		}
	}
}

// Reset makes the Service read everything anew.
func (s *Service) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	s.clear()
}

func (s *Service) clear() {
	clear(s.kept)
	s.sum = 0
}

// weight counts the codes of a compiled definition.
func weight(made any) int {
	switch made := made.(type) {
	case *system:
		if made != nil {
			return len(made.concepts)
		}
	case *set:
		if made != nil {
			return len(made.list)
		}
	}
	return 0
}

// recall returns what is kept under a key, or makes it and keeps it; what is wrong
// with it only if own, because what is made on behalf of another definition can
// fail by the other's fault.
func recall[T any](s *Service, key canonical, own bool, build func() (T, error)) (T, error) {
	s.mu.RLock()
	have, ok := s.kept[key]
	turn := s.turn
	s.mu.RUnlock()
	if ok {
		return have.made.(T), have.err
	}
	made, err := build()
	if err != nil && !(own && (defective(err) || fault.Is(err, fault.TooCostly))) {
		return made, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	more := weight(made)
	if len(s.kept) >= maxKept || s.sum+more > maxWeight {
		s.clear()
	}
	if _, have := s.kept[key]; !have && s.turn == turn {
		s.kept[key] = kept{made, err}
		s.sum += more
	}
	return made, err
}

// defective reports an error that lies in the definitions, and stays.
func defective(err error) bool {
	return fault.Is(err, fault.Unprocessable) || fault.Is(err, fault.NotSupported)
}

// notLoaded is the fault for definitions that an answer takes. The addresses
// MUST come out of definitions, not out of a request.
func notLoaded(op, what string, addresses ...string) error {
	text := what + " is not loaded here."
	if len(addresses) > 0 {
		text = what + " is not loaded here: " + strings.Join(addresses, ", ") + "."
	}
	return &fault.Error{
		Kind: fault.NotSupported, Op: "terminology." + op, Public: text,
		Issues: []fault.Issue{{Code: "not-supported", Text: text}},
	}
}

func notFound(op, public string) error { return fault.New(fault.NotFound, "terminology."+op, public) }

func wrong(op, public string) error { return fault.New(fault.Unprocessable, "terminology."+op, public) }

// split takes the version off a canonical address.
func split(address string) (url, version string) {
	url, version, _ = strings.Cut(address, "|")
	return url, version
}
