package main

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// attack is one run: the world, who is in it, and how much of it is tried.
type attack struct {
	*world
	*cast
	s         *server
	rng       *rand.Rand
	each      int // attempts of each cell
	sample    bool
	second    *attack // the same of the house beside
	crossings []*crossing
}

// doors are the side doors: every road, for everybody, to every record.
func (a *attack) doors() (all []attempt) {
	for _, c := range a.everybody() {
		for _, rd := range slices.Concat(looks, changeRoads) {
			all = append(all, a.door(c, rd)...)
		}
	}
	return all
}

// door tries one road as one caller: some records of each relation, and all that may
// be seen.
func (a *attack) door(c *caller, rd road) (all []attempt) {
	hidden := map[string][]*record{}
	var open []*record
	for _, r := range a.records() {
		if rd.types != nil && !slices.Contains(rd.types, r.Type) {
			continue
		}
		switch a.expects(c, rd, r) {
		case expect.Forbidden:
			name := c.relation(a.byID[r.Patient])
			hidden[name] = append(hidden[name], r)
		case expect.Allowed:
			open = append(open, r)
		}
	}
	for _, relation := range sorted(hidden) {
		list := hidden[relation]
		a.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		left := a.each
		for _, r := range list {
			if left == 0 {
				break
			}
			if t, ok := a.forbidden(c, rd, r, relation); ok {
				all = append(all, t)
				left--
			}
		}
	}
	return append(all, a.legitimate(c, rd, open)...)
}

func (a *attack) expects(c *caller, rd road, r *record) expect.Answer {
	t := a.target(c, r, "")
	switch {
	case rd.letter == "u+":
		return expect.MayUnmask(c.Who)
	case rd.letter == "" && rd.by != "" && a.may(c, r, rd.by) == expect.Forbidden:
		return expect.Forbidden // nobody finds a record by what he is not shown
	case rd.letter == "":
		return a.may(c, r, "")
	}
	if rd.letter == "c" { // what is made need not be marked
		t.Marks = nil
	}
	if got := expect.MayChange(c.Who, t, rd.letter); got == expect.Forbidden {
		return got
	}
	return expect.Unsaid
}

func (a *attack) forbidden(c *caller, rd road, r *record, relation string) (attempt, bool) {
	p := a.byID[r.Patient]
	q := rd.make(a.world, p, r)
	if q.Target == "" {
		return attempt{}, false
	}
	t := attempt{Route: rd.name, Trick: "side door", As: c, Relation: relation, Type: r.Type, Target: r, Req: q, Want: rd.want}
	switch {
	case rd.letter == "u+":
		t.Trick = "unmask"
	case rd.letter != "":
		t.Trick = "change"
	}
	if rd.twin && (c.Who.Kind != "client" || rd.letter != "u") { // programs may choose ids: there an update makes a record
		t.Twin = a.nothing(q, r)
	}
	return t, true
}

// nothing is the same request for a record that does not exist.
func (a *attack) nothing(q request, r *record) *request {
	none := q
	none.Header = slices.Clone(q.Header)
	for _, word := range []string{r.ID, r.Identifier} {
		if word != "" {
			none.Target = strings.ReplaceAll(none.Target, word, a.word("nothing", word))
			none.Body = strings.ReplaceAll(none.Body, word, a.word("nothing", word))
			for i := range none.Header {
				none.Header[i] = strings.ReplaceAll(none.Header[i], word, a.word("nothing", word))
			}
		}
	}
	return &none
}

// legitimate are looks that must be answered, with what may be seen.
func (a *attack) legitimate(c *caller, rd road, open []*record) (all []attempt) {
	if !rd.show || rd.letter != "" {
		return nil
	}
	if a.sample {
		a.rng.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		open = open[:min(len(open), 4)]
	}
	for _, r := range open {
		q := rd.make(a.world, a.byID[r.Patient], r)
		if q.Target == "" {
			continue
		}
		show := a.shows(c, r)
		all = append(all, attempt{Route: rd.name, Trick: "legitimate", As: c, Relation: c.relation(a.byID[r.Patient]), Type: r.Type, Target: r, Req: q, Want: shown, Show: show})
	}
	return all
}

// shows are the canaries that somebody must be shown of a record.
func (a *attack) shows(c *caller, r *record) []string {
	show := []string{}
	for e, words := range r.Elements {
		if (r.Type != "Binary" || e != "id") && a.may(c, r, e) == expect.Allowed {
			show = append(show, words...)
		}
	}
	return show
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
