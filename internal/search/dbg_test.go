package search

import (
	"fmt"
	"sort"
	"testing"
)

func TestDbg(t *testing.T) {
	m := map[string]int{}
	ex := map[string]string{}
	n := 0
	for _, s := range schemas() {
		for _, e := range s.elements {
			for _, f := range e.fields {
				n++
				for _, ty := range e.types {
					k := string(f.kind) + " " + ty.String()
					if f.leaf != "" {
						k = string(f.kind) + " leaf " + ty.String()
					}
					m[k]++
					ex[k] = e.text
				}
			}
		}
	}
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	for _, k := range ks {
		fmt.Println(k, m[k], ex[k])
	}
	fmt.Println("fields", n)
	s := schemaOf("Observation")
	for _, e := range s.elements {
		for _, f := range e.fields {
			fmt.Println(e.text, string(f.kind), f.words, e.repeats, e.required, e.group)
		}
	}
	for _, e := range schemaOf("Patient").elements {
		for _, f := range e.fields {
			fmt.Println(e.text, string(f.kind), f.words, e.repeats, e.required, e.group)
		}
	}
	for _, s := range schemas() {
		seen := map[fieldID]string{}
		for _, e := range s.elements {
			for _, f := range e.fields {
				if o, ok := seen[f.id]; ok {
					t.Error(o, e.text)
				}
				seen[f.id] = e.text
			}
		}
	}
}
