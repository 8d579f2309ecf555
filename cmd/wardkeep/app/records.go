package app

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// records gives package identity its storage: the vault.
type records struct{ vault *vault.Vault }

var _ identity.Records = records{}

func (r records) Get(ctx context.Context, typ, id string) (identity.Doc, error) {
	doc, err := r.vault.GetDoc(ctx, typ, id)
	return identityDoc(doc), err
}

func (r records) Put(ctx context.Context, event identity.Event, writes []identity.Write) error {
	return r.vault.PutDocs(ctx, auditEvent(event), docWrites(writes))
}

func docWrites(writes []identity.Write) []vault.DocWrite {
	docs := make([]vault.DocWrite, len(writes))
	for i, w := range writes {
		docs[i] = vault.DocWrite{
			TypeID: vault.TypeID{Type: w.Type, ID: w.ID}, Expect: w.Expect, Body: w.Body,
			Words: searchWords(w.Words), Unique: searchWords(w.Unique),
		}
	}
	return docs
}

func (r records) Find(ctx context.Context, typ, field string, value []byte) ([]identity.Doc, error) {
	docs, err := r.vault.FindDocs(ctx, typ, field, value)
	return identityDocs(docs), err
}

func (r records) List(ctx context.Context, typ string) ([]identity.Doc, error) {
	docs, err := r.vault.ListDocs(ctx, typ)
	return identityDocs(docs), err
}

func (r records) GetShort(ctx context.Context, kind, id string) ([]byte, error) {
	return r.vault.GetShort(ctx, kind, id)
}

func (r records) PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error {
	return r.vault.PutShort(ctx, kind, id, value, expires)
}

func (r records) DropShort(ctx context.Context, kind, id string) error {
	return r.vault.DropShort(ctx, kind, id)
}

// events gives package identity its place in the audit log.
type events struct{ log *audit.Log }

var _ identity.Audit = events{}

func (e events) Append(ctx context.Context, list ...identity.Event) error {
	out := make([]audit.Event, len(list))
	for i, event := range list {
		out[i] = auditEvent(event)
	}
	return e.log.Append(ctx, out...)
}

func auditEvent(e identity.Event) audit.Event {
	detail := e.Detail
	if e.Target != "" {
		detail = e.Target + " " + detail
	}
	return audit.Event{
		Time: e.Time, Actor: e.Actor, Client: e.Client, Session: e.Session, Roles: e.Roles,
		Action: e.Action, Purpose: e.Purpose, Outcome: e.Outcome, RequestID: e.RequestID,
		Type: e.Type, Address: e.Source, Reason: e.Reason, Detail: detail,
	}
}

// identityEvent is what package identity needs to know of its own event.
func identityEvent(e audit.Event) identity.Event {
	return identity.Event{Session: e.Session, Action: e.Action}
}

func identityDoc(d vault.Doc) identity.Doc {
	return identity.Doc{Type: d.Type, ID: d.ID, Body: d.Body, Version: d.Version}
}

func identityDocs(docs []vault.Doc) []identity.Doc {
	out := make([]identity.Doc, len(docs))
	for i, d := range docs {
		out[i] = identityDoc(d)
	}
	return out
}

func searchWords(words []identity.Word) []search.Word {
	out := make([]search.Word, len(words))
	for i, w := range words {
		out[i] = search.Word{Field: w.Field, Value: w.Value}
	}
	return out
}
