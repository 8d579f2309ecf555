package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// Sealer is what the log needs of package seal.
type Sealer interface {
	SealValue(purpose string, aad, plaintext []byte) ([]byte, error)
	OpenValue(purpose string, aad, sealed []byte) ([]byte, error)
	SealFor(ctx context.Context, purpose string, subjects []record.Key, aad, plaintext []byte) (seal.Sealed, error)
	OpenFor(ctx context.Context, purpose string, aad, sealed []byte) ([]byte, error)
	Token(field string, value []byte) record.Token
}

// purpose is the tenant key under which the log seals.
const purpose = "audit"

// contentAAD is what content parts are sealed for. Their place is bound by the
// digest in the entry's head.
const contentAAD = "wardkeep audit content 1"

// part is an entry before it is linked.
type part struct {
	flags   byte
	content [32]byte
	account []byte
	digest  [32]byte // of account
	plain   *verify.Account
	cells   []record.Cell
	guards  []record.Guard
}

// roomy is enough for most accountability parts.
const roomy = 512

// size is what the entry takes: its fixed fields are 158 bytes.
func (p *part) size() int { return 158 + len(p.account) }

var (
	errUnaudited = errors.New("a put is not named by an event")
	errTwice     = errors.New("a put is named twice")
	errDigest    = errors.New("an event names a digest that is not of its put")
	errSpace     = errors.New("a batch reaches into the audit log's own cells")
	errLinked    = errors.New("a batch came with its own link")
)

// checkBatch keeps callers out of what only the log writes. Content parts may
// be removed, never written.
func checkBatch(b *record.Batch) error {
	if b.Link != nil {
		return errLinked
	}
	for _, c := range b.Cells {
		switch c.Space {
		case record.SpaceTree, record.SpaceShard:
			return errSpace
		case record.SpaceContent:
			if c.Value != nil {
				return errSpace
			}
		}
	}
	return nil
}

// cover returns the events with the digests of the puts and amends filled in, or
// an error if the events do not name each of them once.
func cover(b *record.Batch, events []Event) ([]Event, error) {
	pending := make(map[verify.Ref]*record.Put, len(b.Puts)+len(b.Amends))
	for i := range b.Puts {
		pending[verify.Ref{Key: b.Puts[i].Key, Version: b.Puts[i].Version}] = &b.Puts[i]
	}
	amends := make(map[verify.Ref]bool, len(b.Amends))
	for i := range b.Amends {
		ref := verify.Ref{Key: b.Amends[i].Key, Version: b.Amends[i].Version}
		pending[ref], amends[ref] = &b.Amends[i], true
	}
	if len(pending) != len(b.Puts)+len(b.Amends) {
		return nil, errTwice
	}
	events = slices.Clone(events)
	for i := range events {
		events[i].Items = slices.Clone(events[i].Items)
		for j := range events[i].Items {
			item := &events[i].Items[j]
			ref := verify.Ref{Key: item.Key, Version: item.Version}
			put, ok := pending[ref]
			switch {
			case !ok && item.written():
				return nil, errDigest
			case !ok:
				continue
			case put == nil:
				return nil, errTwice
			}
			d := record.Digest(put)
			if item.written() && (item.Digest != d.Content || item.Index != d.Index) {
				return nil, errDigest
			}
			item.Digest, item.Index, item.Amended = d.Content, d.Index, amends[ref]
			pending[ref] = nil
		}
	}
	for _, put := range pending {
		if put != nil {
			return nil, errUnaudited
		}
	}
	return events, nil
}

// prepare seals the events' parts. It takes no lock.
func (l *Log) prepare(ctx context.Context, events []Event) ([]part, error) {
	var parts []part
	for i := range events {
		e := &events[i]
		if e.Time.IsZero() {
			e.Time = l.cfg.Clock.Now()
		}
		if e.Outcome == "" {
			e.Outcome = OutcomeSuccess
		}
		// An entry lists what was shown, then what was written, then what was amended.
		slices.SortStableFunc(e.Items, func(a, b Item) int { return cmp.Compare(a.kind(), b.kind()) })
		patients, items := e.Patients, e.Items
		for first := true; first || len(patients)+len(items) > 0; first = false {
			n := min(len(patients), maxItems)
			m := min(len(items), maxItems)
			p, err := l.prepareOne(ctx, e, patients[:n], items[:m])
			if err != nil {
				return nil, fault.Wrap(fault.Unavailable, "audit.prepare", err)
			}
			parts = append(parts, p)
			patients, items = patients[n:], items[m:]
		}
	}
	return parts, nil
}

func (l *Log) prepareOne(ctx context.Context, e *Event, patients []record.Key, items []Item) (part, error) {
	var p part
	content := e.content(items)
	if plain := content.Append(nil); len(plain) > 0 {
		sealed, err := l.cfg.Sealer.SealFor(ctx, purpose, patients, []byte(contentAAD), plain)
		if err != nil {
			return part{}, fmt.Errorf("seal content: %w", err)
		}
		p.content = sha256.Sum256(sealed.Body)
		p.cells = append(sealed.Cells, record.Cell{
			Space: record.SpaceContent, Name: slices.Clone(p.content[:]), Value: sealed.Body,
		})
		p.guards = sealed.Guards
	}
	account := e.account(patients, items)
	sealed, err := l.cfg.Sealer.SealValue(purpose, verify.AccountAAD(l.cfg.Tenant, l.shard, p.content), account.Append(make([]byte, 0, roomy)))
	if err != nil {
		return part{}, fmt.Errorf("seal accountability: %w", err)
	}
	p.account, p.digest = sealed, verify.AccountDigest(sealed)
	p.plain = &account
	if p.size() > verify.MaxEntry {
		return part{}, errors.New("an event is larger than an entry may be")
	}
	return p, nil
}
