package search_test

import (
	"slices"
	"strings"
)

// plainStructure is what joins conditions to each other, and the tests of
// _filter.
type plainStructure struct {
	has     *plainQuery // on resources of hasFrom that point here
	hasFrom string
	pointed map[string]bool // Type/id of what they point to, once worked out

	logic string // and, or, not
	kids  []*plainQuery
	op    string // of a test on param, with or's one value unescaped as the kind needs it

	listed map[string]bool // Type/id
	within string          // Type/id of a compartment
}

func (q *plainQuery) structured() bool {
	return q.has != nil || q.kids != nil || q.op != "" || q.listed != nil || q.within != ""
}

func (w *plainWorld) holdsStructure(d *plainDoc, q *plainQuery) bool {
	switch {
	case q.kids != nil:
		return w.holdsJoint(d, q)
	case q.op != "":
		return w.holdsTest(d, q)
	case q.listed != nil:
		return q.listed[d.typ+"/"+d.id]
	case q.within != "":
		return w.holdsWithin(d, q.within)
	}
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

func (w *plainWorld) holdsJoint(d *plainDoc, q *plainQuery) bool {
	for _, kid := range q.kids {
		switch held := w.holds(d, kid); q.logic {
		case "not":
			return !held
		case "and":
			if !held {
				return false
			}
		case "or":
			if held {
				return true
			}
		}
	}
	return q.logic == "and"
}

// holdsTest is a test of _filter (FHIR R4 3.1.3.2): an item of the set does what
// the operator says.
func (w *plainWorld) holdsTest(d *plainDoc, q *plainQuery) bool {
	kind := q.param.kind
	text := q.or[0]
	if q.op == "pr" {
		has := slices.ContainsFunc(d.values(q.param), func(n plainNode) bool { return w.counts(d, kind, n) })
		return has == (text == "true")
	}
	for _, n := range d.values(q.param) {
		switch {
		case kind == "string":
			if plainTextTest(n, q.op, text) {
				return true
			}
		case q.op == "po":
			have, ok := plainSpanOf(d.typ, n)
			want, _ := plainDate(text)
			if ok && (have.from.IsZero() || have.from.Before(want.to)) && (have.to.IsZero() || have.to.After(want.from)) {
				return true
			}
		case kind == "date" || kind == "number" || kind == "quantity":
			if w.value(d, kind, "", q.param, n, q.op+text) {
				return true
			}
		case q.op == "ne" && kind == "token":
			for _, item := range plainItems(n) {
				if !w.value(d, kind, "", q.param, item, text) {
					return true
				}
			}
		case q.op == "ne":
			if !w.value(d, kind, "", q.param, n, text) {
				return true
			}
		default:
			if w.value(d, kind, q.modifier, q.param, n, text) {
				return true
			}
		}
	}
	return false
}

// plainItems parts a concept into its codings.
func plainItems(n plainNode) (out []plainNode) {
	obj, _ := n.v.(map[string]any)
	list, ok := obj["coding"].([]any)
	if !ok {
		return []plainNode{n}
	}
	for _, c := range list {
		out = append(out, plainNode{v: c, name: n.name})
	}
	return out
}

func plainTextTest(n plainNode, op, want string) bool {
	needle := plainNormal(want)
	return slices.ContainsFunc(nameParts(n), func(s string) bool {
		switch s = plainNormal(s); op {
		case "eq":
			return s == needle
		case "ne":
			return s != needle
		case "co":
			return strings.Contains(s, needle)
		case "sw":
			return strings.HasPrefix(s, needle)
		}
		return strings.HasSuffix(s, needle)
	})
}

// Parameters that put a resource into a compartment (FHIR R4, Patient and
// Encounter compartments), of some types.
var plainCompartments = map[string]map[string][]string{
	"Patient": {
		"Observation": {"subject", "performer"}, "Condition": {"patient", "asserter"}, "Encounter": {"patient"}, "Procedure": {"patient", "performer"},
		"MedicationRequest": {"subject"}, "DiagnosticReport": {"subject"}, "CarePlan": {"patient", "performer"}, "Patient": {"link"},
	},
	"Encounter": {
		"Observation": {"encounter"}, "Condition": {"encounter"}, "Procedure": {"encounter"}, "MedicationRequest": {"encounter"},
		"DiagnosticReport": {"encounter"}, "CarePlan": {"encounter"}, "Encounter": {},
	},
}

func (w *plainWorld) holdsWithin(d *plainDoc, compartment string) bool {
	of, _, _ := strings.Cut(compartment, "/")
	for _, code := range plainCompartments[of][d.typ] {
		for _, n := range d.values(w.params[d.typ][code]) {
			ref, _, _ := strings.Cut(n.text("reference"), "/_history/")
			if ref == compartment || of != "Patient" && ref == w.base+"/"+compartment {
				return true
			}
		}
	}
	return d.typ+"/"+d.id == compartment
}
