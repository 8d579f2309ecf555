package search

import (
	"errors"
	"html"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Searches in running text, _text in the narrative and _content in all of a
// resource, are answered from bodies: no words and nothing in cards are kept for
// them, which would tell the store of every word that is written.

const kindBody kind = 'b'

// MaxBodies is how many bodies one search may read for its _text or _content:
// the records that all its other conditions leave.
const MaxBodies = 20_000

var errBody = errors.New("search: a card is held against a plan that needs bodies")

// Bodies reports whether the query looks into bodies: then Match is refused, and
// MatchBody answers. What links of chains lead to is left out; it is resolved.
func (q *Query) Bodies() bool { return anyBody(q.criteria) }

func anyBody(list []*criterion) bool {
	for _, c := range list {
		if c.kind == kindBody || c.masked || anyBody(c.kids) {
			return true
		}
	}
	return false
}

// Bodies reports whether MatchBody has to be asked instead of Match.
func (p *Plan) Bodies() bool { return p.q.Bodies() }

// MatchBody is Match for a plan that looks into bodies. body is called once at
// most, and only if the card does not refuse already.
func (p *Plan) MatchBody(card []byte, body func() (*fhir.Resource, error)) (bool, error) {
	var text *bodyText
	return p.match(card, func() (*bodyText, error) {
		if text != nil {
			return text, nil
		}
		r, err := body()
		if err == nil {
			text = &bodyText{resource: r, catalog: p.q.opt.Catalog}
		}
		return text, err
	})
}

// bodyText is the text of a body, read when it is asked for.
type bodyText struct {
	resource           *fhir.Resource // as it is shown, once it was looked at
	catalog            *Catalog
	looked             bool
	card               []byte // of what is shown, if that is not all of it
	narrative, content string
}

// of returns what a parameter looks at, as textQuery wants it.
func (b *bodyText) of(code string) string {
	if code == "_text" {
		if b.narrative == "" {
			b.narrative = searchable(plainText(b.resource.Root().Get("text").Get("div").Text()))
		}
		return b.narrative
	}
	if b.content == "" {
		var all strings.Builder
		collectText(b.resource.Root(), &all)
		b.content = all.String()
	}
	return b.content
}

// collectText gathers the values of all primitives. Two blanks part them, so
// that no phrase runs from one into the next.
func collectText(n fhir.Node, all *strings.Builder) {
	if n.TypeID().IsPrimitive() {
		s := n.Text()
		if n.Type() == "xhtml" {
			s = plainText(s)
		}
		if s != "" {
			all.WriteString(searchable(s))
		}
	}
	for child := range n.Children() {
		collectText(child, all)
	}
}

// plainText returns the text of XHTML: tags and comments part words.
func plainText(xhtml string) string {
	var b strings.Builder
	for xhtml != "" {
		text, rest, tag := strings.Cut(xhtml, "<")
		b.WriteString(text)
		if !tag {
			break
		}
		b.WriteByte(' ')
		end := ">"
		if strings.HasPrefix(rest, "!--") {
			end = "-->"
		}
		_, xhtml, _ = strings.Cut(rest, end)
	}
	return html.UnescapeString(b.String())
}

// inBody answers a condition on the body.
func (m *matcher) inBody(c *criterion) (bool, error) {
	if m.body == nil {
		return false, errBody
	}
	text, err := m.body()
	if err != nil {
		return false, err
	}
	if err := text.look(m.card.b); err != nil {
		return false, err
	}
	hay := text.of(c.param.code)
	for _, pr := range c.preds {
		if pr.(*textPred).q.in(hay) {
			return true, nil
		}
	}
	return false, nil
}
