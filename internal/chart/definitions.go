package chart

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Loaded tells what became of definitions that were loaded, in their order.
type Loaded struct {
	ID     string // of the record
	Status LoadStatus
	Err    error // why it was refused
}

// LoadStatus is what became of one definition.
type LoadStatus uint8

const (
	LoadAdded LoadStatus = iota + 1
	LoadUpdated
	LoadUnchanged
	LoadRefused
)

// Load stores definitions, with one commit and one audit entry, under ids that
// follow from what they define: loading the same again changes nothing. jobs are
// the marks to be committed once it is known what became of them.
func (c *Chart) Load(ctx context.Context, actor Actor, definitions []*fhir.Resource, jobs func([]Loaded) ([]vault.Job, error)) ([]Loaded, error) {
	loaded := make([]Loaded, len(definitions))
	refs := make([]vault.Ref, len(definitions))
	for i, d := range definitions {
		loaded[i].ID = DefinitionID(d)
		refs[i] = vault.Ref{TypeID: typeIDOf(d.Type(), loaded[i].ID)}
	}
	records, err := c.vault.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	var of []int // which definition an entry is
	for i, d := range definitions {
		if c.unchanged(records[i], d) {
			loaded[i].Status = LoadUnchanged
			continue
		}
		loaded[i].Status = LoadAdded
		if records[i].Exists() && !records[i].Deleted {
			loaded[i].Status = LoadUpdated
		}
		id := loaded[i].ID
		entries = append(entries, Entry{
			Place: d.Type() + "/" + id, Method: "PUT", URL: d.Type() + "/" + id,
			Resource: d.Stamp(id, 1, c.clock.Now()),
		})
		of = append(of, i)
	}
	refused := func(n int, err error) {
		if loaded[of[n]].Err = err; err != nil {
			loaded[of[n]].Status = LoadRefused
		}
	}
	_, err = c.File(ctx, actor, entries, refused, func() ([]vault.Job, error) { return jobs(loaded) })
	return loaded, err
}

// unchanged reports whether a record is the definition as it would be stored.
func (c *Chart) unchanged(rec vault.Record, d *fhir.Resource) bool {
	if !rec.Exists() || rec.Deleted {
		return false
	}
	local, err := c.localise(nil, d)
	return err == nil && bytes.Equal(rec.Body, local.Stamp(rec.ID, rec.Version, rec.Time).JSON())
}

// DefinitionID is the id under which Load stores a definition: its name, and a
// digest of type, address and version.
func DefinitionID(d *fhir.Resource) string {
	root := d.Root()
	address := root.Get("url").Text()
	if address == "" { // a NamingSystem has none
		address = d.ID()
	}
	sum := sha256.Sum256([]byte(d.Type() + "|" + address + "|" + root.Get("version").Text()))
	name := d.ID()
	if len(name) > 40 {
		name = name[:40]
	}
	return strings.TrimPrefix(name+"."+hex.EncodeToString(sum[:6]), ".")
}
