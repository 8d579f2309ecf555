package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Renewal puts all versions of one store into another one, sealed by its keys and found
// by its tokens. Each has there the key, version, position and time it has here.
type Renewal struct {
	from, to *Vault
	old, new *Deep
	tell     func(done uint64)
	done     uint64

	batch    record.Batch
	seals    *seal.Batch
	names    map[TypeID]record.Key
	last     record.Position
	receipts []store.Receipt

	// Current are the ids of what has marks of progress: Subscriptions and internal records.
	Current map[string][]string
}

// NewRenewal returns one from a store that nobody writes to into one without records.
func NewRenewal(from, to *Vault, tell func(done uint64), docTypes ...string) *Renewal {
	return &Renewal{from: from, to: to, old: from.Deep(docTypes...), new: to.Deep(docTypes...), tell: tell, Current: map[string][]string{}}
}

// renewRun is how many versions are committed at once, of those of one time.
const renewRun = 400

// Copy does the work. What does not open is not left out: the work ends there.
func (r *Renewal) Copy(ctx context.Context) error {
	r.begin(time.Time{})
	err := r.from.store.History(ctx, store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		if len(r.batch.Puts) >= renewRun || !row.Time.Equal(r.batch.Time) {
			if err := r.flush(ctx); err != nil {
				return err
			}
			r.begin(row.Time)
		}
		return r.add(ctx, row)
	})
	if err == nil {
		err = r.flush(ctx)
	}
	return r.to.storeFault("vault.Renewal", errors.Join(err, r.settle()))
}

func (r *Renewal) begin(at time.Time) {
	r.batch, r.seals, r.names = record.Batch{Time: at}, r.to.sealer.Batch(), map[TypeID]record.Key{}
}

func (r *Renewal) add(ctx context.Context, row record.Row) error {
	typ, rec, card, doc, err := r.old.read(ctx, row)
	if err != nil {
		return fmt.Errorf("record %s version %d: %w", row.Key, row.Version, err)
	}
	rec.Type = typ
	d := draft{change: Change{TypeID: rec.TypeID}, doc: doc}
	if err := r.name(ctx, d.mentions()); err != nil {
		return err
	}
	ref := seal.Ref{Type: typ, Key: row.Key, Version: row.Version, Deleted: row.Deleted}
	sealed, err := r.seals.Seal(ctx, ref, rec.Patients, rec.Body, card)
	if err != nil {
		return err
	}
	p := preparation{vault: r.to, names: r.names}
	put := record.Put{Key: row.Key, Version: row.Version, Class: r.to.sealer.Class(typ), Deleted: row.Deleted, Body: sealed.Body, Card: sealed.Card}
	if !row.Deleted {
		put.Tokens, put.Edges = p.tokens(doc.Words), p.edges(doc.Refs)
	}
	r.batch.Puts = append(r.batch.Puts, put)
	r.batch.Cells, r.batch.Guards = append(r.batch.Cells, sealed.Cells...), append(r.batch.Guards, sealed.Guards...)
	r.last = row.Position
	if typ == "Subscription" || !fhir.IsResource(typ) {
		if row.Current && !row.Deleted {
			r.Current[typ] = append(r.Current[typ], rec.ID)
		}
	}
	return nil
}

// name puts the names into the batch that the other store does not have yet.
func (r *Renewal) name(ctx context.Context, ids []TypeID) error {
	known, err := r.from.lookup(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		key, ok := known[id]
		if !ok {
			return errDamagedName
		}
		if _, ok := r.names[id]; ok {
			continue
		}
		r.names[id] = key
		if _, ok := r.to.names.get(id); ok {
			continue
		}
		digest := r.to.sealer.NameDigest(id.Type, id.ID)
		r.batch.Cells = append(r.batch.Cells, record.Cell{Space: record.SpaceName, Name: digest, Value: r.to.allotment(digest, key)})
	}
	return nil
}

var errPlace = errors.New("a version came to another place than it had")

func (r *Renewal) flush(ctx context.Context) error {
	n := len(r.batch.Puts)
	if n == 0 {
		return nil
	}
	receipt, err := r.to.store.Commit(ctx, r.batch)
	if err != nil {
		return err
	}
	if receipt.Last() != r.last {
		return errPlace
	}
	r.to.names.put(r.names)
	r.done += uint64(n)
	r.tell(r.done)
	if r.receipts = append(r.receipts, receipt); len(r.receipts) < renewRun {
		return nil
	}
	return r.settle()
}

