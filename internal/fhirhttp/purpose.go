package fhirhttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// purposeHeader says what a request is made for, as a code of HL7's v3-PurposeOfUse.
// Without it the purpose is what follows from the role of whoever asks.
const purposeHeader = "X-Purpose-Of-Use"

const systemActReason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

// purposes are the codes of HL7's value set v3-PurposeOfUse, but for those that
// only group others.
var purposes = []string{
	"HMARKT", "HOPERAT", "CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL", "HOUTCOMS",
	"HPRGRP", "HQUALIMP", "HSYSADMIN", "LABELING", "METAMGT", "MEMADMIN", "MILCDM", "PATADMIN", "PATSFTY", "PERFMSR", "RECORDMGT", "SYSDEV", "HTEST", "TRAIN",
	"HPAYMT", "CLMATTCH", "COVAUTH", "COVERAGE", "ELIGDTRM", "ELIGVER", "ENROLLM", "MILDCRG", "REMITADV",
	"HRESCH", "BIORCH", "CLINTRCH", "PATRQT", "FAMRQT", "PWATRNY", "SUPNWK", "PUBHLTH", "DISASTER", "THREAT",
	"TREAT", "CLINTRL", "COC", "ETREAT", "BTG", "ERTREAT", "POPHLTH",
}

// withPurpose takes the purpose that a request states. To break the glass is a step
// of its own, and no header.
func withPurpose(actor chart.Actor, h http.Header) (chart.Actor, error) {
	stated := h.Values(purposeHeader)
	if len(stated) == 0 {
		return actor, nil
	}
	code := strings.TrimPrefix(strings.TrimSpace(stated[0]), systemActReason+"|")
	if len(stated) > 1 || !slices.Contains(purposes, code) || code == "BTG" {
		return actor, fault.New(fault.Invalid, "fhirhttp.withPurpose", purposeHeader+" is one code of v3-PurposeOfUse, such as TREAT, HPAYMT, HOPERAT or PATRQT.")
	}
	actor.Purpose = code
	return actor, nil
}
