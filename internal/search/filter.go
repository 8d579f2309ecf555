package search

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A filter is the text of _filter (FHIR R4 3.1.3), read.
type filter struct {
	logic logic
	kids  []*filter // of and, or, not; else it is a test:

	path  []filterStep
	op    string
	value string
}

// filterStep is a parameter on a filter's path, and what must hold for what it
// points to.
type filterStep struct {
	name  string
	where *filter
}

// Limits of one filter.
const (
	maxFilterText  = 16 << 10
	maxFilterTests = 100
	maxFilterNest  = 32
)

var filterOps = [...]string{"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po", "ss", "sb", "in", "re"}

// filterReader reads a filter from left to right. Its errors hold the place and
// never the text.
type filterReader struct {
	s     string
	i     int
	tests int
	nest  int
}

func readFilter(s string) (*filter, error) {
	if len(s) > maxFilterText {
		return nil, invalid("too-costly", fmt.Sprintf("_filter has more than %d bytes.", maxFilterText))
	}
	r := filterReader{s: s}
	f, err := r.filter()
	if err == nil && r.skip() < len(s) {
		err = r.wrong("and, or, or the end")
	}
	return f, err
}

func (r *filterReader) wrong(want string) error {
	at := utf8.RuneCountInString(r.s[:min(r.i, len(r.s))]) + 1
	return invalid("value", fmt.Sprintf("_filter: at character %d there should be %s.", at, want))
}

// skip passes blanks and returns where it is.
func (r *filterReader) skip() int {
	for r.i < len(r.s) && strings.IndexByte(" \t\r\n", r.s[r.i]) >= 0 {
		r.i++
	}
	return r.i
}

func (r *filterReader) take(c byte) bool {
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

// word passes a name and returns it.
func (r *filterReader) word() string {
	from := r.skip()
	for r.i < len(r.s) && (r.s[r.i] < utf8.RuneSelf && (unicode.IsLetter(rune(r.s[r.i])) || unicode.IsDigit(rune(r.s[r.i])) || strings.IndexByte("_-:", r.s[r.i]) >= 0)) {
		r.i++
	}
	return r.s[from:r.i]
}

// filter reads tests and what joins them. There is no precedence: "and" and
// "or" are taken from left to right.
func (r *filterReader) filter() (*filter, error) {
	if r.nest++; r.nest > maxFilterNest {
		return nil, invalid("too-costly", fmt.Sprintf("_filter is nested deeper than %d.", maxFilterNest))
	}
	defer func() { r.nest-- }()
	left, err := r.operand()
	for err == nil {
		from := r.skip()
		logic := allOf
		switch r.word() {
		case "and":
		case "or":
			logic = anyOf
		default:
			r.i = from
			return left, nil
		}
		var right *filter
		if right, err = r.operand(); err == nil {
			if left.kids == nil || left.logic != logic {
				left = &filter{logic: logic, kids: []*filter{left}}
			}
			left.kids = append(left.kids, right)
		}
	}
	return nil, err
}

// operand reads a test, (filter) or not(filter).
func (r *filterReader) operand() (*filter, error) {
	from := r.skip()
	if r.take('(') {
		f, err := r.closed(')')
		if err == nil && f.kids != nil { // what follows is not joined into it
			f = &filter{logic: allOf, kids: []*filter{f}}
		}
		return f, err
	}
	if r.word() == "not" && r.skip() < len(r.s) && r.take('(') {
		f, err := r.closed(')')
		return &filter{logic: noneOf, kids: []*filter{f}}, err
	}
	r.i = from
	return r.test()
}

// closed reads a filter up to its closing bracket.
func (r *filterReader) closed(end byte) (*filter, error) {
	f, err := r.filter()
	if r.skip(); err == nil && !r.take(end) {
		err = r.wrong("and, or, or " + string(end))
	}
	return f, err
}

// test reads path, operator and value.
func (r *filterReader) test() (*filter, error) {
	if r.tests++; r.tests > maxFilterTests {
		return nil, invalid("too-costly", fmt.Sprintf("_filter has more than %d tests.", maxFilterTests))
	}
	f := &filter{}
	for {
		step := filterStep{name: r.word()}
		if step.name == "" {
			return nil, r.wrong("the name of a search parameter, not( or (")
		}
		if r.take('[') {
			var err error
			if step.where, err = r.closed(']'); err != nil {
				return nil, err
			}
		}
		if f.path = append(f.path, step); !r.take('.') {
			break
		}
	}
	from := r.i
	if f.op = r.word(); r.skip() == from || !slices.Contains(filterOps[:], f.op) {
		r.i = from
		return nil, r.wrong("a blank and one of " + strings.Join(filterOps[:], ", "))
	}
	return f, r.valueOf(f)
}

// valueOf reads a JSON string, or what goes on to the next blank or bracket.
func (r *filterReader) valueOf(f *filter) error {
	from := r.skip()
	if r.take('"') {
		for ; r.i < len(r.s); r.i++ {
			if r.s[r.i] == '\\' {
				r.i++
			} else if r.take('"') {
				if json.Unmarshal([]byte(r.s[from:r.i]), &f.value) == nil && f.value != "" {
					return nil
				}
				break
			}
		}
		r.i = from
		return r.wrong("a JSON string that is closed and not empty")
	}
	end := strings.IndexFunc(r.s[from:], func(c rune) bool { return c == ')' || c == ']' || unicode.IsSpace(c) })
	if end < 0 {
		end = len(r.s) - from
	}
	if r.i = from + end; end == 0 {
		return r.wrong("a value")
	}
	f.value = r.s[from:r.i]
	return nil
}
