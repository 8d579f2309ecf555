package fhir

import (
	"iter"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Bundle is a resource that is a Bundle.
type Bundle struct{ *Resource }

// AsBundle returns r as a Bundle, false if it is none.
func (r *Resource) AsBundle() (Bundle, bool) {
	return Bundle{r}, r.TypeID() == r4.Bundle
}

// BundleType returns Bundle.type: transaction, batch, …
func (b Bundle) BundleType() string { return b.Root().Get("type").Text() }

// Entry is one entry of a Bundle. Its resource shares the Bundle's text: it is
// not parsed again, and the text lives as long as one of them does.
type Entry struct {
	Node     Node
	FullURL  string
	Resource *Resource // nil if there is none
	Request  Request
}

// Request is Bundle.entry.request; Method is "" if there is none.
type Request struct {
	Method, URL                  string
	IfMatch, IfNoneMatch         string
	IfModifiedSince, IfNoneExist string
}

// Entries yields the entries with their index.
func (b Bundle) Entries() iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		n := 0
		for e := range b.Root().All("entry") {
			if !yield(n, entryAt(e)) {
				return
			}
			n++
		}
	}
}

func entryAt(e Node) Entry {
	req := e.Get("request")
	return Entry{
		Node:     e,
		FullURL:  e.Get("fullUrl").Text(),
		Resource: e.Get("resource").Resource(),
		Request: Request{
			Method:          req.Get("method").Text(),
			URL:             req.Get("url").Text(),
			IfMatch:         req.Get("ifMatch").Text(),
			IfNoneMatch:     req.Get("ifNoneMatch").Text(),
			IfModifiedSince: req.Get("ifModifiedSince").Text(),
			IfNoneExist:     req.Get("ifNoneExist").Text(),
		},
	}
}

// Detach returns a resource that does not keep the Bundle it came out of alive.
func (r *Resource) Detach() *Resource {
	if r.root == 0 {
		return r
	}
	return r.apply(nil)
}
