package main

import (
	"slices"
	"strings"
)

// The package the definitions come from adds elements of its own and of later
// FHIR releases to some structures, and changes types, targets and the value set
// of others. They are not R4 4.0.1 and a strict server
// must refuse them; they were found by comparison with hl7.fhir.r4.core 4.0.1.
var foreign = []string{
	"Meta.project", "Meta.author", "Meta.onBehalfOf", "Meta.account", "Meta.accounts",
	"Meta.compartment", "Meta.deleted", "Binary.url",
	"DeviceDefinition.bodySite", "DeviceDefinition.classification",
	"HealthcareService.offeredIn", "ObservationDefinition.publisher",
	"ResearchStudy.associatedParty", "ResearchStudy.classifier", "ResearchStudy.comparisonGroup",
	"ResearchStudy.descriptionSummary", "ResearchStudy.label", "ResearchStudy.name",
	"ResearchStudy.outcomeMeasure", "ResearchStudy.progressStatus", "ResearchStudy.recruitment",
	"ResearchStudy.region", "ResearchStudy.result", "ResearchStudy.studyDesign",
	"ResearchStudy.whyStopped", "ResearchStudy.objective.description",
	"EvidenceVariable.characteristic.linkId", "EvidenceVariable.characteristic.note",
	"EvidenceVariable.characteristic.instances[x]", "EvidenceVariable.characteristic.duration[x]",
	"EvidenceVariable.characteristic.timeFromEvent",
	"EvidenceVariable.characteristic.description", "EvidenceVariable.characteristic.exclude",
	"EvidenceVariable.characteristic.definitionReference",
	"EvidenceVariable.characteristic.definitionCanonical",
	"EvidenceVariable.characteristic.definitionCodeableConcept",
	"EvidenceVariable.characteristic.definitionExpression",
	"EvidenceVariable.characteristic.definitionId",
	"EvidenceVariable.characteristic.definitionByTypeAndValue",
	"EvidenceVariable.characteristic.definitionByCombination",
}

// visited are the types whose visit R4 has an element for and no parameter. What a
// Consent says of a visit must hold for them as well.
var visited = []string{"AdverseEvent", "AllergyIntolerance", "GuidanceResponse", "Immunization"}

// correct brings the structures back to R4 4.0.1, and adds parameters of our own.
func (d *definitions) correct() {
	for _, typ := range visited {
		d.params = append(d.params, searchParameter{
			URL: "urn:wardkeep:SearchParameter:" + typ + "-encounter", Code: "encounter", Type: "reference",
			Base: []string{typ}, Target: []string{"Encounter"}, Expression: typ + ".encounter",
		})
	}
	for i := range d.structures {
		s := &d.structures[i]
		s.Snapshot.Element = slices.DeleteFunc(s.Snapshot.Element, func(e element) bool {
			return slices.ContainsFunc(foreign, func(f string) bool {
				return e.Path == f || strings.HasPrefix(e.Path, f+".")
			})
		})
		if s.ID == "EvidenceVariable" {
			s.Snapshot.Element = withR4Characteristic(s.Snapshot.Element)
		}
		for j := range s.Snapshot.Element {
			switch e := &s.Snapshot.Element[j]; e.Path {
			case "Bundle.entry.response.outcome":
				e.Type = []elementType{{Code: "Resource"}}
			case "DetectedIssue.status":
				e.Binding.ValueSet = "http://hl7.org/fhir/ValueSet/observation-status"
			case "AuditEvent.source.observer":
				e.dropTargets("Subscription")
			case "MeasureReport.subject":
				e.dropTargets("CareTeam", "HealthcareService", "Organization")
			case "ResearchStudy.site":
				e.dropTargets("Organization", "ResearchStudy")
			}
		}
	}
}

func (e *element) dropTargets(names ...string) {
	for i := range e.Type {
		t := &e.Type[i]
		t.TargetProfile = slices.DeleteFunc(t.TargetProfile, func(p string) bool {
			return slices.Contains(names, p[strings.LastIndexByte(p, '/')+1:])
		})
	}
}

func withR4Characteristic(elements []element) []element {
	const base = "EvidenceVariable.characteristic"
	typed := func(name string, codes ...string) element {
		e := element{Path: base + "." + name, Max: "1"}
		for _, c := range codes {
			e.Type = append(e.Type, elementType{Code: c})
		}
		return e
	}
	definition := typed("definition[x]", "Reference", "canonical", "CodeableConcept",
		"Expression", "DataRequirement", "TriggerDefinition")
	definition.Min, definition.IsSummary = 1, true
	definition.Type[0].TargetProfile = []string{"http://hl7.org/fhir/StructureDefinition/Group"}
	usage := typed("usageContext", "UsageContext")
	usage.Max = "*"
	measure := typed("groupMeasure", "code")
	measure.Binding.Strength = "required"
	measure.Binding.ValueSet = "http://hl7.org/fhir/ValueSet/group-measure"

	at := slices.IndexFunc(elements, func(e element) bool { return e.Path == base })
	elements[at].Min, elements[at].IsSummary = 1, true
	last := at
	for last+1 < len(elements) && strings.HasPrefix(elements[last+1].Path, base+".") {
		last++
	}
	return slices.Insert(elements, last+1,
		typed("description", "string"), definition, usage, typed("exclude", "boolean"),
		typed("participantEffective[x]", "dateTime", "Period", "Duration", "Timing"),
		typed("timeFromStart", "Duration"), measure)
}
