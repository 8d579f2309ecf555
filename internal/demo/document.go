package demo

import (
	"encoding/base64"
	"time"
)

// docKind says what a document is.
type docKind struct {
	code     code
	category code
}

var (
	catNote  = code{usCoreDoc, "clinical-note", "Clinical Note"}
	docHP    = docKind{loinc("34117-2", "History and physical note"), catNote}
	docNote  = docKind{loinc("11506-3", "Progress note"), catNote}
	docDisch = docKind{loinc("18842-5", "Discharge summary"), catNote}
	docImage = docKind{loinc("18748-4", "Diagnostic imaging study"), code{sysLOINC, "18748-4", "Diagnostic imaging study"}}
	docECG   = docKind{loinc("11524-6", "EKG study"), code{sysLOINC, "11524-6", "EKG study"}}
)

const usCoreDoc = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"

// document files a PDF: a Binary and the DocumentReference to it.
func (c *chart) document(kind docKind, title string, t time.Time, author Staff, paragraphs ...string) string {
	pdf := writePDF(letter{title: title, patient: c.latinName(), mrn: mrn(c.n), born: c.p.birth, when: t,
		author: author.display(), paragraphs: paragraphs})
	return c.file(kind, title, t, author, "application/pdf", pdf)
}

// file adds the Binary and the DocumentReference.
func (c *chart) file(kind docKind, title string, t time.Time, author Staff, contentType string, data []byte) string {
	return c.fileAs(c.nextID("doc"), kind, title, t, author, contentType, data)
}

func (c *chart) fileAs(id string, kind docKind, title string, t time.Time, author Staff, contentType string, data []byte) string {
	if t.After(c.now) {
		t = c.now.Add(-5 * time.Minute)
	}
	binID := c.nextID("bin")
	c.put("Binary", binID, o("contentType", contentType, "securityContext", c.subject(),
		"data", base64.StdEncoding.EncodeToString(data)))
	return c.put("DocumentReference", id, o("status", "current", "docStatus", "final",
		"type", concept(kind.code), "category", list(concept(kind.category)), "subject", c.subject(),
		"date", instant(t), "author", list(author.ref()), "custodian", orgRef(orgHospital),
		"description", title+" (synthetic, not for care)",
		"content", list(o("attachment", o("contentType", contentType, "language", "en-US", "url", "Binary/"+binID,
			"size", len(data), "title", title, "creation", instant(t)))),
		"context", o("encounter", list(c.enc.ref()), "period", period(t, t))))
}

// latinName is how the name is printed on paper, in letters every printer has.
func (c *chart) latinName() string {
	return c.p.family + ", " + c.p.given
}

// admissionNote is the history and physical of the stay.
func (c *chart) admissionNote(paragraphs ...string) {
	c.document(docHP, "Admission note", c.enc.start.Add(150*time.Minute), c.doctor, paragraphs...)
}
