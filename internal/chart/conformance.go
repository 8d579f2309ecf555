package chart

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/defs"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// shelves are the types of resources that tell what others must look like. What
// is stored of them is what is loaded, beside the definitions of R4 itself.
var shelves = [...]string{"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter"}

// shelfLife bounds how long another process's commit goes unseen; what this
// process commits is seen at once.
const shelfLife = 3 * time.Second

// conformance is the library of stored definitions. It is asked by the server
// for itself, unnarrowed: what comes out of it decides how resources are judged
// and is shown to nobody.
type conformance struct {
	vault *vault.Vault
	clock clock.Clock

	mu         sync.Mutex // held for moments only
	generation uint64     // of what this process committed
	read       uint64     // generation at the last look
	looked     time.Time
	library    *library

	reading chan struct{} // holds one who reads; these are his:
	shelves map[string]*shelf
	news    bool // the shelves hold what the library does not
}

// grace is how long the library is taken for the present one while it is looked
// whether it is.
const grace = 10 * shelfLife

// shelf is what is known of one type.
type shelf struct {
	last  record.Position
	books map[vault.TypeID]book
}

type book struct {
	url, version string
	whole        string // the value set of all codes of a CodeSystem
	narrows      string // the resource type that a profile is for
	id           vault.TypeID
	edition      uint64 // version of the record
}

func newConformance(v *vault.Vault, c clock.Clock) *conformance {
	return &conformance{vault: v, clock: c, shelves: map[string]*shelf{}, reading: make(chan struct{}, 1)}
}

// changed is told of every type written.
func (c *conformance) changed(types ...string) {
	for _, typ := range types {
		for _, s := range shelves {
			if typ == s {
				c.mu.Lock()
				c.generation++
				c.mu.Unlock()
				return
			}
		}
	}
}

// current returns the library as it is now: the same value for as long as
// nothing in it changes. One caller reads what is new. Those to whom the present
// library will do meanwhile do not wait for him.
func (c *conformance) current(ctx context.Context) (*library, error) {
	l, fresh, will := c.present()
	if fresh {
		return l, nil
	}
	if will {
		select {
		case c.reading <- struct{}{}:
		default:
			return l, nil
		}
	} else {
		select {
		case c.reading <- struct{}{}:
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Unavailable, "chart.current", ctx.Err())
		}
	}
	defer func() { <-c.reading }()
	return c.look(ctx)
}

// present returns the library: whether it is fresh, and whether it will do while
// somebody looks, which it does not without what this process committed.
func (c *conformance) present() (l *library, fresh, will bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := c.clock.Now().Sub(c.looked)
	known := c.library != nil && c.read == c.generation
	return c.library, known && age < shelfLife, known && age < grace
}

