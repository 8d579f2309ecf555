package main

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// corpus is the data set as files: those of places and practitioners, which all
// copies share, and one of each patient.
type corpus struct {
	shared, patients []string
	keep             map[string]bool // uuids of what is shared
}

func openCorpus(dir string) (*corpus, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json.bz2"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("there are no *.json.bz2 bundles in %s; name another folder by -data", dir)
	}
	c := &corpus{keep: map[string]bool{}}
	for _, name := range names {
		if base := filepath.Base(name); strings.HasPrefix(base, "0-") {
			c.shared = append(c.shared, name)
		} else {
			c.patients = append(c.patients, name)
		}
	}
	for _, name := range c.shared {
		text, err := readBundle(name)
		if err != nil {
			return nil, err
		}
		eachUUID(text, func(uuid []byte) { c.keep[string(uuid)] = true })
	}
	return c, nil
}

// first takes only so many patients.
func (c *corpus) first(n int) {
	c.patients = c.patients[:min(n, len(c.patients))]
}

func (c *corpus) files() []string { return slices.Concat(c.shared, c.patients) }

func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the data cannot be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(bzip2.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be unpacked: %w", filepath.Base(path), err)
	}
	return text, nil
}

// writeCopies lays copies from..to of every patient into dir, gzipped.
func (c *corpus) writeCopies(dir string, from, to int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("copies cannot be made: %w", err)
	}
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, path := range c.patients {
		group.Go(func() error {
			text, err := readBundle(path)
			if err != nil {
				return err
			}
			for n := from; n <= to; n++ {
				name := fmt.Sprintf("%02d-%s.gz", n, strings.TrimSuffix(filepath.Base(path), ".bz2"))
				if err := writeGzip(filepath.Join(dir, name), c.copied(text, n)); err != nil {
					return fmt.Errorf("copies cannot be made: %w", err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func writeGzip(path string, text []byte) error {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, packed.Bytes(), 0o644)
}

// copied returns a patient's bundle as that of somebody else: every uuid but those
// of places and practitioners, the numbers by which he is known elsewhere, and
// his family name are others, the same ones each time. Copy 0 is the original.
func (c *corpus) copied(text []byte, n int) []byte {
	text = slices.Clone(text)
	if n == 0 {
		return text
	}
	eachUUID(text, func(uuid []byte) {
		if !c.keep[string(uuid)] {
			turn(uuid, n)
		}
	})
	text = replaceGroup(issued, text, func(value []byte) []byte { return renumber(value, n) })
	return replaceGroup(family, text, func(value []byte) []byte { return fmt.Appendf(nil, "%sx%d", value, n) })
}

var (
	// issued are numbers of persons: social security, driving licence, passport.
	issued = regexp.MustCompile(`"system":\s*"(?:http://hl7\.org/fhir/sid/us-ssn|urn:oid:2\.16\.840\.1\.113883\.4\.3\.25|http://standardhealthrecord\.org/fhir/StructureDefinition/passportNumber)",\s*"value":\s*"([^"]+)"`)
	family = regexp.MustCompile(`"family":\s*"([^"]+)"`)
)

func replaceGroup(pattern *regexp.Regexp, text []byte, change func([]byte) []byte) []byte {
	var out []byte
	at := 0
	for _, m := range pattern.FindAllSubmatchIndex(text, -1) {
		out = append(append(out, text[at:m[2]]...), change(text[m[2]:m[3]])...)
		at = m[3]
	}
	return append(out, text[at:]...)
}

// renumber adds n to the last digits of a number, in place of them.
func renumber(value []byte, n int) []byte {
	out := slices.Clone(value)
	for i := len(out) - 1; i >= 0 && n > 0; i-- {
		if out[i] < '0' || out[i] > '9' {
			continue
		}
		n += int(out[i] - '0')
		out[i] = '0' + byte(n%10)
		n /= 10
	}
	return out
}

// turn makes the n-th other uuid of one, by its first eight digits.
func turn(uuid []byte, n int) {
	head, err := strconv.ParseUint(string(uuid[:8]), 16, 32)
	if err != nil {
		return // eachUUID shows hexadecimal digits only
	}
	const golden = 0x9e3779b9
	other := uint32(head) ^ uint32(n)*golden
	hex.Encode(uuid[:8], []byte{byte(other >> 24), byte(other >> 16), byte(other >> 8), byte(other)})
}

const uuidSize = 36

// eachUUID shows every lower-case uuid in text, which may be changed in place.
func eachUUID(text []byte, show func(uuid []byte)) {
	for at := 0; ; {
		dash := bytes.IndexByte(text[at:], '-')
		if dash < 0 {
			return
		}
		start := at + dash - 8
		at += dash + 1
		if start >= 0 && start+uuidSize <= len(text) && isUUID(text[start:start+uuidSize]) {
			show(text[start : start+uuidSize])
			at = start + uuidSize
		}
	}
}

func isUUID(b []byte) bool {
	for i, c := range b {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
