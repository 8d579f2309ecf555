package main

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/zstd"
)

// blockSize bounds what must be decompressed to read one definition, if it is
// not larger itself.
const blockSize = 128 << 10

// pack writes the format that package defs documents.
func pack(all []definition) ([]byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	var blocks, sizes, entries, block []byte
	count := uint64(0)
	flush := func() {
		packed := enc.EncodeAll(block, nil)
		blocks = append(blocks, packed...)
		sizes = binary.AppendUvarint(sizes, uint64(len(packed)))
		block, count = block[:0], count+1
	}
	for i, d := range all {
		if len(block) > 0 && (len(block)+len(d.body) > blockSize || all[i-1].typ != d.typ) {
			flush()
		}
		for _, s := range []string{d.typ, d.url, d.version} {
			entries = binary.AppendUvarint(entries, uint64(len(s)))
			entries = append(entries, s...)
		}
		for _, n := range []uint64{count, uint64(len(block)), uint64(len(d.body))} {
			entries = binary.AppendUvarint(entries, n)
		}
		block = append(block, d.body...)
	}
	flush()
	index := enc.EncodeAll(bytes.Join([][]byte{binary.AppendUvarint(nil, count), sizes, entries}, nil), nil)

	out := append([]byte("WKDEFS1\n"), binary.LittleEndian.AppendUint32(nil, uint32(len(index)))...)
	return bytes.Join([][]byte{out, index, blocks}, nil), nil
}
