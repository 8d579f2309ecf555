package chart

import (
	"encoding/base64"
	"mime"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// PatchOf reads a patch by its media type.
func PatchOf(_ string, _ []byte) (Patch, error) {
	return nil, fault.New(fault.NotSupported, "chart.PatchOf", "PATCH is not served yet. Send the whole record by PUT.")
}

// PatchBody takes the patch out of what an entry of a bundle wraps it in: a
// Binary, or Parameters (FHIR R4 3.1.0.6.2).
func PatchBody(res *fhir.Resource) (media string, body []byte, err error) {
	if res.Type() != "Binary" {
		return "application/fhir+json", res.JSON(), nil
	}
	media, _, err = mime.ParseMediaType(res.Root().Get("contentType").Text())
	if err == nil {
		body, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(res.Root().Get("data").Text()), ""))
	}
	if err != nil {
		return "", nil, fault.New(fault.Invalid, "chart.PatchBody", "The Binary needs the contentType of a patch, and its data.")
	}
	return media, body, nil
}

func entryPatch(res *fhir.Resource) (Patch, error) {
	if res == nil {
		return nil, fault.New(fault.Invalid, "chart.entryPatch", "An entry that patches needs a resource.")
	}
	media, body, err := PatchBody(res)
	if err != nil {
		return nil, err
	}
	return PatchOf(media, body)
}
