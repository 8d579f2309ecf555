package portal

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

type documentsPage struct {
	Page
	Documents []documentRow
	Notice    Notice
}

type documentRow struct {
	clinical.DocumentLine
	Address string
}

func buildDocuments(c *chartRequest) (any, error) {
	page := documentsPage{Page: c.page, Notice: noticeOf(c.parts[0], len(c.parts[0].Resources), "No documents recorded.")}
	for _, r := range c.parts[0].Resources {
		page.Documents = append(page.Documents, documentRow{c.portal.format.Document(r), "/chart/" + c.patient.ID() + "/documents/" + r.ID()})
	}
	return page, nil
}

// documentPage shows one document: a text in the page, an image as an image, a
// PDF in the browser's own viewer.
type documentPage struct {
	Page
	Document clinical.DocumentLine
	Keep     string // where a doctor keeps it from the patient, "" for others
	File     string // address of the bytes, "" if they are not shown
	Image    bool
	Text     string
	Problem  string // why it cannot be shown, "" if it can
}

const searchDocument = "DocumentReference?patient=%p&_id="

func (p *Portal) handleDocument(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	c, doc, err := p.openDocument(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c.page.Nav = p.navOf(c.actor, c.patient.ID(), "documents")
	page := documentPage{Page: c.page, Document: p.format.Document(doc)}
	if at := c.keepAt("DocumentReference"); at != "" {
		page.Keep = at + doc.ID()
	}
	switch media, data, err := p.content(r, actor, doc); {
	case err != nil:
		web.EventOf(r.Context()).Fail(err)
		page.Problem = "The document could not be opened. " + fault.Public(err)
	case media == "text/plain":
		page.Text = string(bytes.ToValidUTF8(data, []byte("�")))
	case shown[media]:
		page.File, page.Image = r.URL.Path+"/file", strings.HasPrefix(media, "image/")
	default:
		page.Problem = "This format is not shown here."
	}
	p.render(w, r, http.StatusOK, "document", page)
}

// shown are the formats a browser is handed as they are: none can run anything.
var shown = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true, "image/webp": true, "image/gif": true}

// handleFile sends the bytes. Their type is ours, never a guess; the sandbox
// keeps a document from being more than a picture of itself.
func (p *Portal) handleFile(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	_, doc, err := p.openDocument(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	media, data, err := p.content(r, actor, doc)
	if err == nil && !shown[media] {
		err = fault.New(fault.NotFound, "portal.handleFile", "")
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("Content-Disposition", "inline; filename=document")
	// A sandboxed PDF is not shown by browsers' viewers; images can be.
	if strings.HasPrefix(media, "image/") {
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	} else {
		h.Set("Content-Security-Policy", "default-src 'none'; object-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	}
	_, _ = w.Write(data) // a reader who left is nobody's failure
}

func (p *Portal) openDocument(r *http.Request, actor identity.Actor) (*chartRequest, *fhir.Resource, error) {
	id := r.PathValue("document")
	if !validID(id) {
		return nil, nil, fault.New(fault.NotFound, "portal.openDocument", "")
	}
	c, err := p.openChart(r, actor, "chart: document", []string{searchDocument + id})
	if err != nil {
		return nil, nil, err
	}
	if err := c.parts[0].Err; err != nil {
		return nil, nil, err
	}
	if len(c.parts[0].Resources) != 1 {
		return nil, nil, fault.New(fault.NotFound, "portal.openDocument", "")
	}
	return c, c.parts[0].Resources[0], nil
}

// content returns a document's bytes: those in the record, or those of the
// Binary it points to. Addresses elsewhere are never fetched.
func (p *Portal) content(r *http.Request, actor identity.Actor, doc *fhir.Resource) (media string, data []byte, err error) {
	attachment := doc.Root().Get("content").Get("attachment")
	media, _, _ = strings.Cut(strings.ToLower(attachment.Get("contentType").Text()), ";")
	encoded := attachment.Get("data").Text()
	if fhir.AbsentData(attachment) != "" {
		return "", nil, fault.New(fault.Denied, "portal.content", "The document is kept back: the malware scanner refuses it, or has not looked at it yet.")
	}
	if encoded == "" {
		id, ok := strings.CutPrefix(attachment.Get("url").Text(), "Binary/")
		if !ok || !validID(id) {
			return "", nil, fault.New(fault.NotFound, "portal.content", "It is kept somewhere else.")
		}
		binary, err := p.cfg.Chart.Read(r.Context(), actor, "Binary", id)
		if err != nil {
			return "", nil, err
		}
		encoded = binary.Root().Get("data").Text()
		media, _, _ = strings.Cut(strings.ToLower(binary.Root().Get("contentType").Text()), ";")
	}
	data, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", nil, fault.New(fault.Unprocessable, "portal.content", "Its content is damaged.")
	}
	return strings.TrimSpace(media), data, nil
}
