package search

import (
	"bytes"
	"context"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Terms knows code systems and value sets. Each method returns fault.NotFound or
// fault.NotSupported for what it does not know; an empty answer means that there
// are no such codes.
type Terms interface {
	// Members calls add with every code of a value set.
	Members(ctx context.Context, valueSet string, add func(system, code string)) error
	// Below returns code and all codes it subsumes, Above it and all that subsume it.
	Below(ctx context.Context, system, code string) ([]string, error)
	Above(ctx context.Context, system, code string) ([]string, error)
}

// Bounds of what a terminology may add.
const (
	maxMembers  = 500_000 // codes, to all conditions of a search together
	maxTermWork = 4096    // codes of one condition that are looked up as words; more are rechecked on all values
)

// metered is Terms for one search: each question is asked once, and the codes
// are counted over all conditions.
type metered struct {
	Terms
	asked map[termPred]*codesPred
	codes int
}

// termPred asks for codes that only a terminology can name. Resolve puts a
// codesPred in its place; it matches nothing before.
type termPred struct {
	set          string // value set, or
	system, code string
	above        bool
}

func (p *termPred) match(*value) bool { return false }

// codesPred asks for any of a set of codes.
type codesPred struct {
	codes map[string]map[string]bool // by system
	n     int
}

func (p *codesPred) match(v *value) bool {
	if v.hasSystem {
		return p.codes[string(v.system)][string(v.code)]
	}
	system := v.field.system(v.code)
	return system != "" && p.codes[system][string(v.code)]
}

func (p *codesPred) add(system, code string) {
	of := p.codes[system]
	if of == nil {
		of = map[string]bool{}
		p.codes[system] = of
	}
	if !of[code] {
		of[code] = true
		p.n++
	}
}

// mimePred asks for a media type whatever its parameters (R4 search, 3.1.1.4.10.1).
type mimePred struct{ base []byte }

func (p *mimePred) match(v *value) bool {
	base, _, _ := bytes.Cut(v.code, []byte{';'})
	return bytes.EqualFold(bytes.TrimSpace(base), p.base)
}

// coded reads a token, or with a modifier what stands for several.
func (r *reader) coded(s string) (pred, error) {
	switch r.modifier {
	case "in", "not-in":
		set, err := unescape(s)
		if err != nil {
			return nil, r.wrong(`the address of a value set, with , $ | and \ escaped by \`)
		}
		return &termPred{set: set}, nil
	case "above", "below":
	default:
		return r.token(s)
	}
	parts, err := r.bars(s)
	if err == nil && len(parts) == 1 {
		switch implied := r.implied(); {
		case implied == mimeTypes:
			return &mimePred{[]byte(strings.TrimSpace(parts[0]))}, nil
		case implied != "":
			parts = []string{implied, parts[0]}
		}
	}
	if err != nil || len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return nil, r.wrong(`system|code with :above and :below, with , $ | and \ escaped by \`)
	}
	return &termPred{system: parts[0], code: parts[1], above: r.modifier == "above"}, nil
}

// implied returns the one system that all sources imply.
func (r *reader) implied() string {
	if len(r.sources) == 0 || r.sources[0].implied == manySystems {
		return ""
	}
	for _, s := range r.sources[1:] {
		if s.implied != r.sources[0].implied {
			return ""
		}
	}
	return r.sources[0].implied
}

// Resolve returns q with every condition that a terminology has to be asked for
// put into codes. A query without one is returned as it is. What the terminology
// does not know, or all of it if terms is nil, is refused: it must not pass for a
// condition that nothing meets.
func (q *Query) Resolve(ctx context.Context, terms Terms) (*Query, error) {
	return q.resolve(ctx, &metered{Terms: terms, asked: map[termPred]*codesPred{}})
}

func (q *Query) resolve(ctx context.Context, terms *metered) (*Query, error) {
	parts, changed, err := resolveAll(ctx, terms, q.parts)
	if err != nil {
		return nil, err
	}
	criteria := make([]*criterion, len(q.criteria))
	for i, c := range q.criteria {
		if criteria[i], err = c.resolve(ctx, terms); err != nil {
			return nil, err
		}
		changed = changed || criteria[i] != c
	}
	within, err := q.within.resolve(ctx, terms)
	if err != nil {
		return nil, err
	}
	if !changed && within == q.within {
		return q, nil
	}
	out := *q
	out.parts, out.criteria, out.within = parts, criteria, within
	return &out, nil
}

func (w *containing) resolve(ctx context.Context, terms *metered) (*containing, error) {
	if w == nil {
		return nil, nil
	}
	inner, err := w.inner.resolve(ctx, terms)
	if err != nil || inner == w.inner {
		return w, err
	}
	return &containing{inner: inner, self: w.self, each: w.each}, nil
}

func resolveAll(ctx context.Context, terms *metered, list []*Query) (out []*Query, changed bool, err error) {
	for _, q := range list {
		resolved, err := q.resolve(ctx, terms)
		if err != nil {
			return nil, false, err
		}
		changed = changed || resolved != q
		out = append(out, resolved)
	}
	return out, changed, nil
}

func (c *criterion) resolve(ctx context.Context, terms *metered) (*criterion, error) {
	out := *c
	var changed bool
	var err error
	if out.chain, changed, err = resolveAll(ctx, terms, c.chain); err != nil {
		return nil, err
	}
	if c.has != nil {
		if out.has, err = c.has.resolve(ctx, terms); err != nil {
			return nil, err
		}
		changed = changed || out.has != c.has
	}
	out.kids = nil
	for _, kid := range c.kids {
		resolved, err := kid.resolve(ctx, terms)
		if err != nil {
			return nil, err
		}
		changed = changed || resolved != kid
		out.kids = append(out.kids, resolved)
	}
	out.preds = append([]pred(nil), c.preds...)
	for i, pr := range out.preds {
		if t, ok := pr.(*termPred); ok {
			if out.preds[i], err = terms.about(ctx, t); err != nil {
				return nil, err
			}
			changed = true
		}
	}
	if !changed {
		return c, nil
	}
	return &out, nil
}

// about returns the codes that a condition stands for.
func (m *metered) about(ctx context.Context, t *termPred) (*codesPred, error) {
	if known := m.asked[*t]; known != nil {
		return known, nil
	}
	out := &codesPred{codes: map[string]map[string]bool{}}
	var err error
	switch terms := m.Terms; {
	case terms == nil:
		err = fault.New(fault.NotFound, "search.Resolve", "")
	case t.set != "":
		err = terms.Members(ctx, t.set, out.add)
	default:
		related := terms.Below
		if t.above {
			related = terms.Above
		}
		var codes []string
		codes, err = related(ctx, t.system, t.code)
		for _, code := range codes {
			out.add(t.system, code)
		}
	}
	switch {
	case fault.Is(err, fault.NotFound) || fault.Is(err, fault.NotSupported):
		return nil, errUnknownTerms
	case err != nil:
		return nil, err
	}
	if m.codes += out.n + 1; m.codes > maxMembers {
		return nil, invalid("too-costly", "The value sets and concepts of a search have too many codes to search by.")
	}
	m.asked[*t] = out
	return out, nil
}

var errUnknownTerms = invalid("not-supported", "A value set, code system or code named with :in, :not-in, :above or :below is not loaded here. "+
	"Store the ValueSet or CodeSystem first, or list the codes.")

// codes plans a set of codes. A large one is rechecked on whatever has a value.
func (p *planner) codes(s source, pr *codesPred) node {
	if pr.n > maxTermWork {
		return p.some(s)
	}
	var words [][]byte
	for system, codes := range pr.codes {
		for code := range codes {
			switch {
			case s.mayHaveSystem():
				words = append(words, pairWord(tagSystem, system, code))
			case s.system([]byte(code)) == system && system != "":
				words = append(words, word(tagCode, code))
			}
		}
	}
	if words == nil {
		return nothing
	}
	return p.any(s.text, true, words...)
}
