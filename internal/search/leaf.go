package search

import (
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// leaf plans one alternative in one element.
func (p *planner) leaf(s source, pr pred) (node, error) {
	switch pr := pr.(type) {
	case *tokenPred:
		n := p.token(s, pr)
		if s.only != "" {
			n = n.loose()
		}
		return n, nil
	case *stringPred:
		return p.text(s, pr), nil
	case *datePred:
		return p.date(s, pr), nil
	case *numberPred:
		return p.number(s, plainScale, pr), nil
	case *quantityPred:
		return p.quantity(s, pr), nil
	case *refPred:
		return p.reference(s, pr)
	case *otherPred:
		return p.some(s), nil
	case *uriPred:
		return p.uri(s, pr), nil
	case *canonicalPred:
		return p.any(s.text, pr.version == "" && s.only == "", word(tagURI, pr.url)), nil
	case *textPred, *nearPred:
		return p.some(s), nil
	case *codesPred:
		return p.codes(s, pr), nil
	case *mimePred:
		return p.some(s), nil
	case *termPred:
		return node{}, errUnknownTerms
	case *typedPred:
		return p.any(s.text, true, typedWord(pr.system, pr.code, pr.value)), nil
	}
	return anything, nil
}

// some is every record with a value in the element: what is left to recheck
// when no word says more.
func (p *planner) some(s source) node {
	return p.presence(s).loose()
}

func (p *planner) token(s source, pr *tokenPred) node {
	if len(pr.code) == 0 {
		return p.some(s) // system| has no word of its own
	}
	switch {
	case s.added != nil: // what its expression finds may fold or not
		n := p.or([]node{p.code(s, pr, string(pr.code)), p.code(s, pr, string(pr.lower))})
		return n.loose()
	case !s.folds():
		return p.code(s, pr, string(pr.code))
	case !pr.anySystem && len(pr.system) > 0:
		return nothing
	}
	return p.code(s, pr, string(pr.lower))
}

func (p *planner) code(s source, pr *tokenPred, code string) node {
	switch {
	case pr.anySystem:
		return p.any(s.text, true, word(tagCode, code))
	case !s.mayHaveSystem() && s.system(pr.code) != string(pr.system):
		return nothing
	case !s.mayHaveSystem():
		return p.any(s.text, true, word(tagCode, code))
	case len(pr.system) > 0:
		return p.any(s.text, true, pairWord(tagSystem, string(pr.system), code))
	}
	return p.any(s.text, true, word(tagNoSystem, code))
}

// folds reports whether values of f are compared without regard to case. No
// parameter of R4 mixes values that are and that are not; a test sees to it.
func (f *field) folds() bool {
	return slices.ContainsFunc(f.types, func(t r4.TypeID) bool {
		return t == r4.String || t == r4.Markdown || t.String() == "ContactPoint"
	})
}

func (p *planner) text(s source, pr *stringPred) node {
	norm := string(pr.norm)
	if s.kind == kindLabel {
		return p.some(s)
	}
	if _, ok := runePrefix(norm, minPrefix); !ok {
		return p.some(s)
	}
	if pr.mode == textContains || pr.mode == textEnds {
		if !s.words {
			return p.some(s)
		}
		var all []node
		gramWords(norm, func(w []byte) { all = append(all, p.any(s.text, false, w)) })
		return p.and(all)
	}
	long, exact := norm, pr.mode == textStarts || pr.mode == textBegins && !s.words
	if cut, more := runePrefix(norm, maxPrefix); more && cut != norm {
		long, exact = strings.TrimRight(cut, " "), false
	}
	return p.any(s.text, exact, word(tagText, long))
}

func (p *planner) reference(s source, pr *refPred) (node, error) {
	if pr.url != "" {
		if s.only != "" && typeOf(pr.url) != s.only {
			return nothing, nil
		}
		return p.any(s.text, true, word(tagURI, pr.url)), nil
	}
	var ids []TypeID
	var urls [][]byte
	for _, t := range pr.types {
		if s.only != "" && s.only != t {
			continue
		}
		ids = append(ids, TypeID{t, pr.id})
		if pr.base != "" {
			urls = append(urls, word(tagURI, pr.base+"/"+t+"/"+pr.id))
		}
	}
	n, err := p.edges(s, ids)
	if err != nil || len(urls) == 0 {
		return n, err
	}
	n = p.or([]node{n, p.any(s.text, true, urls...)})
	if pr.version != "" {
		n = n.loose()
	}
	return n, nil
}

func (p *planner) edges(s source, ids []TypeID) (node, error) {
	keys, err := p.keys(ids)
	if err != nil {
		return node{}, err
	}
	if len(keys) == 0 {
		return nothing, nil
	}
	return node{expr: store.To{Rel: p.names.Rel(s.text), Keys: keys}, exact: p.exact}, nil
}

func (p *planner) keys(ids []TypeID) ([]record.Key, error) {
	keys, err := p.names.Keys(p.ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(keys), record.Key.IsZero), nil
}

func (p *planner) is(id string) (node, error) {
	keys, err := p.keys([]TypeID{{p.q.Type, id}})
	if err != nil || len(keys) == 0 {
		return nothing, err
	}
	return node{expr: store.Is{Keys: keys}, exact: true}, nil
}

// during bounds the commit of a version by the time sealed into it, which may
// be up to MaxSkew older.
func (p *planner) during(pr *datePred) node {
	lo, hi := micros(pr.at.lo), micros(pr.at.hi+1)
	// A commit this much later is surely of a version changed later.
	const later = record.MaxSkew + time.Second
	var d, sure store.During
	switch pr.op {
	case opNe:
		return p.or([]node{p.during(&datePred{opLt, pr.at}), p.during(&datePred{opGt, pr.at})})
	case opGt, opSa:
		d.From, sure.From = micros(pr.at.hi), hi.Add(later)
	case opGe:
		d.From, sure.From = lo, lo.Add(later)
	case opLt, opEb:
		d.Until, sure.Until = lo.Add(record.MaxSkew), lo
	case opLe:
		d.Until, sure.Until = hi.Add(record.MaxSkew), micros(pr.at.hi)
	default:
		d.From, d.Until = lo, hi.Add(record.MaxSkew)
		sure.From, sure.Until = lo.Add(later), micros(pr.at.hi)
	}
	// Times of commits are of all classes.
	n := node{expr: store.And{p.class(), d}}
	if p.exact {
		n.sure = store.And{p.class(), sure}
	}
	return n
}

func micros(t int64) time.Time { return time.UnixMicro(t).UTC() }
