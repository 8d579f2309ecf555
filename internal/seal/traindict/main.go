// Command traindict makes the dictionaries that bodies are compressed with.
//
// The history of a dictionary is a set of templates of common resources with
// their blanks left empty, rare ones first and common ones last; its entropy
// tables are trained on the same templates filled with invented values, always
// the same ones. No record of a person, not even a synthetic hospital's, goes
// in: a dictionary is public, and what it holds could be told from the sizes of
// what it compresses.
//
// A dictionary that has been released is never made again, because what was
// sealed with it needs the very same bytes: a better one gets the next id.
//
//	go run ./internal/seal/traindict -id 1 -out internal/seal/dict/1.zdict
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"

	"github.com/klauspost/compress/zstd"
)

//go:embed templates/*.ndjson
var templates embed.FS

var blanks = regexp.MustCompile(`\{\{[a-z]+\}\}`)

// order is that of the history. What lies nearer its end is cheaper to point at.
var order = []string{
	"other", "place", "practitioner", "allergy", "care", "service", "patient", "medication", "document",
	"immunization", "encounter", "report", "claim", "benefit", "condition", "procedure", "observation",
}

func main() {
	id := flag.Uint("id", 1, "id of the dictionary, 1 to 255")
	rounds := flag.Int("rounds", 40, "resources made from each template")
	seed := flag.Uint64("seed", 1, "seed of the values")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if *out == "" || *id < 1 || *id > 255 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(uint32(*id), *rounds, *seed, *out); err != nil {
		fmt.Fprintln(os.Stderr, "traindict:", err)
		os.Exit(1)
	}
}

func run(id uint32, rounds int, seed uint64, out string) error {
	lines, err := readTemplates()
	if err != nil {
		return err
	}
	samples, err := fill(lines, rounds, seed)
	if err != nil {
		return err
	}
	trained, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID:       id,
		Contents: samples,
		History:  history(lines),
		Offsets:  [3]int{1, 4, 8},
		Level:    zstd.SpeedFastest,
	})
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return os.WriteFile(out, trained, 0o644)
}

// readTemplates returns one template a line, in the order of the history.
func readTemplates() ([][]byte, error) {
	var lines [][]byte
	for _, name := range order {
		text, err := templates.ReadFile("templates/" + name + ".ndjson")
		if err != nil {
			return nil, err
		}
		lines = append(lines, bytes.Split(bytes.TrimSpace(text), []byte("\n"))...)
	}
	return lines, nil
}

// fill returns resources without white space, as they are sealed.
func fill(lines [][]byte, rounds int, seed uint64) ([][]byte, error) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	var samples [][]byte
	for i, line := range lines {
		for range rounds {
			m := &maker{rnd: rnd, said: map[string]string{}}
			filled := blanks.ReplaceAllFunc(line, func(b []byte) []byte {
				return []byte(m.blank(string(b[2 : len(b)-2])))
			})
			if !json.Valid(filled) {
				return nil, fmt.Errorf("template %d is not JSON", i)
			}
			samples = append(samples, filled)
		}
	}
	return samples, nil
}

// history lists every coding once, then the templates. Blanks of pools take
// turns; those that are never alike in two resources stay empty.
func history(lines [][]byte) []byte {
	var h []byte
	for _, pool := range slices.Sorted(maps.Keys(pools)) {
		for _, c := range pools[pool] {
			h = fmt.Appendf(h, `"code":"%s","display":"%s"}],"text":"%s"},`, c.code, c.display, c.display)
		}
	}
	turn := 0
	for _, line := range lines {
		m := &maker{said: map[string]string{}}
		h = append(h, blanks.ReplaceAllFunc(line, func(b []byte) []byte {
			turn++
			return []byte(m.empty(string(b[2:len(b)-2]), turn))
		})...)
	}
	return h
}
