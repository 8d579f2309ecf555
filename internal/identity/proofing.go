package identity

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// AttestIdentity says by whom a person was recognised who had lost a factor. Accounts
// need none of the kind.
const AttestIdentity AttestationKind = "identity"

// Ways to know somebody again, and what she shows. Who is known by sight needs no
// document.
const (
	SeenInPerson = "in-person"
	SeenByVideo  = "video"
	SeenKnown    = "known"

	NoDocument = "none"
)

// Seen are the ways in which somebody is known again.
func Seen() []string { return []string{SeenInPerson, SeenByVideo, SeenKnown} }

// Documents are the kinds of what she may have shown.
func Documents() []string {
	return []string{"passport", "identity-card", "driving-licence", "staff-badge", NoDocument}
}

// Identified is how somebody was known again before a factor was taken from her
// account. It names kinds of documents, never their numbers.
type Identified struct {
	By       string // who recognised her, as they are called
	How      string
	Document string
	Note     string
}

// identified checks it, and makes the attestation of it.
func (s *Service) identified(actor Actor, i Identified) (Attestation, error) {
	const op = "identity.identified"
	i.By, i.Note = strings.TrimSpace(i.By), strings.TrimSpace(i.Note)
	wrong := ""
	switch {
	case i.By == "" || len(i.By) > maxName:
		wrong = "Say who recognised this person, in at most 128 bytes."
	case !slices.Contains(Seen(), i.How):
		wrong = "Say how this person was recognised: " + strings.Join(Seen(), ", ") + "."
	case !slices.Contains(Documents(), i.Document):
		wrong = "Say which document was shown: " + strings.Join(Documents(), ", ") + "."
	case i.Document == NoDocument && i.How != SeenKnown:
		wrong = "Somebody who is not known by sight shows a document with a photograph."
	case len(i.Note) > maxName:
		wrong = "A note has at most 128 bytes."
	}
	if wrong != "" {
		return Attestation{}, fault.New(fault.Unprocessable, op, wrong)
	}
	now := s.cfg.Clock.Now()
	return Attestation{
		Kind: AttestIdentity, On: now, By: i.By, How: i.How, Document: i.Document, Note: i.Note, Recorder: actor.ID, Recorded: now,
	}, nil
}

// words is what the audit log is told.
func (t Attestation) words() string {
	words := "identified by " + t.By + ", " + t.How + ", " + t.Document
	if t.Note != "" {
		words += "; " + t.Note
	}
	return words
}
