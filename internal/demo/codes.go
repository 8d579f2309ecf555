package demo

// code is one coded concept. Tables of codes lie beside the stories that use
// them (codes_*.go); a system and code has one display in the whole package,
// which a test enforces.
type code struct{ system, code, display string }

// Code systems.
const (
	sysSNOMED = "http://snomed.info/sct"
	sysLOINC  = "http://loinc.org"
	sysRxNorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
	sysICD10  = "http://hl7.org/fhir/sid/icd-10-cm"
	sysCVX    = "http://hl7.org/fhir/sid/cvx"
	sysUCUM   = "http://unitsofmeasure.org"
	sysNUCC   = "http://nucc.org/provider-taxonomy"
	thoBase   = "http://terminology.hl7.org/CodeSystem/"
	v3Act     = thoBase + "v3-ActCode"
)

func sct(c, display string) code   { return code{sysSNOMED, c, display} }
func loinc(c, display string) code { return code{sysLOINC, c, display} }
func rx(c, display string) code    { return code{sysRxNorm, c, display} }
func icd(c, display string) code   { return code{sysICD10, c, display} }
func v2(table, c, display string) code {
	return code{thoBase + "v2-" + table, c, display}
}
func v3(table, c, display string) code {
	return code{thoBase + "v3-" + table, c, display}
}
func tho(table, c, display string) code { return code{thoBase + table, c, display} }

func (c code) coding() obj {
	return o("system", c.system, "code", c.code, "display", c.display)
}

// concept is a CodeableConcept of these codings. Its text is the display of the
// first.
func concept(codes ...code) obj {
	if len(codes) == 0 || codes[0].code == "" {
		return nil
	}
	return textConcept(codes[0].display, codes...)
}

func textConcept(text string, codes ...code) obj {
	var codings arr
	for _, c := range codes {
		if c.code != "" {
			codings = append(codings, c.coding())
		}
	}
	return o("coding", codings, "text", text)
}

// bare is a CodeableConcept without text, for status codes that nobody reads.
func bare(c code) obj { return o("coding", list(c.coding())) }

// htest marks all that this package makes: test health data.
var htest = v3("ActReason", "HTEST", "test health data")

// testMeta is the meta element of every resource here, with further security
// labels if given. The tag says that the resource was made for tests.
func testMeta(security ...code) obj {
	var labels arr
	for _, s := range security {
		labels = append(labels, s.coding())
	}
	return o("security", labels, "tag", list(htest.coding()))
}

// Labels of records that policy treats with more care.
var (
	restricted     = v3("Confidentiality", "R", "restricted")
	veryRestricted = v3("Confidentiality", "V", "very restricted")
	labelSUD       = code{v3Act, "SUD", "substance use disorder information sensitivity"}
	labelETH       = code{v3Act, "ETH", "substance abuse information sensitivity"}
	labelPart2     = code{v3Act, "42CFRPart2", "42 CFR Part2"}
	labelPsyNote   = code{v3Act, "PSYTHPN", "psychotherapy note information sensitivity"}
	labelPsyLaw    = code{v3Act, "HIPAAPsyNotes", "HIPAA psychotherapy notes"}
	labelCelebrity = code{v3Act, "CEL", "celebrity information sensitivity"}
	labelEmployee  = code{v3Act, "EMP", "employee information sensitivity"}
)

// Specialties, as the NUCC taxonomy names them.
var (
	internalMedicine = code{sysNUCC, "207R00000X", "Internal Medicine Physician"}
	cardiology       = code{sysNUCC, "207RC0000X", "Cardiovascular Disease Physician"}
	nephrology       = code{sysNUCC, "207RN0300X", "Nephrology Physician"}
	orthopedics      = code{sysNUCC, "207X00000X", "Orthopaedic Surgery Physician"}
	generalSurgery   = code{sysNUCC, "208600000X", "Surgery Physician"}
	obstetrics       = code{sysNUCC, "207V00000X", "Obstetrics & Gynecology Physician"}
	pediatrics       = code{sysNUCC, "208000000X", "Pediatrics Physician"}
	psychiatry       = code{sysNUCC, "2084P0800X", "Psychiatry Physician"}
	registeredNurse  = code{sysNUCC, "163W00000X", "Registered Nurse"}
	midwife          = code{sysNUCC, "367A00000X", "Advanced Practice Midwife"}
	pharmacy         = code{sysNUCC, "183500000X", "Pharmacist"}
	labScience       = code{sysNUCC, "246QM0706X", "Medical Technologist"}
	clerk            = code{}
)