func (r *Renewal) settle() error {
	var errs []error
	for _, receipt := range r.receipts {
		errs = append(errs, receipt.Wait())
	}
	r.receipts = nil
	return errors.Join(errs...)
}

// read opens a version and tells what it is found by.
func (d *Deep) read(ctx context.Context, row record.Row) (typ string, rec Record, card []byte, doc search.Document, err error) {
	typ, ok := d.classes[row.Class]
	if !ok {
		return typ, rec, nil, doc, fault.Wrap(fault.Internal, "vault.Deep", errClass)
	}
	opened, err := d.vault.openCard(ctx, typ, row)
	if err != nil {
		return typ, rec, nil, doc, err
	}
	if rec, err = d.vault.openBody(TypeID{Type: typ}, row, opened); err == nil && !row.Deleted {
		doc, err = d.document(rec, opened.Card)
	}
	return typ, rec, opened.Card, doc, err
}

var errDiffers = errors.New("a version holds something else than it held")

// Compare opens both sides of every version, and hands out what each is now, some at a
// time. What differs is an error.
func (r *Renewal) Compare(ctx context.Context, visit func([]audit.Item) error) error {
	next, stop := iter.Pull2(r.to.versions(ctx))
	defer stop()
	var items []audit.Item
	err := r.from.store.History(ctx, store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		twin, err, ok := next()
		if err != nil || !ok {
			return errors.Join(errDiffers, err)
		}
		item, err := r.compare(ctx, row, twin)
		if err != nil {
			return fmt.Errorf("record %s version %d: %w", row.Key, row.Version, err)
		}
		if items = append(items, item); len(items) == renewRun {
			err, items = visit(items), items[:0]
		}
		r.done++
		r.tell(r.done)
		return err
	})
	if _, _, more := next(); err == nil && more {
		err = errDiffers
	}
	if err == nil && len(items) > 0 {
		err = visit(items)
	}
	return r.to.storeFault("vault.Compare", err)
}

func (v *Vault) versions(ctx context.Context) iter.Seq2[record.Row, error] {
	return func(yield func(record.Row, error) bool) {
		err := v.store.History(ctx, store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
			row.Card, row.Body = bytes.Clone(row.Card), bytes.Clone(row.Body)
			if !yield(row, nil) {
				return store.ErrStop
			}
			return nil
		})
		if err != nil {
			yield(record.Row{}, err)
		}
	}
}

func (r *Renewal) compare(ctx context.Context, was, is record.Row) (audit.Item, error) {
	typ, before, card, _, err := r.old.read(ctx, was)
	if err != nil {
		return audit.Item{}, err
	}
	typNow, after, cardNow, doc, err := r.new.read(ctx, is)
	if err != nil {
		return audit.Item{}, err
	}
	before.Resource, after.Resource = nil, nil
	same := typ == typNow && before.TypeID == after.TypeID && before.Key == after.Key && before.Version == after.Version &&
		before.Position == after.Position && before.Deleted == after.Deleted && before.Current == after.Current &&
		before.Time.Equal(after.Time) && before.Posted == after.Posted && slices.Equal(before.Patients, after.Patients) &&
		bytes.Equal(before.Body, after.Body) && bytes.Equal(card, cardNow)
	if !same || bytes.Equal(was.Card, is.Card) {
		return audit.Item{}, errDiffers
	}
	put := record.Put{Class: is.Class, Deleted: is.Deleted, Body: is.Body, Card: is.Card}
	if !is.Deleted {
		d := draft{change: Change{TypeID: after.TypeID}, doc: doc}
		p := preparation{vault: r.to}
		if p.names, err = r.to.lookup(ctx, d.mentions()); err != nil {
			return audit.Item{}, err
		}
		put.Tokens, put.Edges = p.tokens(doc.Words), p.edges(doc.Refs)
	}
	sum := record.Digest(&put)
	return audit.Item{Key: is.Key, Version: is.Version, Digest: sum.Content, Index: sum.Index}, nil
}

// CopyMarks seals anew the marks of progress by these names, those that there are.
func (r *Renewal) CopyMarks(ctx context.Context, names []string) error {
	for _, name := range names {
		value, err := r.from.cell(ctx, record.SpaceJob, "job", name)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		p := preparation{vault: r.to}
		if err := p.job(Job{Name: name, Value: string(value)}); err != nil {
			return err
		}
		receipt, err := r.to.store.Commit(ctx, p.batch)
		if err == nil {
			err = receipt.Wait()
		}
		if err != nil {
			return r.to.storeFault("vault.CopyMarks", err)
		}
	}
	return nil
}
