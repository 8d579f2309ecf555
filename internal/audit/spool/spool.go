// Package spool is the second log: a file of sealed entries, for the few things that
// may still happen while the audit log itself cannot be written.
//
// The file has its full size from the beginning, so that a disk that is full takes
// its entries all the same. Each entry is sealed to its number and to the one before
// it, and is on the device before Append returns. The bytes are described in
// docs/formats/spool.md.
package spool

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Sealer is what a spool needs of package seal.
type Sealer interface {
	SealValue(purpose string, aad, plaintext []byte) ([]byte, error)
	OpenValue(purpose string, aad, sealed []byte) ([]byte, error)
}

// ID names a spool. Each that was emptied is followed by one of another id.
type ID [16]byte

// NewID draws one.
func NewID() (id ID) {
	_, _ = rand.Read(id[:])
	return id
}

// File is the opened file.
type File interface {
	io.WriterAt
	io.Closer
	Sync() error
}

const (
	magic      = "wardkeep spool 1"
	headerSize = len(magic) + len(ID{})
	lengthSize = 4
	purpose    = "spool"

	// Size of a file: some hundreds of pages at least.
	Size = 4 << 20
)

// patience is how long a device may take for an entry: who waits has to be told
// within two seconds.
const patience = 1500 * time.Millisecond

var (
	// ErrFull says that no more entries fit.
	ErrFull   = errors.New("the audit spool is full")
	errHangs  = errors.New("the device of the audit spool does not answer")
	errBroken = errors.New("the audit spool failed before and takes no more entries")
)

// Config says where a spool lies. Path and Sealer are required.
type Config struct {
	Path     string
	Sealer   Sealer
	Size     int                               // 0: Size
	Patience time.Duration                     // 0: 1.5 s
	Open     func(path string) (File, error)   // for writing; nil: the operating system's
	Read     func(path string) ([]byte, error) // nil: the operating system's
}

// Spool is an open file. It is safe for concurrent use.
type Spool struct {
	cfg Config

	mu     sync.Mutex
	file   File
	id     ID
	prev   [32]byte // digest of what the next entry follows
	number uint64   // of the last entry
	at     int64    // where the next entry goes
	broken bool
	busy   chan struct{} // closed once the device has answered; nil: it was not asked yet
}

// Create makes the file of an empty spool, if there is none at the path.
func Create(c Config, id ID) error {
	return wholefile.Create(c.Path, empty(c, id))
}

func empty(c Config, id ID) []byte {
	text := make([]byte, cmp.Or(c.Size, Size))
	copy(text[copy(text, magic):], id[:])
	return text
}

// Append adds an entry and returns its number, once it is on the device. A spool
// that failed to take one takes no more: nobody knows what its file holds.
func (s *Spool) Append(plain []byte) (uint64, error) {
	const op = "spool.Append"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return 0, fmt.Errorf("%s: %w", op, errBroken)
	}
	sealed, err := s.cfg.Sealer.SealValue(purpose, place(s.id, s.number+1, s.prev), plain)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	entry := append(binary.BigEndian.AppendUint32(nil, uint32(len(sealed))), sealed...)
	if s.at+int64(len(entry)) > int64(s.cfg.Size) {
		return 0, fmt.Errorf("%s: %w", op, ErrFull)
	}
	if err := s.write(entry); err != nil {
		s.broken = true
		return 0, fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	s.number, s.prev, s.at = s.number+1, sha256.Sum256(entry), s.at+int64(len(entry))
	return s.number, nil
}

// write brings bytes to the device.
func (s *Spool) write(entry []byte) error {
	file, at := s.file, s.at
	return s.within(func() error {
		if _, err := file.WriteAt(entry, at); err != nil {
			return err
		}
		return file.Sync()
	})
}

// within has the device do something, and does not wait for one that hangs. It is asked
// for nothing else before it has answered: what comes late must not undo what came after.
func (s *Spool) within(do func() error) error {
	if s.busy != nil {
		select {
		case <-s.busy:
		default:
			return errHangs
		}
	}
	done, busy := make(chan error, 1), make(chan struct{})
	s.busy = busy
	go func() {
		done <- do()
		close(busy)
	}()
	hangs := time.NewTimer(s.cfg.Patience)
	defer hangs.Stop()
	select {
	case err := <-done:
		<-busy
		return err
	case <-hangs.C:
		return errHangs
	}
}

// place is what an entry is sealed for.
func place(id ID, number uint64, prev [32]byte) []byte {
	aad := append([]byte("wardkeep spool entry 1\x00"), id[:]...)
	return append(binary.BigEndian.AppendUint64(aad, number), prev[:]...)
}

// ID returns the spool's id.
func (s *Spool) ID() ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Last returns the number of the last entry; 0: there is none.
func (s *Spool) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// Idle reports whether the spool is empty and takes entries.
func (s *Spool) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number == 0 && !s.broken
}

// Renew puts an empty spool of another id in the place of one whose entries have all
// been taken. last is the number up to which they were: if others have been appended
// meanwhile, nothing happens and it returns false. A spool that could not be renewed takes
// no more, since whoever took its entries will not look at it again.
func (s *Spool) Renew(id ID, last uint64) (bool, error) {
	const op = "spool.Renew"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number != last {
		return false, nil
	}
	was, next := s.file, make(chan File, 1)
	err := s.within(func() error {
		if err := wholefile.Replace(s.cfg.Path, empty(s.cfg, id), 0o600); err != nil {
			return err
		}
		file, err := s.cfg.Open(s.cfg.Path)
		if err == nil {
			_ = was.Close() // of what is no more
			next <- file
		}
		return err
	})
	if err != nil {
		s.broken = true
		return false, fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	s.file, s.broken = <-next, false
	s.begin(id)
	return true, nil
}

// begin stands the spool before its first entry.
func (s *Spool) begin(id ID) {
	s.id, s.number, s.at = id, 0, int64(headerSize)
	s.prev = sha256.Sum256(append([]byte(magic), id[:]...))
}

// Close releases the file.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = true
	return wholefile.WithoutPath(s.file.Close())
}

func openFile(path string) (File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }
