package search_test

import "strings"

// plainStructure is what joins conditions to each other.
type plainStructure struct {
	has     *plainQuery // on resources of hasFrom that point here
	hasFrom string
	pointed map[string]bool // Type/id of what they point to, once worked out
}

func (q *plainQuery) structured() bool { return q.has != nil }

func (w *plainWorld) holdsStructure(d *plainDoc, q *plainQuery) bool {
	if q.pointed == nil {
		q.pointed = map[string]bool{}
		for _, from := range w.docs {
			if from.typ != q.hasFrom || !w.holds(from, q.has) {
				continue
			}
			for _, n := range from.values(q.param) {
				ref, _, _ := strings.Cut(n.text("reference"), "/_history/")
				q.pointed[ref] = true
			}
		}
	}
	return q.pointed[d.typ+"/"+d.id]
}
