package vault

import (
	"context"
	"errors"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
)

var errClass = errors.New("a version is of a type this release does not know")

// Deep re-derives what a version is found by, for audit/verify: whoever thins
// out or plants tokens in the store is found by the difference.
type Deep struct {
	vault   *Vault
	classes map[record.Token]string
}

// Deep returns the re-deriver. docTypes are the internal types there are.
func (v *Vault) Deep(docTypes ...string) *Deep {
	d := &Deep{vault: v, classes: map[record.Token]string{}}
	for t := range r4.Resources {
		d.classes[v.sealer.Class(t.String())] = t.String()
	}
	for _, typ := range docTypes {
		d.classes[v.sealer.Class(typ)] = typ
	}
	return d
}

// Index implements verify.Deep.
func (d *Deep) Index(ctx context.Context, row record.Row) ([]record.Token, []record.Edge, error) {
	typ, ok := d.classes[row.Class]
	if !ok {
		return nil, nil, fault.Wrap(fault.Internal, "vault.Deep", errClass)
	}
	opened, err := d.vault.openCard(ctx, typ, row)
	if err != nil {
		return nil, nil, err
	}
	rec, err := d.vault.openBody(TypeID{Type: typ}, row, opened)
	if err != nil {
		return nil, nil, err
	}
	doc, err := d.document(rec, opened.Card)
	if err != nil {
		return nil, nil, err
	}
	draft := draft{change: Change{TypeID: rec.TypeID}, doc: doc}
	p := preparation{vault: d.vault}
	if p.names, err = d.vault.lookup(ctx, draft.mentions()); err != nil {
		return nil, nil, err
	}
	return p.tokens(doc.Words), p.edges(doc.Refs), nil
}

func (d *Deep) document(rec Record, card []byte) (search.Document, error) {
	if !fhir.IsResource(rec.Type) {
		env, err := unwrapDoc(rec)
		return search.Document{Words: fieldsOf(rec.Type, env.Words)}, err
	}
	res, err := fhir.Parse(rec.Body)
	if err != nil {
		return search.Document{}, fault.Wrap(fault.Internal, "vault.Deep", err)
	}
	return d.vault.Catalog().ExtractAs(res, card)
}
