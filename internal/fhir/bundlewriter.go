package fhir

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// BundleHead is what stands in front of a Bundle's entries.
type BundleHead struct {
	Type      string // searchset, history, transaction-response, batch-response, collection, document
	ID        string
	Meta      []byte    // JSON; nil: none
	UUID      string    // of a document: its Bundle.identifier, a UUID
	Timestamp time.Time // zero: none
	Total     int64     // negative: none
	Links     []Link
}

// Link is a Bundle.link.
type Link struct{ Relation, URL string }

// EntryHead is what stands around an entry's resource. Empty fields are left out.
type EntryHead struct {
	FullURL string
	Mode    string // search.mode: match, include, outcome
	Score   string // search.score, a JSON number

	Method, URL string // request, in a history

	Status, Location, ETag string // response
	LastModified           time.Time
	Outcome                []byte // OperationOutcome JSON
}

// BundleWriter writes a Bundle piece by piece, taking the JSON of resources as
// it is.
type BundleWriter struct {
	out     *bytes.Buffer
	buf     []byte // the free capacity of out, while something is written
	entries int
	closed  bool
}

// NewBundleWriter writes the head. Whoever calls it MUST Close. Between two calls
// nobody else may write to out, of which it is well to grow the capacity before.
func NewBundleWriter(out *bytes.Buffer, h BundleHead) *BundleWriter {
	b := &BundleWriter{out: out, buf: out.AvailableBuffer()}
	b.buf = append(b.buf, `{"resourceType":"Bundle"`...)
	b.field("id", h.ID)
	b.raw("meta", h.Meta)
	if h.UUID != "" {
		b.raw("identifier", appendQuoted([]byte(`{"system":"urn:ietf:rfc:3986","value":`), "urn:uuid:"+h.UUID))
		b.buf = append(b.buf, '}')
	}
	b.field("type", h.Type)
	if !h.Timestamp.IsZero() {
		b.field("timestamp", h.Timestamp.UTC().Format(instant))
	}
	if h.Total >= 0 {
		b.buf = strconv.AppendInt(append(b.buf, `,"total":`...), h.Total, 10)
	}
	for i, l := range h.Links {
		b.buf = append(b.buf, pick(i == 0, `,"link":[`, `,`)...)
		b.buf = appendQuoted(append(b.buf, `{"relation":`...), l.Relation)
		b.buf = append(appendQuoted(append(b.buf, `,"url":`...), l.URL), '}')
	}
	if len(h.Links) > 0 {
		b.buf = append(b.buf, ']')
	}
	b.flush()
	return b
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// field writes a member with text, unless that is empty.
func (b *BundleWriter) field(name, text string) {
	if text == "" {
		return
	}
	if b.buf[len(b.buf)-1] != '{' {
		b.buf = append(b.buf, ',')
	}
	b.buf = append(appendQuoted(b.buf, name), ':')
	b.buf = appendQuoted(b.buf, text)
}

// raw writes a member with JSON, unless that is empty.
func (b *BundleWriter) raw(name string, json []byte) {
	if len(json) == 0 {
		return
	}
	if b.buf[len(b.buf)-1] != '{' {
		b.buf = append(b.buf, ',')
	}
	b.buf = append(append(appendQuoted(b.buf, name), ':'), json...)
}

// Entry writes one entry; resource is its JSON, nil if it has none.
func (b *BundleWriter) Entry(h EntryHead, resource []byte) {
	b.buf = append(b.out.AvailableBuffer(), pick(b.entries == 0, `,"entry":[{`, `,{`)...)
	b.entries++
	b.field("fullUrl", h.FullURL)
	b.raw("resource", resource)
	if h.Mode != "" || h.Score != "" {
		b.open("search")
		b.field("mode", h.Mode)
		b.raw("score", []byte(h.Score))
		b.buf = append(b.buf, '}')
	}
	if h.Method != "" {
		b.open("request")
		b.field("method", h.Method)
		b.field("url", h.URL)
		b.buf = append(b.buf, '}')
	}
	if h.Status != "" {
		b.open("response")
		b.field("status", h.Status)
		b.field("location", h.Location)
		b.field("etag", h.ETag)
		if !h.LastModified.IsZero() {
			b.field("lastModified", h.LastModified.UTC().Format(instant))
		}
		b.raw("outcome", h.Outcome)
		b.buf = append(b.buf, '}')
	}
	b.buf = append(b.buf, '}')
	b.flush()
}

func (b *BundleWriter) open(name string) {
	b.raw(name, []byte{'{'})
}

func (b *BundleWriter) flush() {
	b.out.Write(b.buf) // onto itself, if the capacity did
	b.buf = nil
}

// Entries returns how many entries were written.
func (b *BundleWriter) Entries() int { return b.entries }

var errClosed = errors.New("fhir.BundleWriter: closed")

// Close ends the Bundle. Nothing may be written after it.
func (b *BundleWriter) Close() error {
	if b.closed {
		return errClosed
	}
	b.closed = true
	if b.entries > 0 {
		b.out.WriteByte(']')
	}
	b.out.WriteByte('}')
	return nil
}
