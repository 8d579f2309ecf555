package fhirhttp

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/xml"
)

const (
	fhirJSON = "application/fhir+json"
	fhirXML  = "application/fhir+xml"
)

// The media types that are spoken here (FHIR R4 3.1.0.1.11), those that are liked
// better first.
var (
	jsonTypes = []string{fhirJSON, "application/json", "text/json", "json"}
	xmlTypes  = []string{fhirXML, "application/xml", "text/xml", "xml"}
	served    = slices.Concat(jsonTypes[:3], xmlTypes[:3])
)

// formatType is the media type that _format asks for, JSON if that is none.
func formatType(format string) (string, error) {
	// A plus sign that was not escaped has become a space on the way.
	format = strings.Replace(format, "application/fhir ", "application/fhir+", 1)
	media, params, err := mime.ParseMediaType(format)
	switch {
	case err != nil || !isR4(params):
	case slices.Contains(jsonTypes, media):
		return fhirJSON, nil
	case slices.Contains(xmlTypes, media):
		return fhirXML, nil
	}
	return fhirJSON, fault.New(fault.NotAcceptable, "fhirhttp.formatType", "")
}

// mediaRange is one part of an Accept header (RFC 9110 12.5.1).
type mediaRange struct {
	media   string
	quality float64
}

// acceptType is the media type that Accept asks for: a generic one is answered
// with (FHIR R4 3.1.0.1.11). Of equals it is one that is named, and JSON; so it
// is if none would do.
func acceptType(headers []string) (string, error) {
	if len(headers) == 0 || len(headers) == 1 && (headers[0] == fhirJSON || headers[0] == "*/*" || headers[0] == "") {
		return fhirJSON, nil
	}
	var ranges []mediaRange
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && isR4(params) {
			ranges = append(ranges, mediaRange{media, qualityOf(params["q"])})
		}
	}
	best, quality, rank := "", 0.0, 0
	for _, media := range served {
		q, r := weigh(ranges, media)
		if q > quality || q == quality && q > 0 && r > rank {
			best, quality, rank = media, q, r
		}
	}
	if best == "" {
		return fhirJSON, fault.New(fault.NotAcceptable, "fhirhttp.acceptType", "")
	}
	return best, nil
}

// weigh is the quality of a media type by the range that fits it best, and how
// well that one does: 3 by name, 2 by its first part, 1 as anything is.
func weigh(ranges []mediaRange, media string) (quality float64, rank int) {
	class, _, _ := strings.Cut(media, "/")
	for _, r := range ranges {
		fits := slices.Index([]string{"*/*", class + "/*", media}, r.media) + 1
		if fits > rank {
			quality, rank = r.quality, fits
		}
	}
	return quality, rank
}

// qualityOf reads a quality value; what is none counts as a refusal.
func qualityOf(q string) float64 {
	if q == "" {
		return 1
	}
	weight, err := strconv.ParseFloat(q, 64)
	if err != nil || !(weight > 0) {
		return 0
	}
	return weight
}

func isR4(params map[string]string) bool {
	v := params["fhirVersion"]
	if v == "" {
		v = params["fhirversion"]
	}
	return v == "" || v == "4.0" || v == "4.0.1"
}

// sentType is the media type of a body that holds a resource.
func sentType(r *http.Request) (string, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	spoken := slices.Contains(jsonTypes, media) || slices.Contains(xmlTypes, media)
	if err != nil || !spoken || !isR4(params) || charset != "" && charset != "utf-8" {
		return "", fault.New(fault.MediaType, "fhirhttp.sentType", "")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return "", fault.New(fault.MediaType, "fhirhttp.sentType", "Send the body without Content-Encoding.")
	}
	return media, nil
}

// inJSON gives what was sent as JSON.
func inJSON(media string, src []byte) ([]byte, error) {
	if slices.Contains(xmlTypes, media) {
		return xml.ToJSON(src)
	}
	return src, nil
}

// preference is what the Prefer header asks for (RFC 7240, FHIR R4 3.1.0.1.2).
type preference struct {
	lenient bool
	async   bool   // respond-async
	result  string // minimal | representation | OperationOutcome
}

func preferences(r *http.Request) preference {
	p := preference{result: "representation"}
	for _, header := range r.Header.Values("Prefer") {
		for part := range strings.FieldsFuncSeq(header, func(c rune) bool { return c == ',' || c == ';' }) {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			value = strings.Trim(value, `"`)
			switch {
			case key == "respond-async":
				p.async = true
			case key == "handling" && value == "lenient":
				p.lenient = true
			case key == "return" && slices.Contains([]string{"minimal", "representation", "OperationOutcome"}, value):
				p.result = value
			}
		}
	}
	return p
}
