package main

import (
	"fmt"
	"slices"
)

// codeSet is a value set all of whose codes are known here.
type codeSet struct {
	url    string
	system string // the only one, or ""
	codes  []string
}

// enumerate lists the codes of a value set, and says why if it cannot.
func (d *definitions) enumerate(url string) (codeSet, error) {
	set := codeSet{url: url}
	vs, ok := d.valueSets[url]
	if !ok {
		return set, fmt.Errorf("the value set is not in the definitions")
	}
	if len(vs.Compose.Exclude) > 0 {
		return set, fmt.Errorf("the value set excludes codes")
	}
	var systems []string
	for _, in := range vs.Compose.Include {
		if len(in.Filter) > 0 || len(in.ValueSet) > 0 {
			return set, fmt.Errorf("the value set is defined by a filter or by another set")
		}
		systems = append(systems, in.System)
		concepts := in.Concept
		if len(concepts) == 0 {
			cs, ok := d.codeSystems[in.System]
			if !ok || cs.Content != "complete" {
				return set, fmt.Errorf("code system %s is not complete in the definitions", in.System)
			}
			concepts = cs.Concept
		}
		set.codes = appendCodes(set.codes, concepts)
	}
	slices.Sort(set.codes)
	set.codes = slices.Compact(set.codes)
	if len(set.codes) == 0 {
		return set, fmt.Errorf("no codes")
	}
	slices.Sort(systems)
	if systems = slices.Compact(systems); len(systems) == 1 {
		set.system = systems[0]
	}
	return set, nil
}

func appendCodes(dst []string, concepts []concept) []string {
	for _, c := range concepts {
		dst = append(dst, c.Code)
		dst = appendCodes(dst, c.Concept)
	}
	return dst
}
