package fhirhttp

import (
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// purposeHeader says what a request is made for, as a code of HL7's v3-PurposeOfUse.
// Without it the purpose is what follows from the role of whoever asks.
const purposeHeader = "X-Purpose-Of-Use"

const systemActReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

// withPurpose takes the purpose that a request states. To break the glass is a step
// of its own, and no header.
func withPurpose(actor chart.Actor, h http.Header) (chart.Actor, error) {
	stated := h.Values(purposeHeader)
	if len(stated) == 0 {
		return actor, nil
	}
	code := strings.TrimPrefix(strings.TrimSpace(stated[0]), systemActReason+"|")
	if len(stated) > 1 || !chart.Purpose(code) || code == "BTG" {
		return actor, fault.New(fault.Invalid, "fhirhttp.withPurpose", purposeHeader+" is one code of v3-PurposeOfUse, such as TREAT, HPAYMT, HOPERAT or PATRQT.")
	}
	actor.Purpose = code
	return actor, nil
}