// look reads what is new. c.reading MUST be held.
func (c *conformance) look(ctx context.Context) (*library, error) {
	l, fresh, _ := c.present()
	if fresh {
		return l, nil // whoever read before has seen it
	}
	c.mu.Lock()
	generation, now := c.generation, c.clock.Now()
	c.mu.Unlock()
	for _, typ := range shelves {
		if err := c.lookFor(ctx, typ); err != nil {
			return nil, err
		}
	}
	if l == nil || c.news {
		l, c.news = c.arrange(), false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.library, c.read, c.looked = l, generation, now
	return l, nil
}

// lookFor reads what was committed of a type since the last look, and everything
// anew if something is gone.
func (c *conformance) lookFor(ctx context.Context, typ string) error {
	s := c.shelves[typ]
	if s == nil {
		s = &shelf{books: map[vault.TypeID]book{}}
	}
	if err := c.export(ctx, typ, s); err != nil {
		return err
	}
	c.shelves[typ] = s
	q, err := search.Parse(typ, nil, search.Options{})
	if err != nil {
		return err
	}
	found, err := c.vault.Search(ctx, vault.SearchRequest{Query: q, Total: true})
	if err != nil || found.Total == len(s.books) {
		return err
	}
	c.news = true // something was deleted
	s = &shelf{books: map[vault.TypeID]book{}}
	if err := c.export(ctx, typ, s); err != nil {
		return err
	}
	c.shelves[typ] = s
	return nil
}

// listRun is how many records are read at a time.
const listRun = 500

func (c *conformance) export(ctx context.Context, typ string, s *shelf) error {
	for {
		run := 0
		err := c.vault.Export(ctx, typ, s.last, listRun, func(rec vault.Record) error {
			run++
			s.last, c.news = rec.Position, true
			res, err := fhir.Parse(rec.Body)
			if err != nil { // of another release with looser rules: it counts, and cannot be asked for
				s.books[vault.TypeID{Type: typ, ID: rec.Key.String()}] = book{}
				return nil
			}
			root := res.Root()
			id := typeIDOf(typ, res.ID())
			s.books[id] = book{url: root.Get("url").Text(), version: root.Get("version").Text(), whole: root.Get("valueSet").Text(), narrows: narrows(root), id: id, edition: rec.Version}
			return nil
		})
		if err != nil || run < listRun {
			return err
		}
	}
}

// arrange makes a library of the shelves.
func (c *conformance) arrange() *library {
	l := &library{vault: c.vault, byURL: map[string][]book{}, profiles: &Profiles{}}
	for typ, s := range c.shelves {
		for _, b := range s.books {
			if b.url != "" {
				l.byURL[typ+" "+b.url] = append(l.byURL[typ+" "+b.url], b)
				l.profiles.add(b)
			}
		}
	}
	return l
}

// library finds definitions by their canonical addresses. It is immutable.
type library struct {
	vault *vault.Vault
	byURL map[string][]book // by type and address

	profiles *Profiles
}

// Find returns the JSON of a definition, the latest version if version is "",
// nil if it is not loaded. R4's own come first: nobody redefines a Patient.
func (l *library) Find(ctx context.Context, typ, url, version string) ([]byte, error) {
	if body, ok := defs.Find(typ, url, version); ok {
		return body, nil
	}
	var best *book
	for i, b := range l.byURL[typ+" "+url] {
		if version != "" && b.version != version && !strings.HasPrefix(b.version, version+".") {
			continue
		}
		if best == nil || newer(b, *best) {
			best = &l.byURL[typ+" "+url][i]
		}
	}
	if best == nil {
		return nil, nil
	}
	records, err := l.vault.Read(ctx, []vault.Ref{{TypeID: best.id, Version: best.edition}})
	if err != nil {
		return nil, err
	}
	return records[0].Body, nil
}

// StructureDefinition implements profile.Definitions.
func (l *library) StructureDefinition(ctx context.Context, url, version string) (*fhir.Resource, error) {
	body, err := l.Find(ctx, "StructureDefinition", url, version)
	if err != nil || body == nil {
		return nil, err
	}
	res, err := fhir.Parse(body)
	return res, fault.Wrap(fault.Internal, "chart.StructureDefinition", err)
}

// newer orders versions by their numbers, then by their text, then by the id, so
// that the choice is always the same.
func newer(a, b book) bool {
	x, y := strings.FieldsFunc(a.version, notWord), strings.FieldsFunc(b.version, notWord)
	for i := range min(len(x), len(y)) {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		switch {
		case errM == nil && errN == nil && m != n:
			return m > n
		case (errM == nil) != (errN == nil): // 1.0.0 is newer than 1.0.0-beta
			return errM == nil
		case x[i] != y[i]:
			return x[i] > y[i]
		}
	}
	if len(x) != len(y) {
		return (len(x) > len(y)) != strings.Contains(a.version+b.version, "-")
	}
	return a.id.ID > b.id.ID
}

func notWord(r rune) bool { return r == '.' || r == '-' || r == '_' }
