package emergency

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Docs is the sealed storage the book is kept in (package vault).
type Docs interface {
	GetDoc(ctx context.Context, typ, id string) (vault.Doc, error)
	PutDocs(ctx context.Context, event audit.Event, writes []vault.DocWrite) error
	FindDocs(ctx context.Context, typ, field string, value []byte) ([]vault.Doc, error)
	Keys(ctx context.Context, ids []vault.TypeID) ([]record.Key, error)
}

// Log takes events that change nothing (package audit). Append returns once they are
// durable.
type Log interface {
	Append(ctx context.Context, events ...audit.Event) error
}

// Spool keeps what is entered while the log cannot be written (package vault).
type Spool interface {
	// Keep reports whether it was kept there, and not where it belongs after all.
	Keep(ctx context.Context, event audit.Event, docs ...vault.DocWrite) (kept bool, err error)
}

// Config says what a book stands on; all of it is required but Seen and Spool.
type Config struct {
	Docs Docs
	Log  Log
	Gate identity.Gate // who may review
	// Seen returns what the log says was opened by a grant, in order.
	Seen  func(ctx context.Context, g Grant) ([]Opening, error)
	Spool Spool // nil: nothing is entered while the log cannot be written
	Clock clock.Clock
	Slog  *slog.Logger
}

// Book is safe for concurrent use.
type Book struct {
	cfg Config

	mu   sync.Mutex
	at   time.Time        // when the rest was read; zero: it must be
	open []Grant          // of today and yesterday, as far as they were open then
	kept map[string]Grant // by id: those in the spool, as they are there
}

// New returns the book.
func New(cfg Config) *Book { return &Book{cfg: cfg} }

// life bounds how long the book is believed when other servers may have written in
// it; what this server writes is seen at once.
const life = 2 * time.Second

// Words that grants are found by.
const (
	wordDay     = "day"     // on which it was opened
	wordWaiting = "waiting" // for a review: yes
)

func day(t time.Time) []byte { return []byte(t.UTC().Format(time.DateOnly)) }

// Open returns the grants by which charts are open to a person now.
func (b *Book) Open(ctx context.Context, person string) ([]Grant, error) {
	open, err := b.now(ctx)
	if err != nil {
		return nil, err
	}
	now := b.cfg.Clock.Now()
	return slices.DeleteFunc(b.withKept(open), func(g Grant) bool { return g.Person != person || !g.Open(now) }), nil
}

// Waiting returns how many reviews wait.
func (b *Book) Waiting(ctx context.Context) (int, error) {
	waiting, err := b.find(ctx, wordWaiting, []byte("yes"))
	return len(waiting), err
}

// now returns the grants of today and yesterday, as far as they were open a moment ago.
func (b *Book) now(ctx context.Context) ([]Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.Clock.Now()
	if !b.at.IsZero() && now.Sub(b.at).Abs() < life {
		return b.open, nil
	}
	open, err := b.find(ctx, wordDay, day(now))
	if err != nil {
		return nil, err
	}
	if before := day(now.Add(-Life)); !bytes.Equal(before, day(now)) {
		yesterday, err := b.find(ctx, wordDay, before)
		if err != nil {
			return nil, err
		}
		open = append(open, yesterday...)
	}
	b.open, b.at = slices.DeleteFunc(open, func(g Grant) bool { return !g.Open(now) }), now
	return b.open, nil
}

// forget has the book read again.
func (b *Book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = time.Time{}
}

func (b *Book) find(ctx context.Context, field string, value []byte) ([]Grant, error) {
	docs, err := b.cfg.Docs.FindDocs(ctx, Type, field, value)
	if err != nil {
		return nil, err
	}
	var grants []Grant
	for _, d := range docs {
		g, err := parse(d)
		if err != nil { // it opens nothing, and must not close the others
			b.cfg.Slog.ErrorContext(ctx, "alarm: a grant of the book of emergencies cannot be read", "grant", d.ID)
			continue
		}
		grants = append(grants, g)
	}
	return grants, nil
}

func parse(d vault.Doc) (g Grant, err error) {
	err = json.Unmarshal(d.Body, &g)
	g.version = d.Version
	return g, fault.Wrap(fault.Internal, "emergency.parse", err)
}

// put writes a grant together with the event that tells of it.
func (b *Book) put(ctx context.Context, event audit.Event, g Grant) error {
	write, err := docOf(g)
	if err != nil {
		return err
	}
	defer b.forget()
	return b.cfg.Docs.PutDocs(ctx, event, []vault.DocWrite{write})
}

func docOf(g Grant) (vault.DocWrite, error) {
	body, err := json.Marshal(g)
	if err != nil {
		return vault.DocWrite{}, fault.Wrap(fault.Internal, "emergency.docOf", err)
	}
	words := []search.Word{{Field: wordDay, Value: day(g.Opened)}}
	if g.Finding == nil {
		words = append(words, search.Word{Field: wordWaiting, Value: []byte("yes")})
	}
	return vault.DocWrite{TypeID: vault.TypeID{Type: Type, ID: g.ID}, Expect: g.version, Body: body, Words: words}, nil
}

// Enter opens a chart: policy has allowed it, and the person just proved who she is.
// The event MUST name the patient's record; the grant says whose, to whom and why.
func (b *Book) Enter(ctx context.Context, event audit.Event, g Grant) (Grant, error) {
	g.Note = strings.TrimSpace(g.Note)
	if err := g.Check(); err != nil {
		return Grant{}, err
	}
	g.ID, g.Opened = strings.ToLower(rand.Text()), b.cfg.Clock.Now().UTC().Truncate(time.Second)
	g.Until = g.Opened.Add(Life)
	err := b.put(ctx, event, g)
	if errors.Is(err, audit.ErrDown) {
		g.Outage = true
		err = b.keep(ctx, event, g)
	}
	if err != nil {
		return Grant{}, err
	}
	b.cfg.Slog.WarnContext(ctx, "alert: a chart was opened in an emergency; a review waits", "grant", g.ID, "person", g.Person, "reason", string(g.Reason))
	return g, nil
}
