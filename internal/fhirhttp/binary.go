package fhirhttp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/xml"
)

// A Binary comes and goes as what it is, or wrapped in its resource (FHIR R4
// 2.46.3). maxBinary is what still fits into a resource once it is base64.
const maxBinary = 11 << 20

// wantsWrapped reports whether a read of a Binary asks for the resource: only if
// it names a media type of FHIR.
func wantsWrapped(r *http.Request) bool {
	if strings.Contains(r.URL.RawQuery, "_format=") {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && strings.HasPrefix(media, "application/fhir+") && qualityOf(params["q"]) > 0 {
			return true
		}
	}
	return false
}

func (s *server) handleReadBinary(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if wantsWrapped(r) {
		if r.PathValue("version") != "" {
			return s.handleVRead(w, r, actor)
		}
		return s.handleRead(w, r, actor)
	}
	if r.URL.RawQuery != "" {
		return fault.New(fault.Invalid, "fhirhttp.handleReadBinary", "The content of a Binary is read without parameters. Send Accept: application/fhir+json or application/fhir+xml for the resource.")
	}
	version := uint64(0)
	if text := r.PathValue("version"); text != "" {
		var err error
		if version, err = strconv.ParseUint(text, 10, 63); err != nil || version == 0 {
			return fault.New(fault.NotFound, "fhirhttp.handleReadBinary", "")
		}
	}
	res, err := s.Chart.Read(r.Context(), actor, "Binary", r.PathValue("id"), version)
	if err != nil {
		return err
	}
	versionHeaders(w, res)
	if unchanged(r.Header, res) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(res.Root().Get("data").Text()), ""))
	if err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.handleReadBinary", err)
	}
	h := w.Header()
	h.Set("Content-Type", contentType(res.Root().Get("contentType").Text(), content))
	if context := res.Root().Get("securityContext").Get("reference").Text(); context != "" {
		h.Set("X-Security-Context", context)
	}
	// What somebody stored must not become a page of this origin.
	h.Set("Content-Disposition", "attachment; filename=document")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(content) // the client hung up: nobody is left to tell
	return nil
}

// contentType is what may stand in the header. A text says how it is coded: one that
// does not is UTF-8 if it can be, and is not of a coding that changes by escapes.
func contentType(stored string, content []byte) string {
	media, params, err := mime.ParseMediaType(stored)
	text := strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "/xml") || strings.HasSuffix(media, "+xml")
	if err == nil && text && params["charset"] == "" && utf8.Valid(content) && !bytes.Contains(content, []byte{0x1B}) {
		params["charset"] = "utf-8"
	}
	if header := mime.FormatMediaType(media, params); err == nil && header != "" {
		return header
	}
	return "application/octet-stream"
}

// binaryBody reads what is sent to a Binary: its resource if it is one, and else
// the content, of whatever kind, JSON and XML of other resources among it.
func binaryBody(r *http.Request) (*fhir.Resource, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fault.New(fault.MediaType, "fhirhttp.binaryBody", "Say by Content-Type what the content is.")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, fault.New(fault.MediaType, "fhirhttp.binaryBody", "Send the body without Content-Encoding.")
	}
	src, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if isBinary(media, src) {
		if src, err = inJSON(media, src); err != nil {
			return nil, err
		}
		return fhir.Parse(src)
	}
	if len(src) > maxBinary {
		return nil, fault.New(fault.TooLarge, "fhirhttp.binaryBody", "A Binary holds up to 11 MiB.")
	}
	wrapped := object{"resourceType": "Binary", "contentType": mime.FormatMediaType(media, params)}
	if id := r.PathValue("id"); id != "" {
		wrapped["id"] = id
	}
	if len(src) > 0 {
		wrapped["data"] = src
	}
	if context := r.Header.Get("X-Security-Context"); context != "" {
		wrapped["securityContext"] = object{"reference": context}
	}
	text, err := json.Marshal(wrapped)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "fhirhttp.binaryBody", err)
	}
	return fhir.Parse(text)
}

// isBinary reports whether a body is the resource Binary by its first words.
func isBinary(media string, src []byte) bool {
	switch {
	case slices.Contains(jsonTypes, media):
		var head struct {
			ResourceType string `json:"resourceType"`
		}
		return json.Unmarshal(src, &head) == nil && head.ResourceType == "Binary"
	case slices.Contains(xmlTypes, media):
		return xml.TypeOf(src) == "Binary"
	}
	return false
}
