// Command sbom writes the bill of materials (CycloneDX 1.6, JSON) of built programs:
// the Go modules that are linked into them, as the programs themselves tell, and the npm
// packages that are bundled into pages, as the bundler told.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	out := flag.String("o", "", "file to write; standard output if it is left out")
	web := flag.String("web", "web", "folder of package-lock.json")
	bundled := flag.String("bundled", "internal/portal/assets/dist/packages.json", "list of packages that the bundler used")
	version := flag.String("version", "unknown", "version of the programs")
	at := flag.String("time", "", "time of the source, RFC 3339; left out if it is not known")
	flag.Parse()
	err := run(*out, *web, *bundled, *version, *at, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(out, web, bundled, version, at string, programs []string) error {
	if len(programs) == 0 {
		return errors.New("name the programs, such as bin/wardkeep")
	}
	if at != "" {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return fmt.Errorf("-time: %w", err)
		}
		at = t.UTC().Format(time.RFC3339)
	}
	var infos []*buildinfo.BuildInfo
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return fmt.Errorf("%s is no Go program: %w", program, err)
		}
		infos = append(infos, info)
	}
	components, err := modules(infos)
	if err != nil {
		return err
	}
	packages, err := npmPackages(web, bundled)
	if err != nil {
		return err
	}
	b, err := newBOM(version, at, programs, append(components, packages...))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if out == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(out, text, 0o644)
}
