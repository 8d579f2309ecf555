package chart

import (
	"encoding/base64"
	"mime"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/patch"
	"github.com/wardkeep/wardkeep/internal/fhir/xml"
)

// Media types of patches. A FHIRPath Patch is a Parameters resource, in JSON or XML.
const (
	JSONPatch     = "application/json-patch+json"
	MergePatch    = "application/merge-patch+json"
	FHIRPathPatch = "application/fhir+json"
)

// PatchOf reads a patch by its media type.
func PatchOf(media string, body []byte) (Patch, error) {
	switch {
	case media == JSONPatch:
		return func(old *fhir.Resource) (*fhir.Resource, error) { return patch.JSON(old, body) }, nil
	case media == MergePatch:
		return func(old *fhir.Resource) (*fhir.Resource, error) { return patch.Merge(old, body) }, nil
	case slices.Contains([]string{"application/fhir+xml", "application/xml", "text/xml"}, media):
		text, err := xml.ToJSON(body)
		if err != nil {
			return nil, err
		}
		return PatchOf(FHIRPathPatch, text)
	case slices.Contains([]string{FHIRPathPatch, "application/json", "text/json"}, media):
		parameters, err := fhir.Parse(body)
		if err != nil {
			return nil, err
		}
		if parameters.Type() != "Parameters" {
			return nil, fault.New(fault.Invalid, "chart.PatchOf", "A FHIRPath Patch is a Parameters resource. JSON Patch and JSON Merge Patch have media types of their own.")
		}
		return func(old *fhir.Resource) (*fhir.Resource, error) { return patch.FHIRPath(old, parameters) }, nil
	}
	return nil, fault.New(fault.MediaType, "chart.PatchOf", "A patch is "+JSONPatch+", "+MergePatch+" or a FHIRPath Patch (Parameters) in "+FHIRPathPatch+" or application/fhir+xml.")
}

// PatchBody takes the patch out of what an entry of a bundle wraps it in: a
// Binary, or Parameters (FHIR R4 3.1.0.6.2).
func PatchBody(res *fhir.Resource) (media string, body []byte, err error) {
	if res.Type() != "Binary" {
		return FHIRPathPatch, res.JSON(), nil
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
