package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

const canonical = "http://hl7.org/fhir/StructureDefinition/"

// correct brings a structure back to R4 4.0.1. What an element may be is said by
// the tables of package r4, whose generator removes what the source adds: an
// element they do not have is dropped, one they have alone is made from them,
// and where types, targets or required bindings differ, theirs stand.
//
// The source mends four invariants that R4 has wrong, and they are kept so:
// app-4, bdl-8, ras-2, tim-9.
func correct(r object) error {
	snapshot, _ := r["snapshot"].(object)
	elements := list(snapshot, "element")
	if len(elements) == 0 {
		return fmt.Errorf("no snapshot")
	}
	elements = slices.DeleteFunc(elements, func(e object) bool { return !known(text(e, "path")) })
	if text(r, "derivation") != "constraint" && text(r, "kind") != "primitive-type" {
		// A base definition names a choice once; only a profile names its types.
		elements = slices.DeleteFunc(elements, func(e object) bool { _, m := member(text(e, "path")); return m.IsChoice() })
		for _, e := range elements {
			if err := settle(e); err != nil {
				return err
			}
		}
		elements = complete(elements, text(r, "type"))
	}
	for _, e := range elements {
		tidy(e)
	}
	out := make([]any, len(elements))
	for i, e := range elements {
		out[i] = e
	}
	snapshot["element"] = out
	return nil
}

// member finds an element in the tables, 0 if they do not have it or it is the
// root of a type.
func member(path string) (owner r4.TypeID, m r4.MemberID) {
	steps := strings.Split(path, ".")
	owner = r4.TypeByName(steps[0])
	for i, name := range steps[1:] {
		if m != 0 {
			if owner = m.Type(); owner == 0 {
				return 0, 0
			}
		}
		m = r4.Lookup(owner, strings.TrimSuffix(name, "[x]"))
		if m == 0 && i+2 < len(steps) || owner.IsPrimitive() {
			return owner, 0
		}
	}
	return owner, m
}

// known reports whether R4 has the element. A profile may name the choice by one
// of its types, and walk into any type.
func known(path string) bool {
	if !strings.Contains(path, ".") {
		return true
	}
	owner, m := member(path)
	return m != 0 || owner == 0 || owner.IsPrimitive()
}

// settle makes an element of a base definition what the tables say it is.
func settle(e object) error {
	path := text(e, "path")
	_, m := member(path)
	if m == 0 || e["contentReference"] != nil {
		return nil
	}
	types := list(e, "type")
	for _, t := range types {
		if text(t, "code") != "Reference" {
			continue
		}
		value := m
		if m.IsChoiceBase() {
			owner, _ := member(path)
			value = r4.Lookup(owner, m.Name()+"Reference")
		}
		restrict(t, value.Targets())
	}
	if len(types) == 1 && m.Type().Kind() != r4.Backbone && !strings.HasPrefix(text(types[0], "code"), "http") &&
		text(types[0], "code") != m.Type().FHIRType() {
		types[0]["code"] = m.Type().FHIRType()
	}
	if m.IsRequired() && e["min"] == float64(0) {
		e["min"] = 1
	}
	b, _ := e["binding"].(object)
	if codes := m.Binding(); b != nil && codes != 0 && !sameURL(text(b, "valueSet"), codes.URL()) {
		b["valueSet"] = codes.URL() + "|4.0.1"
	}
	return nil
}

func sameURL(canonical, url string) bool {
	bare, _, _ := strings.Cut(canonical, "|")
	return bare == url
}

// restrict drops targets that R4 does not allow.
func restrict(t object, targets []r4.TypeID) {
	profiles, _ := t["targetProfile"].([]any)
	t["targetProfile"] = slices.DeleteFunc(profiles, func(p any) bool {
		name, ok := strings.CutPrefix(p.(string), canonical)
		return !ok || len(targets) > 0 && !slices.ContainsFunc(targets, func(x r4.TypeID) bool { return x.String() == name })
	})
	if len(t["targetProfile"].([]any)) == 0 {
		delete(t, "targetProfile")
	}
}

