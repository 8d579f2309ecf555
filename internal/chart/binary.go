package chart

import (
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// ofPatient refuses a Binary whose security context is not a patient. The context
// says by whose rights it is read (FHIR R4 2.46.3); a patient's are known to the
// index and seal the content under his key. Those of another record could change
// without the Binary, and then index and record would disagree.
func ofPatient(res *fhir.Resource) error {
	context := res.Root().Get("securityContext")
	if res.Type() != "Binary" || !context.Exists() {
		return nil
	}
	ref := fhir.ParseLiteral(context.Get("reference").Text())
	if ref.Type == "Patient" && ref.ID != "" && ref.Base == "" && ref.Query == "" {
		return nil
	}
	return &fault.Error{
		Kind: fault.Unprocessable, Op: "chart.ofPatient",
		Public: "The security context of a Binary must be a patient of this server, such as Patient/23.",
		Issues: []fault.Issue{{
			Code: "business-rule", Expression: "Binary.securityContext",
			Text: "The security context of a Binary must be a patient of this server, such as Patient/23.",
		}},
	}
}
