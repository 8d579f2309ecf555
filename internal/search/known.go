package search

import "sync"

// knownIndex returns the number of a known string.
func knownIndex(s string) (int, bool) {
	i, ok := knownMap()[s]
	return i, ok
}

// knownBytes returns the known strings as bytes nobody may change.
var knownBytes = sync.OnceValue(func() [][]byte {
	all := make([][]byte, len(known))
	for i, s := range known {
		all[i] = []byte(s)
	}
	return all
})

var knownMap = sync.OnceValue(func() map[string]int {
	m := make(map[string]int, len(known))
	for i, s := range known {
		m[s] = i
	}
	return m
})

// known are strings that cards name by number. The numbers are stored: append
// only, never change or remove one (a test holds the list's digest by length).
var known = [...]string{
	// Resource types of R4.
	"Account", "ActivityDefinition", "AdverseEvent", "AllergyIntolerance", "Appointment", "AppointmentResponse",
	"AuditEvent", "Basic", "Binary", "BiologicallyDerivedProduct", "BodyStructure", "Bundle", "CapabilityStatement",
	"CarePlan", "CareTeam", "CatalogEntry", "ChargeItem", "ChargeItemDefinition", "Claim", "ClaimResponse",
	"ClinicalImpression", "CodeSystem", "Communication", "CommunicationRequest", "CompartmentDefinition", "Composition",
	"ConceptMap", "Condition", "Consent", "Contract", "Coverage", "CoverageEligibilityRequest",
	"CoverageEligibilityResponse", "DetectedIssue", "Device", "DeviceDefinition", "DeviceMetric", "DeviceRequest",
	"DeviceUseStatement", "DiagnosticReport", "DocumentManifest", "DocumentReference", "EffectEvidenceSynthesis",
	"Encounter", "Endpoint", "EnrollmentRequest", "EnrollmentResponse", "EpisodeOfCare", "EventDefinition", "Evidence",
	"EvidenceVariable", "ExampleScenario", "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal",
	"GraphDefinition", "Group", "GuidanceResponse", "HealthcareService", "ImagingStudy", "Immunization",
	"ImmunizationEvaluation", "ImmunizationRecommendation", "ImplementationGuide", "InsurancePlan", "Invoice",
	"Library", "Linkage", "List", "Location", "Measure", "MeasureReport", "Media", "Medication",
	"MedicationAdministration", "MedicationDispense", "MedicationKnowledge", "MedicationRequest", "MedicationStatement",
	"MedicinalProduct", "MedicinalProductAuthorization", "MedicinalProductContraindication",
	"MedicinalProductIndication", "MedicinalProductIngredient", "MedicinalProductInteraction",
	"MedicinalProductManufactured", "MedicinalProductPackaged", "MedicinalProductPharmaceutical",
	"MedicinalProductUndesirableEffect", "MessageDefinition", "MessageHeader", "MolecularSequence", "NamingSystem",
	"NutritionOrder", "Observation", "ObservationDefinition", "OperationDefinition", "OperationOutcome", "Organization",
	"OrganizationAffiliation", "Parameters", "Patient", "PaymentNotice", "PaymentReconciliation", "Person",
	"PlanDefinition", "Practitioner", "PractitionerRole", "Procedure", "Provenance", "Questionnaire",
	"QuestionnaireResponse", "RelatedPerson", "RequestGroup", "ResearchDefinition", "ResearchElementDefinition",
	"ResearchStudy", "ResearchSubject", "RiskAssessment", "RiskEvidenceSynthesis", "Schedule", "SearchParameter",
	"ServiceRequest", "Slot", "Specimen", "SpecimenDefinition", "StructureDefinition", "StructureMap", "Subscription",
	"SubscriptionStatus", "Substance", "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein",
	"SubstanceReferenceInformation", "SubstanceSourceMaterial", "SubstanceSpecification", "SupplyDelivery",
	"SupplyRequest", "Task", "TerminologyCapabilities", "TestReport", "TestScript", "ValueSet", "VerificationResult",
	"VisionPrescription",
	// Code and identifier systems.
	"http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org",
	"http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/cvx", "http://hl7.org/fhir/sid/icd-10",
	"http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-9-cm", "http://www.cms.gov/Medicare/Coding/ICD10",
	"http://www.ama-assn.org/go/cpt", "http://hl7.org/fhir/sid/ndc", "http://hl7.org/fhir/sid/us-npi",
	"http://hl7.org/fhir/sid/us-ssn", "http://nucc.org/provider-taxonomy", "http://fdasis.nlm.nih.gov",
	"http://dicom.nema.org/resources/ontology/DCM", "urn:ietf:rfc:3986", "urn:ietf:bcp:47", "urn:ietf:bcp:13",
	"urn:iso:std:iso:3166", "urn:iso:std:iso:4217", "urn:oid:2.16.840.1.113883.6.238",
	"http://terminology.hl7.org/CodeSystem/observation-category",
	"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
	"http://terminology.hl7.org/CodeSystem/condition-clinical",
	"http://terminology.hl7.org/CodeSystem/condition-ver-status",
	"http://terminology.hl7.org/CodeSystem/condition-category",
	"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
	"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
	"http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
	"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
	"http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
	"http://terminology.hl7.org/CodeSystem/v3-ActReason", "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
	"http://terminology.hl7.org/CodeSystem/v2-0203", "http://terminology.hl7.org/CodeSystem/v2-0074",
	"http://terminology.hl7.org/CodeSystem/v2-0131", "http://terminology.hl7.org/CodeSystem/claim-type",
	"http://terminology.hl7.org/CodeSystem/ex-serviceplace", "http://terminology.hl7.org/CodeSystem/processpriority",
	"http://terminology.hl7.org/CodeSystem/claimcareteamrole", "http://terminology.hl7.org/CodeSystem/adjudication",
	"http://terminology.hl7.org/CodeSystem/claiminformationcategory",
	"http://terminology.hl7.org/CodeSystem/ex-diagnosistype", "http://terminology.hl7.org/CodeSystem/dose-rate-type",
	"http://terminology.hl7.org/CodeSystem/organization-type", "http://terminology.hl7.org/CodeSystem/supply-item-type",
	"http://terminology.hl7.org/CodeSystem/provenance-participant-type",
	"http://terminology.hl7.org/CodeSystem/data-absent-reason", "http://terminology.hl7.org/CodeSystem/diagnosis-role",
	"http://terminology.hl7.org/CodeSystem/admit-source", "http://terminology.hl7.org/CodeSystem/discharge-disposition",
	"http://terminology.hl7.org/CodeSystem/location-physical-type",
	"http://terminology.hl7.org/CodeSystem/consentscope", "http://terminology.hl7.org/CodeSystem/consentcategorycodes",
	"http://terminology.hl7.org/CodeSystem/medicationrequest-category",
	"http://terminology.hl7.org/CodeSystem/medication-admin-category",
	"http://terminology.hl7.org/CodeSystem/immunization-function",
	"http://terminology.hl7.org/CodeSystem/subscriber-relationship", "http://terminology.hl7.org/CodeSystem/payeetype",
	"http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
	"http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
	"http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type",
	"http://hl7.org/fhir/us/core/CodeSystem/condition-category", "http://hl7.org/fhir/us/core/CodeSystem/us-core-tags",
	"http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem", "https://github.com/synthetichealth/synthea",
	"http://hospital.smarthealthit.org", "https://bluebutton.cms.gov/resources/codesystem/adjudication",
	"https://bluebutton.cms.gov/resources/variables/line_cms_type_srvc_cd",
	"https://bluebutton.cms.gov/resources/variables/clm_id",
	"https://bluebutton.cms.gov/resources/identifier/claim-group",
	// Profiles.
	"http://hl7.org/fhir/StructureDefinition/vitalsigns", "http://hl7.org/fhir/StructureDefinition/bp",
	"http://hl7.org/fhir/StructureDefinition/bodyweight", "http://hl7.org/fhir/StructureDefinition/bodyheight",
	"http://hl7.org/fhir/StructureDefinition/bodytemp", "http://hl7.org/fhir/StructureDefinition/bmi",
	"http://hl7.org/fhir/StructureDefinition/headcircum", "http://hl7.org/fhir/StructureDefinition/heartrate",
	"http://hl7.org/fhir/StructureDefinition/resprate", "http://hl7.org/fhir/StructureDefinition/oxygensat",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-allergyintolerance",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-careteam",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-encounter-diagnosis",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-problems-health-concerns",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-note",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-goal",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-immunization",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-implantable-device",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-location",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-medication",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationdispense",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationrequest",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-clinical-result",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitionerrole",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-procedure",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-pulse-oximetry",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-questionnaireresponse",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-relatedperson",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-smokingstatus",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-specimen",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-body-weight",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-body-height",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-body-temperature",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-bmi",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-head-circumference",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-heart-rate",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-respiratory-rate",
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs",
	// Codes.
	"final", "active", "completed", "finished", "true", "false",
}
