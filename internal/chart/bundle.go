package chart

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// Entry is one request of a batch or transaction Bundle.
type Entry struct {
	Place       string // FHIRPath of the entry, for faults
	FullURL     string
	Method      string
	URL         string // relative to the base: Patient/1, Patient?identifier=…
	IfMatch     string
	IfNoneMatch string
	IfModified  string
	IfNoneExist string
	Resource    *fhir.Resource // of a PATCH, what the patch comes in
	// After leaves the entry of a transaction to the caller, like a GET: an
	// operation that only reads.
	After bool
}

// Operation reports whether the entry calls an operation (FHIR R4 3.2).
func (e Entry) Operation() bool {
	path, _, _ := strings.Cut(e.URL, "?")
	return strings.HasPrefix(path[strings.LastIndexByte(path, '/')+1:], "$")
}

// Entries reads the requests of a batch or transaction.
func Entries(bundle *fhir.Resource) ([]Entry, error) {
	b, ok := bundle.AsBundle()
	if !ok {
		return nil, fault.New(fault.Invalid, "chart.Entries", "This is not a Bundle.")
	}
	var entries []Entry
	for i, in := range b.Entries() {
		e := Entry{
			Place: fmt.Sprintf("Bundle.entry[%d]", i), FullURL: in.FullURL, Resource: in.Resource,
			Method: in.Request.Method, URL: in.Request.URL,
			IfMatch: in.Request.IfMatch, IfNoneMatch: in.Request.IfNoneMatch,
			IfModified: in.Request.IfModifiedSince, IfNoneExist: in.Request.IfNoneExist,
		}
		if e.Method == "" {
			return nil, entryFault(fault.Invalid, e.Place, "required", "An entry of a batch or transaction needs a request.")
		}
		if !e.Operation() && (e.Method == "POST" || e.Method == "PUT" || e.Method == "PATCH") && e.Resource == nil {
			return nil, entryFault(fault.Invalid, e.Place, "required", "An entry that creates, updates or patches needs a resource.")
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// entryFault locates a fault at an entry.
func entryFault(kind fault.Kind, place, code, text string) error {
	return &fault.Error{
		Kind: kind, Op: "chart.bundle", Public: text,
		Issues: []fault.Issue{{Code: code, Text: text, Expression: place}},
	}
}

// located adds an entry's place to a fault that has none.
func located(err error, place string) error {
	kind := fault.KindOf(err)
	code := "processing"
	switch kind {
	case fault.Denied:
		code = "forbidden"
	case fault.NotFound:
		code = "not-found"
	case fault.Conflict, fault.Precondition:
		code = "conflict"
	}
	wrapped := entryFault(kind, place, code, fault.Public(err)).(*fault.Error)
	wrapped.Err = err
	return wrapped
}

// target is what an entry's URL names.
type target struct {
	typ, id string
	where   []search.Param // of a conditional request; nil if there is none
}

func (e Entry) target() (target, error) {
	path, query, conditional := strings.Cut(e.URL, "?")
	typ, id, hasID := strings.Cut(path, "/")
	bad := entryFault(fault.Invalid, e.Place+".request.url", "value", "The address must be Type, Type/id or Type?condition.")
	if !fhir.IsResource(typ) || hasID && !fhir.ValidID(id) || conditional && hasID {
		return target{}, bad
	}
	t := target{typ: typ, id: id}
	if conditional {
		where, err := ParseQuery(query)
		if err != nil || len(where) == 0 {
			return target{}, bad
		}
		t.where = where
	}
	if e.Resource != nil && e.Method != "PATCH" && e.Resource.Type() != typ {
		return target{}, entryFault(fault.Invalid, e.Place, "value", "The resource is of another type than the address.")
	}
	return t, nil
}

// condition reads the entry's If-Match and If-None-Match.
func (e Entry) condition() (Condition, error) {
	var cond Condition
	switch {
	case e.IfMatch == "*":
		cond.MustExist = true
	case e.IfMatch != "":
		text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(e.IfMatch, "W/"), `"`), `"`)
		version, err := strconv.ParseUint(text, 10, 63)
		if err != nil || version == 0 {
			return cond, entryFault(fault.Invalid, e.Place+".request.ifMatch", "value", `An entity tag looks like W/"3".`)
		}
		cond.IfMatch = version
	}
	if e.IfNoneMatch != "" && e.IfNoneMatch != "*" {
		return cond, entryFault(fault.Invalid, e.Place+".request.ifNoneMatch", "value", "A change takes If-None-Match: * only.")
	}
	cond.IfNone = e.IfNoneMatch == "*"
	return cond, nil
}

// conditionalReference splits "Patient?identifier=x", which may stand in a
// transaction where a reference stands (FHIR R4 3.1.0.11.3).
func conditionalReference(ref string) (typ string, where []search.Param, ok bool) {
	typ, query, found := strings.Cut(ref, "?")
	if !found || !fhir.IsResource(typ) {
		return "", nil, false
	}
	where, err := ParseQuery(query)
	return typ, where, err == nil && len(where) > 0
}

// restBase returns the part of a full URL before Type/id, "" if it has none.
func restBase(fullURL, typ string) string {
	u, err := url.Parse(fullURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	at := strings.LastIndex(fullURL, "/"+typ+"/")
	if at < 0 {
		return ""
	}
	return fullURL[:at]
}
