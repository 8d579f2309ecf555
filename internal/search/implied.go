package search

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Code systems of elements of type code whose value set is a whole code system
// that the definitions do not list.
const (
	mimeTypes = "urn:ietf:bcp:13"
	languages = "urn:ietf:bcp:47"
)

// manySystems marks the one searched element of type code whose value set draws
// from several systems: Task.intent is a request-intent, or unknown.
const manySystems = "*"

// impliedBy returns the code system that all values of a code element have
// although they do not name it (R4 search, 3.1.1.4.10): that of the value set it
// is bound to. "" if it has none.
func impliedBy(member r4.MemberID) string {
	if member.Type() != r4.Code {
		return ""
	}
	switch b := member.Binding(); {
	case b != 0 && b.System() != "":
		return b.System()
	case b != 0 && strings.HasSuffix(b.URL(), "/task-intent"):
		return manySystems
	}
	switch member.Name() {
	case "contentType", "format", "payload":
		return mimeTypes
	case "language":
		return languages
	}
	return ""
}

// system returns the system that a value of f without one has all the same.
func (f *field) system(code []byte) string {
	switch {
	case f == nil:
		return ""
	case f.implied != manySystems:
		return f.implied
	case string(code) == "unknown":
		return "http://hl7.org/fhir/task-intent"
	}
	return "http://hl7.org/fhir/request-intent"
}
