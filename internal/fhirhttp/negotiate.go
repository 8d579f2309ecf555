package fhirhttp

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

const fhirJSON = "application/fhir+json"

// jsonTypes are the media types that are spoken here; XML is not (FHIR R4
// 3.1.0.1.11 leaves the choice to the server, the CapabilityStatement tells).
var jsonTypes = []string{fhirJSON, "application/json", "text/json", "json"}

// accepts checks that the answer may be JSON. _format goes before Accept.
func accepts(r *http.Request, format string) error {
	if format != "" {
		// A plus sign that was not escaped has become a space on the way.
		format = strings.ReplaceAll(format, "application/fhir json", fhirJSON)
		media, params, err := mime.ParseMediaType(format)
		if err != nil || !slices.Contains(jsonTypes, media) || !isR4(params) {
			return fault.New(fault.NotAcceptable, "fhirhttp.accepts", "")
		}
		return nil
	}
	header := strings.Join(r.Header.Values("Accept"), ",")
	if header == "" {
		return nil
	}
	for part := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil || refused(params["q"]) || !isR4(params) {
			continue
		}
		if media == "*/*" || media == "application/*" || slices.Contains(jsonTypes, media) {
			return nil
		}
	}
	return fault.New(fault.NotAcceptable, "fhirhttp.accepts", "")
}

// refused reports whether a quality value says "not this": 0, 0.0, …
func refused(q string) bool {
	weight, err := strconv.ParseFloat(q, 64)
	return q != "" && (err != nil || weight <= 0)
}

func isR4(params map[string]string) bool {
	v := params["fhirVersion"]
	if v == "" {
		v = params["fhirversion"]
	}
	return v == "" || v == "4.0" || v == "4.0.1"
}

// sendsJSON checks that the request body is what Parse reads.
func sendsJSON(r *http.Request) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || !slices.Contains(jsonTypes, media) || !isR4(params) || charset != "" && charset != "utf-8" {
		return fault.New(fault.MediaType, "fhirhttp.sendsJSON", "")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return fault.New(fault.MediaType, "fhirhttp.sendsJSON", "Send the body without Content-Encoding.")
	}
	return nil
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
