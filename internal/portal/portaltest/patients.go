package portaltest

import (
	"fmt"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Now is when the fixtures take place.
var Now = time.Date(2026, time.March, 7, 19, 5, 0, 0, time.UTC)

// Ids of the patients.
const (
	Adaeze   = "p-adaeze"   // everything at once
	Lookalik = "p-lookalik" // almost her name
	Long     = "p-long"     // sixty letters
	Arabic   = "p-arabic"   // not Latin, right to left
	Dead     = "p-dead"
	Newborn  = "p-newborn" // a twin; no known allergies
	Quiet    = "p-quiet"   // nothing recorded
	Sealed   = "p-sealed"  // allergies and results denied
)

// Ward returns the fake chart with all patients.
func Ward() (*FakeChart, error) {
	w := &writer{}
	w.patients()
	w.allergies()
	w.medications()
	w.given()
	w.problems()
	w.labs()
	w.vitals()
	w.stays()
	w.documents()
	if w.err != nil {
		return nil, w.err
	}
	c := NewFakeChart(w.resources)
	denied := fault.New(fault.Denied, "portaltest", "")
	c.Fail(Sealed, "AllergyIntolerance", denied)
	c.Fail(Sealed, "Observation", denied)
	c.Fail(Sealed, "MedicationRequest", fault.New(fault.Unavailable, "portaltest", ""))
	w.add(observation("o-na", "final", "2951-2", "Sodium", -9*time.Hour, 114, "mmol/L", "", "135", "145", "LL"))
	w.add(observation("o-na", "corrected", "2951-2", "Sodium", -9*time.Hour, 141, "mmol/L", "", "135", "145", "N"))
	if w.err == nil {
		c.Replace(w.resources[len(w.resources)-2])
		c.Replace(w.resources[len(w.resources)-1])
	}
	return c, w.err
}

// writer collects resources.
type writer struct {
	resources []*fhir.Resource
	n         int
	err       error
}

func (w *writer) add(src string) {
	r, err := fhir.Parse([]byte(src))
	if err != nil {
		if w.err == nil {
			w.err = fmt.Errorf("portaltest: fixture %d: %w", len(w.resources), err)
		}
		return
	}
	w.resources = append(w.resources, r)
}

func (w *writer) patient(id, mrn, name, gender, birth, more string) {
	w.add(`{"resourceType":"Patient","id":"` + id + `","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":"` + mrn + `"}],"name":[` + name + `],"gender":"` + gender + `","birthDate":"` + birth + `"` + more + `}`)
}

func (w *writer) patients() {
	w.patient(Adaeze, "0012345", `{"use":"official","family":"Okonkwo-Smith","given":["Adaeze","Marie"],"prefix":["Mrs."]},{"use":"nickname","given":["Ada"]}`, "female", "1961-03-12", "")
	w.patient(Lookalik, "0067890", `{"use":"official","family":"Okonkwo-Smyth","given":["Adaeze"]}`, "female", "1958-11-02", "")
	w.patient(Long, "0000007", `{"family":"Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissen","given":["Hubert","Blaine"]}`, "male", "1944-08-04", "")
	w.patient(Arabic, "0033445", `{"family":"الحداد","given":["محمد","عبد الله"]}`, "male", "1975", "")
	w.patient(Dead, "0055667", `{"family":"Nowak","given":["Jan"],"prefix":["Dr."]}`, "male", "1961-03-12", `,"deceasedDateTime":"2026-03-03T04:10:00-05:00"`)
	w.patient(Newborn, "0099001", `{"use":"temp","family":"Baker","given":["Baby A"]}`, "female", "2026-03-05", `,"multipleBirthInteger":1`)
	w.patient(Quiet, "0044556", `{"family":"Lind","given":["Åsa"]}`, "female", "1999-12-31", "")
	w.patient(Sealed, "0077889", `{"family":"Marsh","given":["Theo"]}`, "male", "1988-06-15", "")
}

func (w *writer) allergy(patient, text, coding, criticality, reaction, severity string) {
	w.n++
	extra := ""
	if reaction != "" {
		extra = `,"reaction":[{"manifestation":[{"text":"` + reaction + `"}],"severity":"` + severity + `"}]`
	}
	if criticality != "" {
		extra += `,"criticality":"` + criticality + `"`
	}
	w.add(fmt.Sprintf(`{"resourceType":"AllergyIntolerance","id":"a%d","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"confirmed"}]},"type":"allergy","category":["medication"],"code":{"coding":[%s],"text":"%s"},"patient":{"reference":"Patient/%s"},"recordedDate":"2024-05-02","recorder":{"display":"Dr Priya Raman"}%s}`, w.n, coding, text, patient, extra))
}

func (w *writer) allergies() {
	w.allergy(Adaeze, "Penicillin", `{"system":"http://snomed.info/sct","code":"764146007"}`, "high", "Anaphylaxis", "severe")
	w.allergy(Adaeze, "Natural rubber latex", `{"system":"http://snomed.info/sct","code":"111088007"}`, "low", "Contact dermatitis", "mild")
	w.allergy(Adaeze, "Codeine", `{"system":"http://snomed.info/sct","code":"387494007"}`, "", "Nausea", "moderate")
	w.allergy(Newborn, "No known allergy", `{"system":"http://snomed.info/sct","code":"716186003"}`, "", "", "")
	w.allergy(Dead, "Aspirin", `{"system":"http://snomed.info/sct","code":"387458008"}`, "", "", "")
}

func (w *writer) medication(status, drug, dosage string) {
	w.n++
	if dosage != "" {
		dosage = `,"dosageInstruction":[` + dosage + `]`
	}
	w.add(fmt.Sprintf(`{"resourceType":"MedicationRequest","id":"m%d","status":"%s","intent":"order","medicationCodeableConcept":{"text":"%s"},"subject":{"reference":"Patient/%s"},"authoredOn":"2026-03-05T10:00:00-05:00","requester":{"display":"Dr Priya Raman"}%s}`, w.n, status, drug, Adaeze, dosage))
}

func step(dose, unit, repeat, route, more string) string {
	return `{"route":{"text":"` + route + `"},"timing":{"repeat":{` + repeat + `}},"doseAndRate":[{"doseQuantity":{"value":` + dose + `,"unit":"` + unit + `"}}]` + more + `}`
}

func (w *writer) medications() {
	daily := func(n string) string { return `"frequency":` + n + `,"period":1,"periodUnit":"d"` }
	w.medication("active", "Hydralazine Hydrochloride 25 MG Oral Tablet", step("0.50", "mg", daily("3"), "Oral", ""))
	w.medication("active", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet", step("1000", "mg", daily("2"), "Oral", ""))
	w.medication("on-hold", "Warfarin Sodium 5 MG Oral Tablet [Coumadin]", step("5", "mg", daily("1")+`,"when":["EVE"]`, "Oral", ""))
	w.medication("active", "insulin glargine 100 UNT/ML Injectable Solution [Lantus]", step("18", "[iU]", daily("1")+`,"when":["HS"]`, "Subcutaneous route", ""))
	w.medication("active", "Acetaminophen 325 MG / Oxycodone Hydrochloride 5 MG Oral Tablet [Percocet]", step("1", "tablet", `"frequency":1,"period":6,"periodUnit":"h"`, "Oral", `,"asNeededCodeableConcept":{"text":"pain"}`))
	w.medication("active", "Calcium gluconate 100 MG/ML Injectable Solution", `{"text":"10 mL IV over 10 min. Repeat ECG after."}`)
	w.medication("stopped", "Simvastatin 20 MG Oral Tablet", step("20", "mg", daily("1"), "Oral", ""))
	w.medication("completed", "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", "")
	w.medication("entered-in-error", "Digoxin 0.125 MG Oral Tablet", "")
}

func (w *writer) given() {
	for i, g := range []struct{ when, status, more string }{
		{"2025-11-02T01:30:00-04:00", "completed", ""}, {"2025-11-02T01:30:00-05:00", "completed", ""},
		{"2026-03-07T12:00:00-05:00", "not-done", `,"statusReason":[{"text":"Patient refused"}]`},
	} {
		w.add(fmt.Sprintf(`{"resourceType":"MedicationAdministration","id":"g%d","status":"%s","medicationCodeableConcept":{"text":"insulin glargine 100 UNT/ML Injectable Solution [Lantus]"},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"%s","performer":[{"actor":{"display":"Joy Miller"}}],"dosage":{"route":{"text":"Subcutaneous"},"dose":{"value":18,"unit":"U"}}%s}`, i, g.status, Adaeze, g.when, g.more))
	}
}

func (w *writer) problems() {
	for _, p := range []struct{ name, status, onset string }{
		{"Acute hyperkalemia", "active", "2026-03-07"}, {"Type 2 diabetes mellitus (disorder)", "active", "2009"},
		{"Chronic kidney disease stage 4", "active", "2021-06"}, {"Essential hypertension (disorder)", "active", "2003-04-11"},
		{"Viral sinusitis (disorder)", "resolved", "2019-10-02"},
	} {
		w.n++
		w.add(fmt.Sprintf(`{"resourceType":"Condition","id":"c%d","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"%s"}]},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"problem-list-item"}]}],"code":{"text":"%s"},"subject":{"reference":"Patient/%s"},"onsetDateTime":"%s","recordedDate":"2026-03-07"}`, w.n, p.status, p.name, Adaeze, p.onset))
	}
}

func instant(t time.Duration) string { return Now.Add(t).Format(time.RFC3339) }

// observation writes a laboratory result. code is a UCUM code, "" for unit's own.
func observation(id, status, loinc, name string, when time.Duration, value float64, unit, code, low, high, flag string) string {
	if code == "" {
		code = unit
	}
	extra := ""
	if flag != "" {
		extra = `,"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"` + flag + `"}]}]`
	}
	var bounds []string
	for _, b := range [][2]string{{"low", low}, {"high", high}} {
		if b[1] != "" {
			bounds = append(bounds, `"`+b[0]+`":{"value":`+b[1]+`,"unit":"`+unit+`","system":"http://unitsofmeasure.org","code":"`+code+`"}`)
		}
	}
	if len(bounds) > 0 {
		extra += `,"referenceRange":[{` + strings.Join(bounds, ",") + `}]`
	}
	return fmt.Sprintf(`{"resourceType":"Observation","id":"%s","status":"%s","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"%s"}],"text":"%s"},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"%s","issued":"%s","performer":[{"display":"Central Laboratory"}],"valueQuantity":{"value":%v,"unit":"%s","system":"http://unitsofmeasure.org","code":"%s"}%s}`,
		id, status, loinc, name, Adaeze, instant(when), instant(when+48*time.Minute), value, unit, code, extra)
}

func (w *writer) labs() {
	for i, k := range []float64{6.8, 6.1, 5.6, 5.2, 4.9, 5, 4.7, 4.8, 4.4, 4.6} {
		flag := "N"
		if k > 6.2 {
			flag = "HH"
		} else if k > 5.1 {
			flag = "H"
		}
		w.add(observation(fmt.Sprintf("k%d", i), "final", "2823-3", "Potassium", time.Duration(-3-i*i*5)*time.Hour, k, "mmol/L", "", "3.5", "5.1", flag))
	}
	w.add(observation("k-err", "entered-in-error", "2823-3", "Potassium", -30*time.Hour, 46, "mmol/L", "", "3.5", "5.1", ""))
	for i, v := range []float64{3.42, 3.10, 2.88, 2.75, 2.8} {
		w.add(observation(fmt.Sprintf("cr%d", i), "final", "2160-0", "Creatinine", time.Duration(-3-i*26)*time.Hour, v, "mg/dL", "", "0.59", "1.04", "H"))
	}
	for i, v := range []float64{239, 250} {
		w.add(observation(fmt.Sprintf("crsi%d", i), "final", "2160-0", "Creatinine", time.Duration(-400-i*300)*time.Hour, v, "µmol/L", "umol/L", "52", "92", ""))
	}
	for i, v := range []float64{11.2, 11.4, 11.9} {
		w.add(observation(fmt.Sprintf("hb%d", i), "final", "718-7", "Hemoglobin", time.Duration(-3-i*48)*time.Hour, v, "g/dL", "", "12.0", "15.5", "L"))
	}
	w.add(observation("glu", "preliminary", "2345-7", "Glucose", -50*time.Minute, 163, "mg/dL", "", "70", "99", ""))
	w.add(observation("wbc", "final", "6690-2", "Leukocytes", -3*time.Hour, 8.2, "10*3/uL", "", "4.5", "11.0", "N"))
	w.add(observation("ca", "final", "17861-6", "Calcium", -3*time.Hour, 8.9, "mg/dL", "", "8.6", "10.3", "N"))
	w.add(observation("tsh", "final", "3016-3", "TSH", -900*time.Hour, 1.9, "mIU/L", "m[IU]/L", "0.40", "4.50", ""))
}

func (w *writer) vital(loinc, name, unit, code, low, high string, values ...float64) {
	for i, v := range values {
		src := observation(fmt.Sprintf("v%s-%d", loinc, i), "final", loinc, name, time.Duration(-35-i*240)*time.Minute, v, unit, code, low, high, "")
		w.add(strings.Replace(src, `"code":"laboratory"`, `"code":"vital-signs"`, 1))
	}
}

func (w *writer) vitals() {
	w.vital("8867-4", "Heart rate", "beats/minute", "/min", "51", "100", 104, 96, 88, 84, 90, 82)
	w.vital("9279-1", "Respiratory rate", "breaths/minute", "/min", "12", "20", 18, 18, 16, 17, 16, 16)
	w.vital("8310-5", "Body temperature", "°C", "Cel", "36.0", "38.0", 36.8, 37.1, 36.9, 36.7, 36.6, 36.8)
	w.vital("59408-5", "Oxygen saturation", "%", "%", "95", "", 93, 95, 96, 97, 97, 96)
	for i, bp := range [][2]int{{168, 94}, {172, 98}, {161, 90}, {155, 88}, {158, 92}, {149, 86}} {
		part := func(loinc, name string, v, low, high int) string {
			return fmt.Sprintf(`{"code":{"coding":[{"system":"http://loinc.org","code":"%s"}],"text":"%s"},"valueQuantity":{"value":%d,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"},"referenceRange":[{"low":{"value":%d,"unit":"mmHg"},"high":{"value":%d,"unit":"mmHg"}}]}`, loinc, name, v, low, high)
		}
		w.add(fmt.Sprintf(`{"resourceType":"Observation","id":"bp%d","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}],"text":"Blood pressure"},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"%s","component":[%s,%s]}`,
			i, Adaeze, instant(time.Duration(-35-i*240)*time.Minute), part("8480-6", "Systolic", bp[0], 90, 140), part("8462-4", "Diastolic", bp[1], 60, 90)))
	}
}

func (w *writer) stays() {
	for i, p := range []string{Adaeze, Lookalik, Long, Arabic, Newborn, Quiet, Sealed} {
		w.add(fmt.Sprintf(`{"resourceType":"Encounter","id":"e%d","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"type":[{"text":"Hospital stay"}],"subject":{"reference":"Patient/%s"},"participant":[{"individual":{"display":"Dr Priya Raman"}}],"period":{"start":"2026-03-05T08:15:00-05:00"},"reasonCode":[{"text":"Hyperkalemia"}],"location":[{"location":{"reference":"Location/ward-4w","display":"4 West"},"status":"active"},{"location":{"reference":"Location/bed%d","display":"Bed %02d"},"status":"active"}]}`, i, p, i, i+1))
	}
	w.add(`{"resourceType":"Encounter","id":"e-old","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"type":[{"text":"Nephrology clinic"}],"subject":{"reference":"Patient/` + Adaeze + `"},"period":{"start":"2025-11-02T01:30:00-04:00","end":"2025-11-02T01:40:00-05:00"},"serviceProvider":{"display":"Lakeside Hospital"}}`)
}

// Potassium is a laboratory result of Adaeze's, for tests that change one.
func Potassium(id string, value float64) string {
	return observation(id, "final", "2823-3", "Potassium", -3*time.Hour, value, "mmol/L", "", "3.5", "5.1", "HH")
}
