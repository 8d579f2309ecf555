package fhir

import (
	"regexp"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// narrativeLinks are the links of a narrative, in either quotes.
var narrativeLinks = regexp.MustCompile(`\b(href|src)\s*=\s*("[^"]*"|'[^']*')`)

// RewriteLinks returns the resource with those links replaced that names has: of
// elements of type uri, url, oid and uuid, and of href and src in the narrative
// (FHIR R4 3.1.0.11.2). References are Rewrite's. If nothing changes, the
// resource itself is returned.
func (r *Resource) RewriteLinks(names map[string]string) *Resource {
	var changes []change
	end := r.d.items[r.root].next
	for i := r.root + 1; i < end; i++ {
		it := &r.d.items[i]
		if it.flags&flagNoValue != 0 {
			continue
		}
		text := r.d.body[it.start:it.end]
		switch it.typ {
		case r4.URI, r4.URL, r4.OID, r4.UUID:
			if to, ok := names[string(text[1:len(text)-1])]; ok && it.flags&flagShadow == 0 {
				changes = append(changes, change{start: it.start, end: it.end, text: quote([]byte(to))})
			}
		case r4.XHTML:
			if old := unquote(text); strings.Contains(old, "href") || strings.Contains(old, "src") {
				if next := rewriteNarrative(old, names); next != old {
					changes = append(changes, change{start: it.start, end: it.end, text: quote([]byte(next))})
				}
			}
		}
	}
	if len(changes) == 0 {
		return r
	}
	return r.apply(changes)
}

func rewriteNarrative(text string, names map[string]string) string {
	return narrativeLinks.ReplaceAllStringFunc(text, func(link string) string {
		at := strings.IndexAny(link, `"'`)
		if to, ok := names[link[at+1:len(link)-1]]; ok {
			return link[:at+1] + to + link[len(link)-1:]
		}
		return link
	})
}
