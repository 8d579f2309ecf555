package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// DocumentLine is one document or report.
type DocumentLine struct {
	ID       string
	Type     string // resource type, for the address
	Title    string
	Date     string
	Author   string
	Status   string
	Format   string // PDF, Image, Text, …
	Opens    bool   // the portal shows this format
	Outdated bool   // superseded or entered in error
	Order    Moment // for sorting; never printed
}

var documentStatus = map[string]string{
	"current": "Current", "superseded": "Superseded", "entered-in-error": "Entered in error",
}

// Document renders a DocumentReference or a DiagnosticReport with a presented
// form.
func (f *Formatter) Document(r *fhir.Resource) DocumentLine {
	root := r.Root()
	d := DocumentLine{ID: r.ID(), Type: r.Type(), Author: Party(root.Get("author"))}
	content := root.Get("content").Get("attachment")
	when, status := root.Get("date"), root.Get("status").Text()
	d.Title, d.Status = Concept(root.Get("type")), words(documentStatus, status)
	if r.Type() == "DiagnosticReport" {
		content, when = root.Get("presentedForm"), root.Get("issued")
		d.Title, d.Status, d.Author = Concept(root.Get("code")), words(resultStatus, status), Party(root.Get("performer"))
	}
	if title := text(content.Get("title")); title != "" {
		d.Title = title
	}
	d.Order = momentOf(when)
	d.Date = f.DateTime(d.Order)
	d.Format, d.Opens = Format(content.Get("contentType").Text())
	d.Opens = d.Opens && (content.Get("data").Exists() || content.Get("url").Exists())
	d.Outdated = status == "superseded" || status == "entered-in-error"
	return d
}

// Format names a media type and says whether the portal shows it.
func Format(media string) (name string, opens bool) {
	media, _, _ = strings.Cut(strings.ToLower(media), ";")
	switch strings.TrimSpace(media) {
	case "application/pdf":
		return "PDF", true
	case "image/png", "image/jpeg", "image/webp", "image/gif":
		return "Image", true
	case "text/plain":
		return "Text", true
	case "application/dicom":
		return "DICOM", false
	case "":
		return "Format not recorded", false
	}
	return "Other format", false
}
