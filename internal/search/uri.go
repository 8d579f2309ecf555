package search

import "strings"

type uriMode byte

const (
	uriIs uriMode = iota
	uriAbove
	uriBelow
)

// maxURI bounds the addresses that :above looks at: one for each place where
// the one given could be cut.
const maxURI = 1000

// uriPred asks for a URI, to the letter; of a canonical one with a version, also
// without it. Above is every URI that the one given begins with, below every one
// that begins with it (R4 search, 3.1.1.4.9).
type uriPred struct {
	uri  string
	mode uriMode
}

func (r *reader) uri(text string) (pred, error) {
	p := &uriPred{uri: text}
	switch r.modifier {
	case "above":
		p.mode = uriAbove
	case "below":
		p.mode = uriBelow
	default:
		return p, nil
	}
	if len(text) > maxURI || !located(text) {
		return nil, r.wrong("a URL of at most 1000 characters with :above and :below, not a URN")
	}
	return p, nil
}

// located reports whether s is a URL and no URN.
func located(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return ok && scheme != "urn" && absolute(s)
}

func (p *uriPred) match(v *value) bool {
	switch p.mode {
	case uriBelow:
		return strings.HasPrefix(string(v.code), p.uri)
	case uriAbove:
		have := string(v.code)
		bare, _, _ := strings.Cut(have, "|")
		return located(have) && (strings.HasPrefix(p.uri, have) || strings.HasPrefix(p.uri, bare))
	}
	return sameURL(v.code, p.uri)
}

func (p *planner) uri(s source, pr *uriPred) node {
	switch pr.mode {
	case uriBelow:
		return p.some(s)
	case uriAbove:
		var words [][]byte
		for i := strings.IndexByte(pr.uri, ':') + 1; i <= len(pr.uri); i++ {
			words = append(words, word(tagURI, pr.uri[:i]))
		}
		return p.any(s.text, true, words...)
	}
	return p.any(s.text, true, word(tagURI, pr.uri))
}

// canonicalPred asks for a canonical reference to any version that begins with
// the one given: |1 finds |1 and |1.2, not |10 (R4 search, 3.1.1.4.13).
type canonicalPred struct{ url, version string }

func (p *canonicalPred) match(v *value) bool {
	if v.local {
		return false
	}
	url, version, _ := strings.Cut(string(v.code), "|")
	rest, ok := strings.CutPrefix(version, p.version)
	return ok && url == p.url && (p.version == "" || rest == "" || rest[0] == '.')
}

func (r *reader) canonical(text string) (pred, error) {
	url, version, _ := strings.Cut(text, "|")
	if !absolute(url) {
		return nil, r.wrong("with :below a canonical URL, perhaps with |version")
	}
	return &canonicalPred{url, version}, nil
}
