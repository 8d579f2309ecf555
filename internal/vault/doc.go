package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Doc is a record of an internal type (a person, a client, a ward …): JSON that
// the store keeps, seals, versions and audits just like a resource.
type Doc struct {
	TypeID
	Version uint64
	Body    []byte
}

// DocWrite is one new version of an internal record.
type DocWrite struct {
	TypeID
	Expect uint64
	Body   []byte // nil deletes
	// Words are what Find finds it by; it also finds it by Unique, which no
	// other record of the type may bear.
	Words, Unique []search.Word
}

// document is an internal record on its way into the store.
type document struct {
	body   []byte
	words  []search.Word
	unique []search.Word
	seen   record.Position // uniqueness was checked up to here
}

// envelope is the stored form: the words travel with the body, so that a find
// by narrow tokens can be rechecked.
type envelope struct {
	Words []search.Word   `json:"words,omitempty"`
	Doc   json.RawMessage `json:"doc"`
}

func (d *document) index(id TypeID, now time.Time) search.Document {
	words := append(fieldsOf(id.Type, d.words), d.uniqueWords(id.Type)...)
	return search.Document{Words: words, Card: search.HeaderCard(id.Type, id.ID, now)}
}

func (d *document) uniqueWords(typ string) []search.Word { return fieldsOf(typ, d.unique) }

// fieldsOf prefixes the fields of words with their type.
func fieldsOf(typ string, words []search.Word) []search.Word {
	full := make([]search.Word, len(words))
	for i, w := range words {
		full[i] = search.Word{Field: typ + "." + w.Field, Value: w.Value}
	}
	return full
}

// GetDoc returns an internal record, or fault.NotFound.
func (v *Vault) GetDoc(ctx context.Context, typ, id string) (Doc, error) {
	r, err := v.Get(ctx, TypeID{Type: typ, ID: id})
	if err != nil {
		return Doc{}, err
	}
	if !r.Exists() || r.Deleted {
		return Doc{}, fault.New(fault.NotFound, "vault.GetDoc", "")
	}
	env, err := unwrapDoc(r)
	return Doc{TypeID: r.TypeID, Version: r.Version, Body: env.Doc}, err
}

// PutDocs writes internal records together with the event that tells of them.
// A Unique word that another record bears is fault.Conflict.
func (v *Vault) PutDocs(ctx context.Context, event audit.Event, writes []DocWrite) error {
	_, err := v.Commit(ctx, Tx{Event: event, Docs: writes})
	return err
}

// withDocs returns tx with its internal records as changes behind the others.
func (v *Vault) withDocs(ctx context.Context, tx Tx) (Tx, error) {
	tx.Changes = slices.Clip(tx.Changes)
	for _, w := range tx.Docs {
		change := Change{TypeID: w.TypeID, Expect: w.Expect}
		if w.Body != nil {
			words := append(append([]search.Word{}, w.Words...), w.Unique...)
			body, err := json.Marshal(envelope{Words: words, Doc: w.Body})
			if err != nil {
				return tx, fault.Wrap(fault.Internal, "vault.withDocs", err)
			}
			change.doc = &document{body: body, words: w.Words, unique: w.Unique}
			if err := v.checkUnique(ctx, change); err != nil {
				return tx, err
			}
		}
		tx.Changes = append(tx.Changes, change)
	}
	return tx, nil
}

// checkUnique looks for another bearer of the change's unique words, and notes
// how far it looked: the commit's guard covers what comes after.
func (v *Vault) checkUnique(ctx context.Context, c Change) error {
	for i, word := range c.doc.unique {
		docs, at, err := v.findDocs(ctx, c.Type, word.Field, word.Value)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			if doc.ID != c.ID {
				return fault.New(fault.Conflict, "vault.PutDocs", "That name is taken.")
			}
		}
		if i == 0 || at < c.doc.seen {
			c.doc.seen = at
		}
	}
	return nil
}

// FindDocs returns the internal records that bear a word.
func (v *Vault) FindDocs(ctx context.Context, typ, field string, value []byte) ([]Doc, error) {
	docs, _, err := v.findDocs(ctx, typ, field, value)
	return docs, err
}

// ListDocs returns all internal records of a type, oldest change first.
func (v *Vault) ListDocs(ctx context.Context, typ string) ([]Doc, error) {
	docs, _, err := v.docs(ctx, typ, store.All{Class: v.sealer.Class(typ)}, func(envelope) bool { return true })
	return docs, err
}

func (v *Vault) findDocs(ctx context.Context, typ, field string, value []byte) ([]Doc, record.Position, error) {
	expr := store.And{
		store.All{Class: v.sealer.Class(typ)},
		store.Has{Token: v.sealer.Token(typ+"."+field, value)},
	}
	return v.docs(ctx, typ, expr, func(env envelope) bool {
		for _, w := range env.Words {
			if w.Field == field && bytes.Equal(w.Value, value) {
				return true
			}
		}
		return false
	})
}

func (v *Vault) docs(ctx context.Context, typ string, expr store.Expr, match func(envelope) bool) ([]Doc, record.Position, error) {
	var docs []Doc
	found, err := v.store.Find(ctx, store.Find{Expr: expr, Want: store.WantCard | store.WantBody},
		func(row record.Row) error {
			r, err := v.open(ctx, TypeID{Type: typ}, row)
			if err != nil {
				return err
			}
			env, err := unwrapDoc(r)
			if err == nil && match(env) {
				docs = append(docs, Doc{TypeID: r.TypeID, Version: r.Version, Body: env.Doc})
			}
			return err
		})
	return docs, found.At, v.storeFault("vault.docs", err)
}

func unwrapDoc(r Record) (envelope, error) {
	var env envelope
	if err := json.Unmarshal(r.Body, &env); err != nil {
		return envelope{}, fault.Wrap(fault.Internal, "vault.unwrapDoc", err)
	}
	return env, nil
}
