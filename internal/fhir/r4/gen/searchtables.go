package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

var kinds = []string{"", "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"}

// pathTable interns paths: one number for each text and root.
type pathTable struct {
	t       *tables
	index   map[string]int
	paths   bytes.Buffer
	steps   bytes.Buffer
	nPaths  int
	nSteps  int
	sources bytes.Buffer
	nSource int
}

func newPathTable(t *tables) *pathTable {
	return &pathTable{t: t, index: map[string]int{}, nPaths: 1}
}

func (x *pathTable) path(p path) int {
	key := p.String()
	if i, ok := x.index[key]; ok {
		return i
	}
	i := x.nPaths
	x.index[key] = i
	x.nPaths++
	fmt.Fprintf(&x.paths, "{%q,%d,%d,%d,%t},\n", key, x.t.typeIndex[p.root], x.nSteps, x.nSteps+len(p.steps), p.doc)
	for _, s := range p.steps {
		fmt.Fprintf(&x.steps, "{%d,%d,%d,%d,%d},\n", x.t.name(s.name), x.t.typeIndex[s.as], x.t.name(s.where), x.t.name(s.equals), s.index)
		x.nSteps++
	}
	return i
}

func (x *pathTable) source(list []path) (first, end int) {
	first = x.nSource
	for _, p := range list {
		fmt.Fprintf(&x.sources, "{%d,%d,%t},\n", x.path(p), x.t.typeIndex[p.only], p.present)
		x.nSource++
	}
	return first, x.nSource
}

func (t *tables) addSearch(s *searchModel) {
	w := &t.searchFile
	w.WriteString(head)
	x := newPathTable(t)
	var params, comps bytes.Buffer
	nComps := 0
	ranges := make([][2]int, len(t.m.types)+1)
	for i, p := range s.params {
		r := &ranges[t.typeIndex[p.base]]
		if r[1] == 0 {
			r[0] = i
		}
		r[1] = i + 1
		first, end := x.source(p.sources)
		c0 := nComps
		for _, c := range p.components {
			cf, ce := x.source(c.sources)
			fmt.Fprintf(&comps, "{%d,%d,%d},\n", t.name(c.code), cf, ce)
			nComps++
		}
		kind := slices.Index(kinds, p.kind)
		if kind < 0 {
			t.fail = fmt.Errorf("search parameter type %q", p.kind)
		}
		fmt.Fprintf(&params, "{%d,%d,%d,%d,%d,%d,%d},\n", t.name(p.code), t.targetSet(p.targets),
			first, end, c0, nComps, kind)
	}
	fmt.Fprintf(w, "var params = [...]Param{\n%s}\n\nvar components = [...]Component{\n%s}\n\n", params.Bytes(), comps.Bytes())
	w.WriteString("// paramRange is, for each type, its run in params.\nvar paramRange = [...][2]uint16{\n")
	for _, r := range ranges {
		fmt.Fprintf(w, "{%d,%d},", r[0], r[1])
	}
	w.WriteString("}\n\n")
	t.search = x
}

func (t *tables) addCompartments(list []membership) {
	w, x := &t.searchFile, t.search
	w.WriteString("var memberships = [...]membership{\n")
	for _, m := range list {
		first, end := x.source(m.sources)
		fmt.Fprintf(w, "{%d,%d,%d,%d},\n", t.typeIndex[m.compartment], t.typeIndex[m.resource], first, end)
	}
	fmt.Fprintf(w, "}\n\nvar sources = [...]Source{\n%s}\n\nvar paths = [...]pathInfo{{},\n%s}\n\nvar steps = [...]stepInfo{\n%s}\n",
		x.sources.Bytes(), x.paths.Bytes(), x.steps.Bytes())
	if strings.Count(x.sources.String(), "\n") > 65535 {
		t.fail = fmt.Errorf("too many sources")
	}
}
