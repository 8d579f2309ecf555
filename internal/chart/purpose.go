package chart

import "slices"

// purposes are the codes of v3-PurposeOfUse, each under the group it belongs to.
var purposes = map[string][]string{
	"HMARKT": nil,
	"HOPERAT": {"CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL", "HOUTCOMS", "HPRGRP", "HQUALIMP",
		"HSYSADMIN", "LABELING", "METAMGT", "MEMADMIN", "MILCDM", "PATADMIN", "PATSFTY", "PERFMSR", "RECORDMGT", "SYSDEV", "HTEST", "TRAIN"},
	"HPAYMT":  {"CLMATTCH", "COVAUTH", "COVERAGE", "ELIGDTRM", "ELIGVER", "ENROLLM", "MILDCRG", "REMITADV"},
	"HRESCH":  {"BIORCH", "CLINTRCH"},
	"PATRQT":  {"FAMRQT", "PWATRNY", "SUPNWK"},
	"PUBHLTH": {"DISASTER", "THREAT"},
	"TREAT":   {"CLINTRL", "COC", "ETREAT", "BTG", "ERTREAT", "POPHLTH"},
}

// Purpose reports whether a code is one of HL7's value set v3-PurposeOfUse, but for
// those that only group others.
func Purpose(code string) bool { return purposeGroup(code) != "" }

func purposeGroup(code string) string {
	for group, codes := range purposes {
		if code == group || slices.Contains(codes, code) {
			return group
		}
	}
	return ""
}

// serves reports whether a purpose is one of those listed, or of a group that is.
func serves(purpose string, list []string) bool {
	return slices.Contains(list, purpose) || slices.Contains(list, purposeGroup(purpose))
}
