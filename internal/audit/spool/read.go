package spool

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Entry is one that was found.
type Entry struct {
	Number uint64
	Plain  []byte
}

// DamagedError says where a file stops being what was written.
type DamagedError struct {
	After uint64 // number of the last entry that is good
	What  string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the audit spool %s after entry %d", e.What, e.After)
}

var errSize = errors.New("the audit spool is larger than any that is written")

// Open opens the file at the path and reads what it holds. With a *DamagedError it
// returns the entries before the damage too, and a spool that takes no more. Without a
// file it returns an error for which errors.Is(err, fs.ErrNotExist) holds.
func Open(c Config) (*Spool, []Entry, error) {
	const op = "spool.Open"
	if c.Open == nil {
		c.Open = openFile
	}
	if c.Read == nil {
		c.Read = read
	}
	c.Patience, c.Size = cmp.Or(c.Patience, patience), cmp.Or(c.Size, Size)
	text, err := c.Read(c.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	s := &Spool{cfg: c}
	if s.file, err = c.Open(c.Path); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	entries, damage := s.scan(text)
	if damage != nil {
		s.broken = true
		return s, entries, fmt.Errorf("%s: %w", op, damage)
	}
	return s, entries, nil
}

// read refuses a file that would fill the memory.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > 64*Size {
		return nil, errSize
	}
	return os.ReadFile(path)
}

// scan walks the entries and stands the spool behind the last.
func (s *Spool) scan(text []byte) ([]Entry, error) {
	if len(text) < headerSize || !bytes.HasPrefix(text, []byte(magic)) {
		return nil, &DamagedError{What: "does not begin as it was written"}
	}
	s.begin(ID(text[len(magic):headerSize]))
	var entries []Entry
	for {
		rest := text[s.at:]
		if len(bytes.TrimLeft(rest, "\x00")) == 0 {
			if len(text) != s.cfg.Size {
				return entries, &DamagedError{After: s.number, What: "does not have the size it was made with"}
			}
			return entries, nil
		}
		entry, plain := s.next(rest)
		if plain == nil {
			return entries, &DamagedError{After: s.number, What: "holds bytes that are no entry"}
		}
		s.number, s.prev, s.at = s.number+1, sha256.Sum256(entry), s.at+int64(len(entry))
		entries = append(entries, Entry{s.number, plain})
	}
}

// next returns the entry at the beginning of rest and what it holds, nil if it is not
// the one that belongs there.
func (s *Spool) next(rest []byte) (entry, plain []byte) {
	if len(rest) < lengthSize {
		return nil, nil
	}
	size := int64(binary.BigEndian.Uint32(rest))
	if size > int64(len(rest)-lengthSize) {
		return nil, nil
	}
	entry = rest[:lengthSize+size]
	plain, err := s.cfg.Sealer.OpenValue(purpose, place(s.id, s.number+1, s.prev), entry[lengthSize:])
	if err != nil {
		return nil, nil
	}
	return entry, plain
}

// Read returns the entries of an open spool as they lie in its file, and finds what was
// cut or altered since they were appended.
func (s *Spool) Read() ([]Entry, error) {
	const op = "spool.Read"
	s.mu.Lock()
	defer s.mu.Unlock()
	read := make(chan []byte, 1)
	err := s.within(func() error {
		text, err := s.cfg.Read(s.cfg.Path)
		read <- text
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, wholefile.WithoutPath(err))
	}
	found := &Spool{cfg: s.cfg}
	entries, err := found.scan(<-read)
	if err == nil && (found.id != s.id || found.number < s.number) {
		err = &DamagedError{After: found.number, What: "was cut or exchanged"}
	}
	if err != nil {
		return entries, fmt.Errorf("%s: %w", op, err)
	}
	return entries, nil
}

// SetAside gives a damaged file another name, under which it is kept as evidence, and
// returns that name.
func (s *Spool) SetAside() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := NewID()
	kept := s.cfg.Path + ".damaged-" + hex.EncodeToString(unused[:4])
	if err := os.Rename(s.cfg.Path, kept); err != nil {
		return "", fmt.Errorf("spool.SetAside: %w", wholefile.WithoutPath(err))
	}
	return filepath.Base(kept), wholefile.SyncDir(filepath.Dir(kept))
}
