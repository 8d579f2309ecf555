package vault

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
)

// preparation turns changes into one sealed batch.
type preparation struct {
	vault *Vault
	now   time.Time
	batch record.Batch
	names map[TypeID]record.Key
	items []audit.Item
	whose map[record.Key]struct{}
	seals *seal.Batch
}

// draft is a change with its text read, before it has keys.
type draft struct {
	change  Change
	stamped *fhir.Resource
	body    []byte
	doc     search.Document
}

func (p *preparation) prepare(ctx context.Context, tx Tx) ([]Record, error) {
	p.whose, p.seals = map[record.Key]struct{}{}, p.vault.sealer.Batch()
	drafts := make([]draft, len(tx.Changes))
	var mentioned []TypeID
	for i, change := range tx.Changes {
		d, err := p.draft(change)
		if err != nil {
			return nil, err
		}
		drafts[i] = d
		mentioned = append(mentioned, d.mentions()...)
	}
	var err error
	if p.names, err = p.vault.allot(ctx, mentioned, &p.batch); err != nil {
		return nil, err
	}
	if err := p.prefetch(ctx, drafts); err != nil {
		return nil, err
	}
	records := make([]Record, len(drafts))
	for i, d := range drafts {
		if records[i], err = p.seal(ctx, d); err != nil {
			return nil, err
		}
	}
	for _, a := range tx.Absent {
		p.absent(a)
		if err := p.turn(a.Turn); err != nil {
			return nil, err
		}
	}
	for _, d := range drafts {
		if doc := d.change.doc; doc != nil {
			p.absent(Absent{Tokens: p.tokens(doc.uniqueWords(d.change.Type)), After: doc.seen})
		}
	}
	for _, job := range tx.Jobs {
		if err := p.job(job); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func (p *preparation) draft(change Change) (draft, error) {
	d := draft{change: change}
	switch {
	case change.doc != nil:
		d.body, d.doc = change.doc.body, change.doc.index(change.TypeID, p.now)
	case change.Resource != nil:
		d.stamped = change.Resource.Stamp(change.ID, change.Expect+1, p.now)
		doc, err := p.vault.Catalog().Extract(d.stamped)
		if err != nil {
			return draft{}, fmt.Errorf("vault.draft: %w", err)
		}
		if change.Posted {
			search.MarkPosted(doc.Card)
		}
		d.body, d.doc = d.stamped.JSON(), doc
	default:
		d.doc.Card = search.HeaderCard(change.Type, change.ID, p.now)
	}
	return d, nil
}

// mentions lists every record the draft names: itself, its targets, its patients.
func (d draft) mentions() []TypeID {
	ids := []TypeID{d.change.TypeID}
	for _, ref := range d.doc.Refs {
		ids = append(ids, TypeID{Type: ref.Type, ID: ref.ID})
	}
	for _, id := range d.doc.Patients {
		ids = append(ids, TypeID{Type: "Patient", ID: id})
	}
	return ids
}

func (p *preparation) seal(ctx context.Context, d draft) (Record, error) {
	subjects := p.subjects(d)
	put, err := p.put(ctx, d, subjects)
	if err != nil {
		return Record{}, err
	}
	version := put.Version - 1
	p.batch.Guards = append(p.batch.Guards, record.Guard{Record: &put.Key, Version: version})
	p.batch.Puts = append(p.batch.Puts, put)
	p.items = append(p.items, audit.Item{Key: put.Key, Version: put.Version})
	return Record{
		TypeID: d.change.TypeID, Key: put.Key, Version: put.Version, Deleted: put.Deleted,
		Current: true, Time: p.now, Body: d.body, Patients: subjects,
		Resource: d.stamped,
	}, nil
}

// put seals the draft as the version after the one expected.
func (p *preparation) put(ctx context.Context, d draft, subjects []record.Key) (record.Put, error) {
	put := record.Put{
		Key: p.names[d.change.TypeID], Version: d.change.Expect + 1,
		Class: p.vault.sealer.Class(d.change.Type), Deleted: d.deleted(),
	}
	ref := seal.Ref{Type: d.change.Type, Key: put.Key, Version: put.Version, Deleted: put.Deleted}
	sealed, err := p.seals.Seal(ctx, ref, subjects, d.body, d.doc.Card)
	if err != nil {
		return put, p.vault.storeFault("vault.put", err)
	}
	p.batch.Cells = append(p.batch.Cells, sealed.Cells...)
	p.batch.Guards = append(p.batch.Guards, sealed.Guards...)
	put.Body, put.Card = sealed.Body, sealed.Card
	if !put.Deleted {
		put.Tokens, put.Edges = p.tokens(d.doc.Words), p.edges(d.doc.Refs)
	}
	return put, nil
}

// prefetch reads the keys of all patients concerned at once.
func (p *preparation) prefetch(ctx context.Context, drafts []draft) error {
	for _, d := range drafts {
		p.subjects(d)
	}
	return p.vault.storeFault("vault.prefetch", p.seals.Prepare(ctx, p.patients()))
}

func (d draft) deleted() bool { return d.change.doc == nil && d.change.Resource == nil }

// subjects are the keys of the patients in whose compartment the draft is.
func (p *preparation) subjects(d draft) []record.Key {
	set := map[record.Key]struct{}{}
	if d.deleted() {
		for _, key := range d.change.Patients {
			set[key] = struct{}{}
		}
	}
	for _, id := range d.doc.Patients {
		set[p.names[TypeID{Type: "Patient", ID: id}]] = struct{}{}
	}
	for key := range set {
		p.whose[key] = struct{}{}
	}
	return sortedKeys(set)
}

func (p *preparation) tokens(words []search.Word) []record.Token {
	tokens := make([]record.Token, len(words))
	for i, w := range words {
		tokens[i] = p.vault.sealer.Token(w.Field, w.Value)
	}
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

func (p *preparation) edges(refs []search.RefTo) []record.Edge {
	edges := make([]record.Edge, len(refs))
	for i, ref := range refs {
		edges[i] = record.Edge{
			Rel: p.vault.sealer.Rel(ref.Field),
			To:  p.names[TypeID{Type: ref.Type, ID: ref.ID}],
		}
	}
	slices.SortFunc(edges, func(a, b record.Edge) int {
		return cmp.Or(cmp.Compare(a.Rel, b.Rel), slices.Compare(a.To[:], b.To[:]))
	})
	return slices.Compact(edges)
}

func (p *preparation) absent(a Absent) {
	for i := range a.Tokens {
		p.batch.Guards = append(p.batch.Guards, record.Guard{Token: &a.Tokens[i], After: a.After})
	}
}

// turn takes the next place in a queue, if nobody was faster.
func (p *preparation) turn(t Turn) error {
	if t.name == nil {
		return nil
	}
	next := make([]byte, 16)
	if _, err := io.ReadFull(p.vault.rand, next); err != nil {
		return fmt.Errorf("vault.turn: %w", err)
	}
	cell := record.Cell{Space: record.SpaceShort, Name: t.name, Value: next, Expires: p.now.Add(turnLife)}
	p.batch.Cells = append(p.batch.Cells, cell)
	p.batch.Guards = append(p.batch.Guards, record.Guard{Cell: &record.Cell{Space: record.SpaceShort, Name: t.name, Value: t.last}})
	return nil
}

func (p *preparation) job(j Job) error {
	name := p.vault.sealer.ShortDigest("job", j.Name)
	value, err := p.vault.sealer.SealValue("job", name, []byte(j.Value))
	if err != nil {
		return fault.Wrap(fault.Internal, "vault.job", err)
	}
	p.batch.Cells = append(p.batch.Cells, record.Cell{Space: record.SpaceJob, Name: name, Value: value})
	return nil
}

func (p *preparation) patients(more ...record.Key) []record.Key {
	for _, key := range more {
		p.whose[key] = struct{}{}
	}
	return sortedKeys(p.whose)
}
