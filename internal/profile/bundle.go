package profile

import (
	"net/url"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// bundle is the entries of one Bundle by their addresses.
type bundle struct {
	byURL   map[string][]fhir.Node // resources by fullUrl
	fullURL map[fhir.Node]string   // and back
}

func (w *walk) bundleAt(n fhir.Node) *bundle {
	if b := w.bundles[n]; b != nil {
		return b
	}
	b := &bundle{map[string][]fhir.Node{}, map[fhir.Node]string{}}
	for entry := range n.All("entry") {
		res := entry.Get("resource")
		if !res.Exists() {
			continue
		}
		url := entry.Get("fullUrl").Text()
		b.fullURL[res] = url
		if url != "" {
			b.byURL[url] = append(b.byURL[url], res)
		}
	}
	if w.bundles == nil {
		w.bundles = map[fhir.Node]*bundle{}
	}
	w.bundles[n] = b
	return b
}

// entry finds the entry of the Bundle of s that a reference from the present
// scope points to (FHIR R4 2.36.4.1).
func (w *walk) entry(s *scope, text string) target {
	b := w.bundleAt(s.node)
	from := w.scope
	for from.outer != nil && from.outer != s {
		from = from.outer
	}
	text, version, _ := strings.Cut(text, "/_history/")
	text, _, _ = strings.Cut(text, "#")
	found := b.byURL[text]
	if lit := fhir.ParseLiteral(text); found == nil && lit.Type != "" && lit.Base == "" {
		found = b.byURL[serverOf(b.fullURL[from.node])+text]
		if found == nil && b.fullURL[from.node] == "" { // an entry without an address: by type and id
			found = b.byID(lit.Type, lit.ID)
		}
	}
	for _, n := range found {
		if version == "" || len(found) == 1 || n.Get("meta").Get("versionId").Text() == version {
			return target{n, &scope{node: n, outer: s}}
		}
	}
	return target{}
}

func (b *bundle) byID(typ, id string) []fhir.Node {
	for n := range b.fullURL {
		if n.TypeID().String() == typ && n.Get("id").Text() == id {
			return []fhir.Node{n}
		}
	}
	return nil
}

// serverOf is the base of a RESTful address with its slash, "" of another one.
func serverOf(url string) string {
	if lit := fhir.ParseLiteral(url); lit.Base != "" {
		return strings.TrimSuffix(lit.Base, "/") + "/"
	}
	return ""
}

// bundleRules are what FHIR says of Bundles in words (FHIR R4 2.36, 3.3.1, 3.4.1);
// its invariants come with the definition.
func (w *walk) bundleRules(n fhir.Node) {
	w.bundleSignature(n)
	typ := n.Get("type").Text()
	for entry := range n.All("entry") {
		w.entryRules(typ, entry)
	}
	switch typ {
	case "document", "message":
		w.whole(n, typ)
	case "searchset":
		w.searchset(n)
	}
}

func (w *walk) entryRules(typ string, entry fhir.Node) {
	res, full := entry.Get("resource"), entry.Get("fullUrl")
	id := res.Get("id").Text()
	switch {
	case !full.Exists():
		// Only what is not stored yet may go without (2.36.1): a POST of a
		// transaction, and an answer without a resource.
		if res.Exists() && typ != "transaction" && typ != "batch" && typ != "transaction-response" && typ != "batch-response" {
			w.reportAt(issueError, "required", entry, "fullUrl", "", "An entry with a resource must have an address (fullUrl).")
		}
	case !absolute(full.Text()):
		w.report(issueError, "value", full, "", "fullUrl must be absolute.")
	case res.Exists():
		lit := fhir.ParseLiteral(full.Text())
		switch {
		case lit.Type != "" && id != "" && (lit.ID != id || lit.Type != res.TypeID().String()):
			w.report(issueError, "invalid", full, "", "fullUrl and the resource disagree about its type or id.")
		case typ == "searchset" && id == "" && res.Type() != "OperationOutcome":
			w.reportAt(issueError, "required", res, "id", "", "What a search finds has an id.")
		}
	}
}

// searchset: a mode says what an entry is (FHIR R4 3.1.1.5), and matches are of
// the type that was searched.
func (w *walk) searchset(n fhir.Node) {
	wanted := searchedTypes(n)
	for entry := range n.All("entry") {
		res := entry.Get("resource")
		if !res.Exists() {
			continue
		}
		outcome := res.Type() == "OperationOutcome"
		switch entry.Get("search").Get("mode").Text() {
		case "outcome":
			if !outcome {
				w.report(issueError, "invalid", entry.Get("search").Get("mode"), "", "Only an OperationOutcome is the outcome of a search.")
			}
		case "match":
			if len(wanted) > 0 && !wanted[res.Type()] {
				w.report(issueError, "invalid", entry.Get("search").Get("mode"), "", "The entry is not of a type that was searched: it is no match.")
			}
		}
	}
}

// searchedTypes reads the types searched from the self link, none if it does not
// tell.
func searchedTypes(n fhir.Node) map[string]bool {
	for link := range n.All("link") {
		if link.Get("relation").Text() != "self" {
			continue
		}
		address, query, _ := strings.Cut(link.Get("url").Text(), "?")
		if last := address[strings.LastIndexByte(address, '/')+1:]; fhir.IsResource(last) {
			return map[string]bool{last: true}
		}
		values, _ := url.ParseQuery(query) // what cannot be read tells no types
		types := map[string]bool{}
		for t := range strings.SplitSeq(values.Get("_type"), ",") {
			if fhir.IsResource(t) {
				types[t] = true
			}
		}
		return types
	}
	return nil
}

func absolute(url string) bool {
	scheme, _, ok := strings.Cut(url, ":")
	return ok && scheme != "" && !strings.ContainsAny(scheme, "/?#")
}

// whole checks that a document or message holds what its first entry refers to,
// and a document nothing else.
func (w *walk) whole(n fhir.Node, typ string) {
	first := n.Get("entry").Get("resource")
	if !first.Exists() {
		return
	}
	bundleScope := &scope{node: n, outer: w.scope.outer}
	reached := map[fhir.Node]bool{first: true}
	todo := []fhir.Node{first}
	for len(todo) > 0 && w.step() {
		at := todo[0]
		todo = todo[1:]
		before := w.scope
		w.scope = &scope{node: at, outer: bundleScope}
		w.references(at, func(ref fhir.Node) {
			text := ref.Get("reference").Text()
			if text == "" || text[0] == '#' {
				return
			}
			t := w.entry(bundleScope, text)
			if t.node.Exists() {
				if !reached[t.node] {
					reached[t.node] = true
					todo = append(todo, t.node)
				}
			} else if at == first && (typ == "document" || w.scope.node.TypeID() == r4.ResourceByName("MessageHeader") && ref.Name() == "focus") {
				w.report(issueError, "not-found", ref, "", "The bundle must hold what its first entry refers to.")
			}
		})
		w.scope = before
	}
	if typ == "document" {
		w.orphans(n, reached)
	}
}

// orphans reports entries of a document that nothing leads to. Provenance may
// point to what is there, and a Binary may be a stylesheet (3.3.1).
func (w *walk) orphans(n fhir.Node, reached map[fhir.Node]bool) {
	for entry := range n.All("entry") {
		res := entry.Get("resource")
		if !res.Exists() || reached[res] || res.TypeID() == r4.Binary || res.TypeID() == r4.ResourceByName("Provenance") {
			continue
		}
		w.report(issueWarning, "informational", entry, "", "Nothing in the document leads from its Composition to this entry.")
	}
}

// references visits every Reference of a resource, those within contained
// resources too.
func (w *walk) references(n fhir.Node, visit func(fhir.Node)) {
	for c := range n.Children() {
		if !w.step() {
			return
		}
		if c.TypeID() == r4.Reference {
			visit(c)
		}
		if !c.IsPrimitive() {
			w.references(c, visit)
		}
	}
}
