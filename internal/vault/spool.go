package vault

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/spool"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

// Spool keeps what is told, and the internal records that are written with it, while
// the audit log cannot be written, and takes it into log and store once that is
// possible, before anything else is logged. It is safe for concurrent use.
type Spool struct {
	vault *Vault
	cfg   spool.Config
	slog  *slog.Logger

	mu   sync.Mutex
	file *spool.Spool // nil: there is none
}

// Kept is one thing that is kept in a spool.
type Kept struct {
	Event audit.Event
	Docs  []DocWrite
}

// keptDoc is a DocWrite as it is stored. Which version it follows is found out when it
// is taken in: nothing else is written before.
type keptDoc struct {
	Type   string          `json:"type"`
	ID     string          `json:"id"`
	Body   json.RawMessage `json:"body"`
	Words  []search.Word   `json:"words,omitempty"`
	Unique []search.Word   `json:"unique,omitempty"`
}

const keptFormat = 1

// Append appends the bytes of what is kept (docs/formats/spool.md).
func (k Kept) Append(buf []byte) ([]byte, error) {
	buf = audit.AppendEvent(append(buf, keptFormat), k.Event)
	if len(k.Docs) == 0 {
		return buf, nil
	}
	docs := make([]keptDoc, len(k.Docs))
	for i, d := range k.Docs {
		docs[i] = keptDoc{d.Type, d.ID, d.Body, d.Words, d.Unique}
	}
	text, err := json.Marshal(docs)
	return append(buf, text...), fault.Wrap(fault.Internal, "vault.Kept", err)
}

var errKept = errors.New("malformed entry of a spool")

// ParseKept reads what Append wrote.
func ParseKept(src []byte) (k Kept, err error) {
	if len(src) == 0 || src[0] != keptFormat {
		return k, errKept
	}
	if k.Event, src, err = audit.ParseEvent(src[1:]); err != nil || len(src) == 0 {
		return k, err
	}
	var docs []keptDoc
	if json.Unmarshal(src, &docs) != nil {
		return k, errKept
	}
	for _, d := range docs {
		k.Docs = append(k.Docs, DocWrite{TypeID: TypeID{Type: d.Type, ID: d.ID}, Body: d.Body, Words: d.Words, Unique: d.Unique})
	}
	return k, nil
}

var errNoSpool = errors.New("there is no audit spool")

// Keep makes an event durable in the spool, with what is written together with it. It
// is for what was refused with audit.ErrDown, and nothing may leave the process before
// it returns without an error. It reports whether it was kept, and not logged after all
// since the log can be written again.
func (s *Spool) Keep(ctx context.Context, event audit.Event, docs ...DocWrite) (kept bool, err error) {
	const op = "vault.Keep"
	s.mu.Lock()
	defer s.mu.Unlock()
	if event.Time.IsZero() {
		event.Time = s.vault.clock.Now()
	}
	if _, down := s.vault.log.Down(); !down {
		return false, s.vault.tell(ctx, event, docs)
	}
	if s.file == nil {
		return false, fault.Wrap(fault.Unavailable, op, errNoSpool)
	}
	plain, err := Kept{event, docs}.Append(nil)
	if err != nil {
		return false, err
	}
	s.vault.log.Hold(true)
	n, err := s.file.Append(plain)
	if err != nil {
		s.vault.log.Hold(s.file.Last() > 0)
		s.slog.ErrorContext(ctx, "alert: the audit spool cannot be written; emergencies are refused, too", "error", err)
		return false, fault.Wrap(fault.Unavailable, op, err)
	}
	id := s.file.ID()
	s.slog.WarnContext(ctx, "alert: the audit log is down, and this was kept in the spool", "action", event.Action, "person", event.Actor, "spool", spoolName(id), "entry", n)
	return true, nil
}

// tell logs an event with what is written with it.
func (v *Vault) tell(ctx context.Context, event audit.Event, docs []DocWrite) error {
	if len(docs) == 0 {
		return v.log.Append(ctx, event)
	}
	return v.PutDocs(ctx, event, docs)
}

// Waits reports whether entries wait to be taken in, or the spool to be mended.
func (s *Spool) Waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file != nil && !s.file.Idle()
}

// Settle takes what was kept into the log, and empties the spool once that is
// durable. While it works nothing is kept. It reports whether all is in the log, with an
// error too: a spool that is taken in but cannot be emptied keeps nobody from the log, and
// takes nothing until it could be.
func (s *Spool) Settle(ctx context.Context) (taken bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil || s.file.Idle() || !s.vault.log.Writable() {
		return false, nil
	}
	state, err := s.vault.log.SpoolState(ctx)
	if err != nil {
		return false, err
	}
	next := spool.ID(state.Spool)
	if s.file.ID() != spool.ID(state.Before) {
		next, err = s.takeAll(ctx)
	}
	if err != nil {
		return false, err
	}
	s.vault.log.Hold(false)
	if next == s.file.ID() {
		return true, nil
	}
	_, err = s.file.Renew(next, s.file.Last())
	return true, fault.Wrap(fault.Unavailable, "vault.Settle", err)
}

// takeAll takes in what the file holds, and returns the id of the spool that follows.
func (s *Spool) takeAll(ctx context.Context) (spool.ID, error) {
	entries, err := s.file.Read()
	var damaged *spool.DamagedError
	if err != nil && !errors.As(err, &damaged) && !errors.Is(err, fs.ErrNotExist) {
		return spool.ID{}, fault.Wrap(fault.Unavailable, "vault.Settle", err)
	}
	if _, takeErr := s.take(ctx, s.file.ID(), entries); takeErr != nil {
		return spool.ID{}, takeErr
	}
	if err != nil {
		err = s.alarm(ctx, err)
		return s.file.ID(), err
	}
	return s.retire(ctx)
}

// Close releases the file.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}
