// Package bulk moves whole record sets: files into the chart, the chart into
// files. Reading is streamed, work is done in units that are committed one by
// one, and a unit that was committed is never done twice.
package bulk

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Unit is what is committed at once: one bundle, or a run of NDJSON lines.
type Unit struct {
	Source string // file the unit came from
	Place  string // where in the file, for reports: "lines 501-1000"
	Lines  bool   // NDJSON: each line is a resource of its own
	Last   bool   // nothing more is to come: what refers to something missing is refused
	Type   string // of a unit of lines: the type they must have; then each needs an id
	Base   string // references that begin with it and a slash are made relative
	Data   []byte
	// Numbers are those of the lines in their file; nil: as they come.
	Numbers []int
}

// ID names the unit by its content, so that a file that was renamed or cut short
// by a kill is picked up where it was left.
func (u Unit) ID() string {
	sum := sha256.Sum256(u.Data)
	return hex.EncodeToString(sum[:])
}

const (
	linesPerUnit = 500
	maxLine      = 16 << 20
	// maxUnit bounds what is held of a file of long lines.
	maxUnit = 32 << 20
	// maxDocument bounds one JSON file after decompression.
	maxDocument = 512 << 20
)

// errTooBig ends the reading of a file that unpacks to more than it may.
var errTooBig = errors.New("unpacks to more than the limit of 512 MB for one JSON document")

// Sources lists the files to read below paths, in order of their names: a
// folder's .json, .ndjson and .zip files, also with .gz or .bz2 behind. A file
// that is named itself is taken whatever it is called.
func Sources(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("there is no file or folder %s", path)
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		var below []string
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && kindOf(p) != "" {
				below = append(below, p)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("bulk.Sources: %w", err)
		}
		slices.Sort(below)
		files = append(files, below...)
	}
	if len(files) == 0 {
		return nil, errors.New("no .json, .ndjson or .zip file (also with .gz or .bz2) was found there")
	}
	return files, nil
}

// kindOf tells what a file holds by its name: "json", "ndjson", "zip", or "".
func kindOf(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".bz2")
	switch filepath.Ext(name) {
	case ".json":
		return "json"
	case ".ndjson", ".jsonl":
		return "ndjson"
	case ".zip":
		return "zip"
	}
	return ""
}

// Read calls emit for every unit of a file. consumed is told of bytes read from
// the disk, for progress.
func Read(ctx context.Context, path string, consumed func(int64), emit func(Unit) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if kindOf(path) == "zip" {
		return readZip(ctx, f, path, consumed, emit)
	}
	return readStream(ctx, path, counting{f, consumed}, emit)
}

func readZip(ctx context.Context, f *os.File, path string, consumed func(int64), emit func(Unit) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(f, info.Size())
	if err != nil {
		return fmt.Errorf("not a zip archive: %w", err)
	}
	members := slices.Clone(archive.File)
	slices.SortFunc(members, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range members {
		if kind := kindOf(m.Name); kind == "json" || kind == "ndjson" {
			if err := readMember(ctx, path, m, emit); err != nil {
				return err
			}
		}
		consumed(int64(m.CompressedSize64))
	}
	return nil
}

func readMember(ctx context.Context, path string, m *zip.File, emit func(Unit) error) error {
	r, err := m.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return readStream(ctx, path+"!"+m.Name, r, emit)
}

func readStream(ctx context.Context, name string, r io.Reader, emit func(Unit) error) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".gz":
		zr, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("not gzip: %w", err)
		}
		r = zr
	case ".bz2":
		r = bzip2.NewReader(bufio.NewReaderSize(r, 1<<20))
	}
	if kindOf(name) == "ndjson" {
		return readLines(ctx, name, r, emit)
	}
	var data bytes.Buffer
	n, err := data.ReadFrom(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return err
	}
	if n > maxDocument {
		return errTooBig
	}
	return emit(Unit{Source: name, Data: data.Bytes()})
}

func readLines(ctx context.Context, name string, r io.Reader, emit func(Unit) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 1<<20), maxLine)
	var data bytes.Buffer
	first, line, held := 1, 0, 0
	var numbers []int
	flush := func() error {
		if held == 0 {
			return nil
		}
		u := Unit{Source: name, Place: fmt.Sprintf("lines %d-%d", first, line), Lines: true, Data: bytes.Clone(data.Bytes()), Numbers: numbers}
		data.Reset()
		first, held, numbers = line+1, 0, nil
		return emit(u)
	}
	for scanner.Scan() {
		line++
		if text := bytes.TrimSpace(scanner.Bytes()); len(text) > 0 {
			data.Write(text)
			data.WriteByte('\n')
			numbers = append(numbers, line)
			held++
		}
		if held == linesPerUnit || data.Len() >= maxUnit {
			if err := flush(); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("line %d: %w", line+1, err)
	}
	return flush()
}

type counting struct {
	r io.Reader
	n func(int64)
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n(int64(n))
	return n, err
}
