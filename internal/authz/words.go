package authz

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cedar-policy/cedar-go"
)

// alphabet is what a rule can tell apart in a set of words: those it names, each,
// and of the others how many there are.
type alphabet struct {
	named uint16   // bits of the words it names
	all   uint16   // bits of all words; 0 if the rule does not look at the set
	likes []uint16 // like of every set
}

// like returns the set that stands for all that the rule cannot tell from this.
func (a alphabet) like(set uint16) uint16 {
	out := set & a.named
	others := a.all &^ a.named
	for n := bits.OnesCount16(set & others); n > 0; n-- {
		lowest := others & -others
		out, others = out|lowest, others&^lowest
	}
	return out
}

// asked returns the sets that stand for others.
func (a alphabet) asked() []uint16 {
	var out []uint16
	for set := 0; set <= int(a.all); set++ {
		if s := uint16(set); a.like(s) == s {
			out = append(out, s)
		}
	}
	return out
}

// alphabets returns what a rule can tell apart of relations and of labels. A rule
// can look at them as a whole only, and compare them with words it names.
func alphabets(one *cedar.Policy) (rels, labs alphabet, err error) {
	src, err := one.MarshalJSON()
	if err != nil {
		return rels, labs, fmt.Errorf("authz.alphabets: %w", err)
	}
	var tree any
	if err := json.Unmarshal(src, &tree); err != nil {
		return rels, labs, fmt.Errorf("authz.alphabets: %w", err)
	}
	texts(tree, func(text string) {
		if i := slices.Index(relations[:], Relation(text)); i >= 0 {
			rels.named |= 1 << i
		}
		if i := slices.Index(labels[:], Label(text)); i >= 0 {
			labs.named |= 1 << i
		}
	})
	rels.look(tree, "relations", everyRelation)
	labs.look(tree, "labels", everyLabel)
	return rels, labs, nil
}

// look settles which words of a set matter to a rule: none if it does not look at
// the set, those it names if it only asks for these, else all.
func (a *alphabet) look(tree any, attr string, every uint16) {
	looks, asks := looksAt(tree, attr)
	switch {
	case looks == 0:
		a.named, a.all = 0, 0
	case looks == asks:
		a.all = a.named
	default:
		a.all = every
	}
	a.likes = make([]uint16, every+1)
	for set := range every + 1 {
		a.likes[set] = a.like(set)
	}
}

// looksAt counts the places where a rule looks at a set of its context, and those
// where it asks whether certain words are in it.
func looksAt(tree any, attr string) (looks, asks int) {
	switch node := tree.(type) {
	case []any:
		for _, child := range node {
			l, a := looksAt(child, attr)
			looks, asks = looks+l, asks+a
		}
	case map[string]any:
		for name, child := range node {
			l, a := looksAt(child, attr)
			looks, asks = looks+l, asks+a
			if name == "." && isAccess(child, attr) {
				looks++
			}
			if in, ok := child.(map[string]any); ok && (name == "contains" || name == "containsAny" || name == "containsAll") {
				left, _ := in["left"].(map[string]any)
				if more, _ := looksAt(in["right"], attr); isAccess(left["."], attr) && more == 0 {
					asks++
				}
			}
		}
	}
	return looks, asks
}

func isAccess(node any, attr string) bool {
	access, ok := node.(map[string]any)
	return ok && access["attr"] == attr
}

// texts calls visit with every text in a rule's JSON form.
func texts(tree any, visit func(string)) {
	switch node := tree.(type) {
	case string:
		visit(node)
	case []any:
		for _, child := range node {
			texts(child, visit)
		}
	case map[string]any:
		for _, child := range node {
			texts(child, visit)
		}
	}
}
