package search

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// opaqueControls are parameters that R4 or this server gives every request, and whose
// values name kinds, times of change and ids of records, never people.
var opaqueControls = []string{
	"_contained", "_containedType", "_count", "_elements", "_format", "_id", "_include", "_include:iterate", "_lastUpdated", "_list", "_maxresults",
	"_outputFormat", "_page", "_pretty", "_profile", "_revinclude", "_revinclude:iterate", "_score", "_security", "_since", "_at", "_sort", "_summary",
	"_tag", "_total", "_type", "_until", "_source",
}

// ofPeople are the types that are about a person: their dates and codes, such as birth
// date and gender, tell who it is.
var ofPeople = []string{"Patient", "Person", "Practitioner", "RelatedPerson"}

// ofRecords are parameters of those that tell what becomes of a record.
var ofRecords = []string{"active"}

// chosen are parameters whose values are whatever somebody wrote: a date that was
// observed may be of birth, an address of a document may have a name in it.
var chosen = []string{"Observation.value-date", "DocumentReference.location", "DocumentManifest.source", "Device.url", "MessageHeader.source-uri", "MessageHeader.destination-uri"}

// opaqueModifiers change how a code is compared; :text and :identifier bring other values.
var opaqueModifiers = []string{"", "not", "in", "not-in", "above", "below"}

var (
	opaqueIDs = regexp.MustCompile(`^([A-Z][A-Za-z]+/)?[A-Za-z0-9.-]{1,64}(,([A-Z][A-Za-z]+/)?[A-Za-z0-9.-]{1,64})*$`)
	opaqueTo  = []r4.TypeID{r4.Code, r4.Coding, r4.CodeableConcept, r4.Boolean}
)

// Opaque reports whether a parameter of a search for a type, "" for several, can stand in
// an address: whether its value cannot be one that tells of people, such as a name, a
// birth date, an address, a phone or other number, or a text. What is not known is not.
func (c *Catalog) Opaque(typ string, p Param) bool {
	if slices.Contains(opaqueControls, p.Key) {
		return (p.Key != "_id" && p.Key != "_list") || opaqueIDs.MatchString(p.Value)
	}
	if rest, ok := strings.CutPrefix(p.Key, "_has:"); ok {
		parts := strings.SplitN(rest, ":", 3)
		return len(parts) == 3 && c.Opaque(parts[0], Param{parts[2], p.Value})
	}
	head, rest, chained := strings.Cut(p.Key, ".")
	name, modifier, _ := strings.Cut(head, ":")
	if chained {
		return c.Opaque(modifier, Param{rest, p.Value})
	}
	if modifier == "missing" {
		return p.Value == "true" || p.Value == "false"
	}
	known := false
	for of, s := range c.schemas {
		if typ != "" && typ != of {
			continue
		}
		if q := s.params[name]; q != nil {
			known = true
			if !q.opaque(of, modifier, p.Value) {
				return false
			}
		}
	}
	return known
}

func (q *param) opaque(typ, modifier, value string) bool {
	person := slices.Contains(ofPeople, typ) && !slices.Contains(ofRecords, q.code)
	switch q.kind {
	case kindReference:
		return (modifier == "" || r4.ResourceByName(modifier) != 0) && opaqueIDs.MatchString(value)
	case kindToken:
		return !person && slices.Contains(opaqueModifiers, modifier) && !slices.ContainsFunc(q.sources, func(s source) bool {
			return len(s.types) == 0 || slices.ContainsFunc(s.types, func(t r4.TypeID) bool { return !slices.Contains(opaqueTo, t) })
		})
	case kindDate, kindNumber, kindQuantity, kindURI:
		return !person && !slices.Contains(chosen, typ+"."+q.code) && Base().schemas[typ].params[q.code] != nil
	}
	return false // strings, places and composites, which may have them; and of what was added, all but codes and ids
}
