package fhir

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Restore puts the numbers of old, which is nil if there is none, where next has what
// its author was shown of them: identifiers of the same system and the same last
// characters, in their order, and the strings that repeat a number. A masked value that
// none of old's fits, or several and not one each, is refused by its place; in a Bundle,
// which may keep what its author saw, it stays.
func (n *Numbers) Restore(old, next *Resource) (*Resource, error) {
	k := keeper{numbers: n, next: splicer{r: next}, shown: map[shownNumber][]Node{}, asked: map[shownNumber]int{}, alike: map[shownNumber]bool{}}
	var texts map[string]string
	if old != nil {
		texts = k.learn(old)
	}
	marks := k.marks()
	for _, m := range marks {
		k.asked[m.as]++
	}
	var lost []fault.Issue
	taken := map[shownNumber]int{}
	for _, m := range marks {
		stored, ok := k.fits(m.as, taken[m.as])
		taken[m.as]++
		switch {
		case ok:
			k.restore(m.value, stored)
		case next.Type() != "Bundle":
			lost = append(lost, fault.Issue{Severity: "error", Code: "business-rule", Expression: m.value.Path(), Text: lostText})
		}
	}
	if lost != nil {
		return nil, &fault.Error{Kind: fault.Unprocessable, Op: "fhir.Restore", Public: lostText, Issues: lost}
	}
	if err := k.texts(texts); err != nil {
		return nil, err
	}
	if len(k.next.changes) == 0 {
		return next, nil
	}
	return Parse(k.next.text())
}

const lostText = "The value is masked, and no number of the record is the one that it stands for. Send the whole number, or the element as you were shown it."

// shownNumber is what somebody was shown of a number.
type shownNumber struct{ at, system, text string }

type keeper struct {
	numbers *Numbers
	next    splicer
	shown   map[shownNumber][]Node // values of old, in order
	asked   map[shownNumber]int    // how often each is in next
	alike   map[shownNumber]bool   // whether all those shown so are the same
}

// learn notes what is shown of the numbers of old, and returns the strings that repeat
// one, by what is shown of them; "" for what several are shown as.
func (k *keeper) learn(old *Resource) map[string]string {
	hits := k.numbers.In(old)
	for _, hit := range hits {
		value, number := valueOf(hit)
		if !value.Exists() {
			continue
		}
		as := shownAs(hit, Obscured(number))
		k.shown[as] = append(k.shown[as], value)
		if as.text != "" { // whoever lost the extensions does not know them
			as.text = ""
			k.shown[as] = append(k.shown[as], value)
		}
	}
	texts, values := map[string]string{}, map[uint32]bool{}
	for _, hit := range hits {
		value, _ := valueOf(hit)
		values[value.i] = true
	}
	for i, shown := range needlesOf(hits).texts(old) {
		if values[i] {
			continue
		}
		whole := Node{old.d, i, old.root}.Text()
		if was, ok := texts[shown]; ok && was != whole {
			whole = ""
		}
		texts[shown] = whole
	}
	return texts
}

func shownAs(hit Node, text string) shownNumber {
	if hit.item().typ == r4.Identifier {
		return shownNumber{"Identifier", hit.Get("system").Text(), text}
	}
	return shownNumber{hit.item().member.Name(), "", text}
}

// mark is a masked value in next, and what it shows.
type mark struct {
	value Node
	as    shownNumber
}

// marks finds the masked values: those that say so, those that have lost their
// extensions on the way, and those whose shape was taken for the value.
func (k *keeper) marks() (list []mark) {
	r := k.next.r
	for i := r.root + 1; i < r.d.items[r.root].next; i++ {
		at := Node{r.d, i, r.root}
		it := at.item()
		_, whole := k.numbers.Elements[it.member]
		if it.flags&flagShadow != 0 || it.typ != r4.Identifier && !whole {
			continue
		}
		value := at
		if it.typ == r4.Identifier {
			value = at.Get("value")
		}
		text := value.Text()
		switch as := shownAs(at, ""); {
		case value.Exists() && isMasked(value):
			if as.text = rendered(value); whole || k.numbers.names(at) || k.shown[as] != nil {
				list = append(list, mark{value, as})
			}
		case strings.Contains(text, "**") && (whole || k.numbers.names(at) || k.shown[shownAs(at, text)] != nil):
			as.text = text
			list = append(list, mark{value, as})
		case !value.Exists() && k.shown[as] != nil && k.numbers.names(at):
			list = append(list, mark{at, as}) // the value's place is in it
		}
	}
	return list
}

// fits returns the stored value that the nth value shown so stands for: the only one,
// or of as many as are sent the one in its order.
func (k *keeper) fits(as shownNumber, nth int) (Node, bool) {
	stored := k.shown[as]
	switch {
	case len(stored) == 0:
		return Node{}, false
	case len(stored) == k.asked[as]:
		return stored[nth], true
	}
	alike, known := k.alike[as]
	if !known {
		alike = !slices.ContainsFunc(stored, func(n Node) bool { return n.Text() != stored[0].Text() })
		k.alike[as] = alike
	}
	return stored[0], alike
}

// restore puts a stored value, with its extensions, where a masked one is.
func (k *keeper) restore(masked, stored Node) {
	e, it := &k.next, masked.item()
	if it.typ == r4.Identifier {
		at := it.start + 1
		e.splice(at, at, append(memberText("value", stored), ','))
		return
	}
	e.splice(e.key(masked.i), it.end, memberText(it.member.JSONName(), stored))
	if it.ext != 0 {
		e.remove(it.ext)
	}
}

// memberText writes a primitive with its extensions under a name.
func memberText(name string, value Node) (text []byte) {
	it := value.item()
	body := value.d.body
	if it.flags&flagNoValue == 0 {
		text = append(append(text, `"`+name+`":`...), body[it.start:it.end]...)
	}
	shadow := it.ext
	if it.flags&flagNoValue != 0 {
		shadow = value.i
	}
	if shadow != 0 {
		if len(text) > 0 {
			text = append(text, ',')
		}
		s := value.d.items[shadow]
		text = append(append(text, `"_`+name+`":`...), body[s.start:s.end]...)
	}
	return text
}

// texts puts back the strings that were shown with a number masked, and refuses one
// that stands for several.
func (k *keeper) texts(whole map[string]string) error {
	if len(whole) == 0 {
		return nil
	}
	r := k.next.r
	k.next.settle()
	seen := splicer{r: r, changes: slices.Clone(k.next.changes)}
	for i := r.root + 1; i < r.d.items[r.root].next; i++ {
		it := &r.d.items[i]
		if it.typ != r4.String && it.typ != r4.Markdown || it.flags != 0 || seen.gone(i) {
			continue
		}
		at := Node{r.d, i, r.root}
		text, ok := whole[at.Text()]
		switch {
		case !ok:
		case text == "":
			return &fault.Error{Kind: fault.Unprocessable, Op: "fhir.Restore", Public: lostText,
				Issues: []fault.Issue{{Severity: "error", Code: "business-rule", Expression: at.Path(), Text: lostText}}}
		default:
			k.next.replace(i, text)
		}
	}
	return nil
}
