package authz

import "slices"

// Relation is how an actor stands to a patient of a record.
type Relation string

const (
	RelationNone Relation = "none" // the same as no relation at all
	RelationWard Relation = "ward" // the patient is on one of the actor's wards now
	// RelationTeam: the actor takes part in the patient's care, by a care team, an
	// encounter, an appointment, a referral or a task.
	RelationTeam      Relation = "team"
	RelationSelf      Relation = "self"      // the patient is the actor
	RelationProxy     Relation = "proxy"     // the actor is registered as acting for the patient
	RelationEmergency Relation = "emergency" // the actor has broken the glass for the patient
	// RelationConsent: a Consent of the patient lets the actor see the record.
	RelationConsent Relation = "consent"
)

// relations is the order of the bits of a relation set.
var relations = [...]Relation{RelationWard, RelationTeam, RelationSelf, RelationProxy, RelationEmergency, RelationConsent}

// Relations returns all relations.
func Relations() []Relation { return slices.Clone(relations[:]) }

// OfAll reports whether the relation must hold to every patient of a record, for
// looking too: nobody reads of a stranger because the record names himself as well.
func (r Relation) OfAll() bool {
	return r == RelationSelf || r == RelationProxy || r == RelationConsent
}

// Label is a mark of special sensitivity.
type Label string

const (
	LabelPsychotherapy Label = "psychotherapy" // notes of psychotherapy, 45 CFR 164.501
	LabelSUD           Label = "sud"           // substance-use treatment, 42 CFR Part 2
	LabelHIV           Label = "hiv"
	LabelVIP           Label = "vip"      // well-known people
	LabelEmployee      Label = "employee" // people who work here
	LabelRestricted    Label = "restricted"
	// LabelOwn marks what is about the actor himself. It is not in a record:
	// whoever asks compares Actor.PatientID with the record's patients.
	LabelOwn Label = "own"
	// LabelWithheld marks what a Consent of a patient keeps from the actor. It is
	// not in the record either.
	LabelWithheld Label = "withheld"
	// LabelHeld marks what is kept from the actor as the patient, or as one who acts for
	// the patient. It is not in the record either.
	LabelHeld Label = "held"
)

// labels is the order of the bits of a label set.
var labels = [...]Label{
	LabelPsychotherapy, LabelSUD, LabelHIV, LabelVIP, LabelEmployee, LabelRestricted, LabelOwn, LabelWithheld, LabelHeld,
}

// Coding is a security label as Resource.meta.security holds it.
type Coding struct{ System, Code string }

// Code systems of security labels (HL7 terminology).
const (
	SystemActCode         = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	SystemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	SystemPrivacyLaw      = "http://terminology.hl7.org/CodeSystem/v3-ActUSPrivacyLaw"
)

// codes is every code of v3-ActCode under _InformationSensitivityPolicy, and
// the codes of the two other systems that ask for more than normal care. A code
// without a mark of its own counts as restricted.
var codes = [...]struct {
	label  Label
	system string
	codes  []string
}{
	{LabelPsychotherapy, SystemActCode, []string{"PSYTHPN", "HIPAAPsyNotes"}},
	{LabelPsychotherapy, SystemPrivacyLaw, []string{"HIPAAPsyNotes"}},
	// Privacy laws are codes of v3-ActCode; some write them as of a system of their own.
	{LabelSUD, SystemActCode, []string{"ETH", "SUD", "ETHUD", "OPIOIDUD", "42CFRPart2", "Title38Section7332"}},
	{LabelSUD, SystemConfidentiality, []string{"ETH"}},
	{LabelSUD, SystemPrivacyLaw, []string{"42CFRPart2", "Title38Section7332"}},
	{LabelHIV, SystemActCode, []string{"HIV"}},
	{LabelHIV, SystemConfidentiality, []string{"HIV"}},
	{LabelVIP, SystemActCode, []string{"CEL"}},
	{LabelEmployee, SystemActCode, []string{"EMP"}},
	{LabelVIP, SystemConfidentiality, []string{"C"}},
	{LabelRestricted, SystemActCode, []string{
		"BH", "MH", "PSY", "GDIS", "MST", "SCA", "SDV", "SEX", "SPI", "COGN", "DVD", "EMOTDIS", "STD", "TBOO", "VIO", "SICKLE",
		"DEMO", "DOB", "GENDER", "LIVARG", "MARST", "RACE", "REL", "B", "EMPL", "LOCIS", "SSP",
		"ADOL", "DIA", "DRGIS", "PDS", "PHY", "PRS",
	}},
	{LabelRestricted, SystemConfidentiality, []string{"R", "V", "S", "T", "PSY", "SDV"}},
}

// LabelOf returns the mark that a security label stands for, if any.
func LabelOf(system, code string) (Label, bool) {
	for _, row := range codes {
		if row.system == system && slices.Contains(row.codes, code) {
			return row.label, true
		}
	}
	return "", false
}

// Labels returns all marks.
func Labels() []Label { return slices.Clone(labels[:]) }

// Codings returns the security labels that stand for l, for searches that leave
// such records out. LabelOwn has none.
func (l Label) Codings() []Coding {
	var out []Coding
	for _, row := range codes {
		if row.label != l {
			continue
		}
		for _, code := range row.codes {
			out = append(out, Coding{System: row.system, Code: code})
		}
	}
	return out
}

// OfPatient reports whether the mark, when a Patient bears it, marks everything
// in that patient's compartment.
func (l Label) OfPatient() bool {
	return l == LabelVIP || l == LabelEmployee || l == LabelOwn || l == LabelRestricted
}

// relationSet and labelSet are sets as bits; ok is false at an unknown word.
func relationSet(in []Relation) (set uint16, ok bool) {
	for _, r := range in {
		at := slices.Index(relations[:], r)
		if at < 0 && r != RelationNone {
			return 0, false
		}
		if at >= 0 {
			set |= 1 << at
		}
	}
	return set, true
}

func labelSet(in []Label) (set uint16, ok bool) {
	for _, l := range in {
		at := slices.Index(labels[:], l)
		if at < 0 {
			return 0, false
		}
		set |= 1 << at
	}
	return set, true
}

func relationsOf(set uint16) []Relation {
	var out []Relation
	for i, r := range relations {
		if set&(1<<i) != 0 {
			out = append(out, r)
		}
	}
	return out
}

func labelsOf(set uint16) []Label {
	var out []Label
	for i, l := range labels {
		if set&(1<<i) != 0 {
			out = append(out, l)
		}
	}
	return out
}
