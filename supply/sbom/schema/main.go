// Command schema holds a bill of materials to the schema of CycloneDX 1.6. It is a module
// of its own, so that nothing it needs is among what the programs need.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	_ "github.com/CycloneDX/cyclonedx-go" // whose source holds the schema
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// files of the schema, by the addresses they have among each other.
var files = map[string]string{
	"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
}

func main() {
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check reads the schema from a folder and a bill from a file.
func check(dir, bill string) error {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for address, name := range files {
		doc, err := read(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+address, doc); err != nil {
			return err
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		return err
	}
	doc, err := read(bill)
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func read(path string) (any, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return jsonschema.UnmarshalJSON(f)
}
