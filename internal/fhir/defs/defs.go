// Package defs holds the definitions of FHIR R4 4.0.1 that are needed at run
// time, as JSON without narratives, mappings and texts for authors: structures,
// value sets, code systems (those of HL7 v2 and v3 too), concept maps, search
// parameters and compartments. Every one is a resource that package fhir parses.
//
// The file is made by gen: "WKDEFS1\n"; four bytes, little-endian, the length of
// the index; the index; blocks. Index and blocks are zstd frames of their own.
// The index is, in uvarints and strings led by their length: the number of
// blocks, their packed lengths, then for each definition in the order of type,
// address and version these three, its block, and its place and length there.
//
// Nothing is kept but the index: whoever needs a definition often keeps what he
// made of it.
package defs

import (
	_ "embed"
	"encoding/binary"
	"iter"
	"sort"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:generate go run ./gen -definitions ${R4_DEFINITIONS} -out definitions.bin

//go:embed definitions.bin
var packed []byte

// Entry names one definition.
type Entry struct{ Type, URL, Version string }

// Find returns the JSON of the definition of type typ with that canonical
// address, which may carry its version behind a bar; version "" is the latest.
// The bytes are the caller's own. It takes about a tenth of a millisecond.
func Find(typ, canonical, version string) ([]byte, bool) {
	url, after, _ := strings.Cut(canonical, "|")
	if version == "" {
		version = after
	}
	x := opened()
	rows := x.rows
	at := sort.Search(len(rows), func(i int) bool {
		return rows[i].Type > typ || rows[i].Type == typ && rows[i].URL > url
	})
	for at--; at >= 0 && rows[at].Type == typ && rows[at].URL == url; at-- {
		if version == "" || rows[at].Version == version {
			block := x.block(rows[at].block)
			return block[rows[at].from:rows[at].end:rows[at].end], true
		}
	}
	return nil, false
}

// List yields the definitions of type typ in the order of their addresses.
func List(typ string) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, r := range opened().of(typ) {
			if !yield(r.Entry) {
				return
			}
		}
	}
}

// All yields the definitions of type typ with their JSON, which is faster than
// to find each. The bytes MUST NOT be changed.
func All(typ string) iter.Seq2[Entry, []byte] {
	return func(yield func(Entry, []byte) bool) {
		x, block, at := opened(), []byte(nil), -1
		for _, r := range x.of(typ) {
			if r.block != at {
				block, at = x.block(r.block), r.block
			}
			if !yield(r.Entry, block[r.from:r.end:r.end]) {
				return
			}
		}
	}
}

type row struct {
	Entry
	block, from, end int
}

type index struct {
	blocks [][]byte // packed
	rows   []row    // in the order of type, address and version
	dec    *zstd.Decoder
}

// opened reads the index when the first definition is asked for.
var opened = sync.OnceValue(func() *index {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic("defs: " + err.Error())
	}
	x := &index{dec: dec}
	rest := packed[len("WKDEFS1\n"):]
	size := binary.LittleEndian.Uint32(rest)
	body := rest[4+size:]
	in := reader{string(x.unpack(rest[4 : 4+size]))}
	x.blocks = make([][]byte, in.number())
	for i := range x.blocks {
		n := in.number()
		x.blocks[i], body = body[:n], body[n:]
	}
	for len(in.rest) > 0 {
		r := row{Entry: Entry{in.text(), in.text(), in.text()}, block: in.number(), from: in.number()}
		r.end = r.from + in.number()
		x.rows = append(x.rows, r)
	}
	return x
})

func (x *index) of(typ string) []row {
	first := sort.Search(len(x.rows), func(i int) bool { return x.rows[i].Type >= typ })
	end := sort.Search(len(x.rows), func(i int) bool { return x.rows[i].Type > typ })
	return x.rows[first:end]
}

func (x *index) block(i int) []byte { return x.unpack(x.blocks[i]) }

// unpack cannot fail on a file that its tests have read.
func (x *index) unpack(frame []byte) []byte {
	out, err := x.dec.DecodeAll(frame, nil)
	if err != nil {
		panic("defs: the definitions built in are broken: " + err.Error())
	}
	return out
}

type reader struct{ rest string }

func (r *reader) number() int {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	r.rest = r.rest[size:]
	return int(n)
}

func (r *reader) text() string {
	n := r.number()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
