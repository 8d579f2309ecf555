package file

import (
	"crypto/cipher"
	"encoding/binary"
)

// A file is pages; the first begins with the header. A page is chunks, one unless
// the file was synced in the middle of it. Each chunk is sealed by itself, bound to
// its place.
const (
	pageSize  = 4096
	headSize  = 16
	tagSize   = 16
	overhead  = headSize + tagSize
	maxText   = pageSize - overhead
	firstText = maxText - headerSize
)

// head is what stands before a chunk in the clear. It is authenticated with it.
type head struct {
	size   int   // bytes of text in the chunk
	synced int64 // bytes of text that were durable when it was written
	at     int64 // where its text stands in the file's
}

func (h head) append(b []byte) []byte {
	var raw [headSize]byte
	binary.BigEndian.PutUint64(raw[:], uint64(h.size)<<48|uint64(h.synced))
	binary.BigEndian.PutUint64(raw[8:], uint64(h.at))
	return append(b, raw[:]...)
}

func parseHead(raw []byte) head {
	first := binary.BigEndian.Uint64(raw)
	return head{size: int(first >> 48), synced: int64(first & (1<<48 - 1)), at: int64(binary.BigEndian.Uint64(raw[8:]) &^ (1 << 63))}
}

// nonce of a chunk is its place in the stored file, where nothing else is ever written.
func nonce(place int64) []byte {
	var n [12]byte
	binary.BigEndian.PutUint64(n[:], uint64(place))
	return n[:]
}

// sealChunk appends a chunk that will stand at a place.
func sealChunk(aead cipher.AEAD, out []byte, place int64, h head, text []byte) []byte {
	h.size = len(text)
	start := len(out)
	out = h.append(out)
	return aead.Seal(out, nonce(place), text, out[start:start+headSize])
}

// end is where the text of the next chunk begins.
func (h head) end() int64 { return h.at + int64(h.size) }

// headAt reads the head of a chunk, which tells nothing until the chunk was opened.
func headAt(stored []byte, place int64) (head, bool) {
	if int64(len(stored))-place < overhead {
		return head{}, false
	}
	return parseHead(stored[place:]), true
}

// openChunk authenticates the chunk that stands at a place and appends its text to dst.
// ok is false if it is not what was written there.
func openChunk(aead cipher.AEAD, dst, stored []byte, place int64) (h head, text []byte, ok bool) {
	h, ok = headAt(stored, 0)
	if !ok || overhead+h.size > len(stored) || h.size > maxText {
		return h, nil, false
	}
	text, err := aead.Open(dst, nonce(place), stored[headSize:overhead+h.size], stored[:headSize])
	return h, text, err == nil
}

// begin is where the chunks of a page begin in the stored file.
func begin(page int64) int64 {
	if page == 0 {
		return headerSize
	}
	return page * pageSize
}

// room is how much text fits between a place and the end of its page, negative if not
// even a chunk without text does.
func room(place int64) int { return int(pageSize-place%pageSize) - overhead }

// pageOf is the first page in which a place of the text can be: that of a file that was
// never synced in the middle of one.
func pageOf(at int64) int64 {
	if at < firstText {
		return 0
	}
	return 1 + (at-firstText)/maxText
}