// complete adds the elements that only the tables have, each behind the last of
// its siblings.
func complete(elements []object, root string) []object {
	for _, path := range missing(elements, r4.TypeByName(root), root, 0) {
		parent := path[:strings.LastIndexByte(path, '.')]
		at := 0
		for i, e := range elements {
			if p := text(e, "path"); p == parent || strings.HasPrefix(p, parent+".") {
				at = i
			}
		}
		elements = slices.Insert(elements, at+1, made(path))
	}
	return elements
}

func missing(elements []object, t r4.TypeID, path string, depth int) []string {
	var out []string
	for m, end := t.Members(); m < end; m++ {
		name := m.Name()
		if m.IsChoice() {
			continue
		}
		if m.IsChoiceBase() {
			name += "[x]"
		}
		here := path + "." + name
		if !slices.ContainsFunc(elements, func(e object) bool { return text(e, "path") == here }) {
			out = append(out, here)
		} else if m.Type().Kind() == r4.Backbone && m.Type().String() == here && depth < 9 {
			out = append(out, missing(elements, m.Type(), here, depth+1)...)
		}
	}
	return out
}

// made makes an element from the tables.
func made(path string) object {
	owner, m := member(path)
	e := object{"id": path, "path": path, "min": 0, "max": "1"}
	if m.IsRequired() {
		e["min"] = 1
	}
	if m.IsList() {
		e["max"] = "*"
	}
	e["base"] = object{"path": path, "min": e["min"], "max": e["max"]}
	var types []any
	for v, end := owner.Members(); v < end; v++ {
		if v.Ordinal() != m.Ordinal() || v.IsChoiceBase() {
			continue
		}
		t := object{"code": v.Type().FHIRType()}
		var profiles []any
		for _, target := range v.Targets() {
			profiles = append(profiles, canonical+target.String())
		}
		if profiles != nil {
			t["targetProfile"] = profiles
		}
		types = append(types, t)
	}
	e["type"] = types
	e["constraint"] = []any{object{
		"key": "ele-1", "severity": "error", "human": "All FHIR elements must have a @value or children",
		"expression": "hasValue() or (children().count() > id.count())",
	}}
	if m.InSummary() {
		e["isSummary"] = true
	}
	if codes := m.Binding(); codes != 0 {
		e["binding"] = object{"strength": "required", "valueSet": codes.URL() + "|4.0.1"}
	}
	return e
}

// tidy drops what says nothing, and an invariant over elements of R5.
func tidy(e object) {
	for _, name := range []string{"isModifier", "isSummary", "mustSupport"} {
		if e[name] == false {
			delete(e, name)
		}
	}
	if constraints, ok := e["constraint"].([]any); ok {
		e["constraint"] = slices.DeleteFunc(constraints, func(c any) bool { return text(c.(object), "key") == "evv-1" })
	}
	for _, t := range list(e, "type") {
		keepExtensions(t, "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type")
	}
	if b, ok := e["binding"].(object); ok {
		keepExtensions(b, "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet")
	}
}

func keepExtensions(o object, url string) {
	all, _ := o["extension"].([]any)
	all = slices.DeleteFunc(all, func(x any) bool { return text(x.(object), "url") != url })
	if o["extension"] = all; len(all) == 0 {
		delete(o, "extension")
	}
}

// dropForeignCodes drops the one code the source adds to a code system of R4.
func dropForeignCodes(r object) {
	if text(r, "url") != "http://hl7.org/fhir/questionnaire-item-control" {
		return
	}
	groups := list(r, "concept")
	for len(groups) > 0 {
		g := groups[0]
		groups = append(groups[1:], list(g, "concept")...)
		if concepts, ok := g["concept"].([]any); ok {
			g["concept"] = slices.DeleteFunc(concepts, func(c any) bool { return text(c.(object), "code") == "multi-select" })
		}
	}
}
