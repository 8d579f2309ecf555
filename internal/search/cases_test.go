package search_test

import (
	"context"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// ask puts one resource into a store and one condition to it, over wide and
// narrow tokens and to Match alone, which must all agree.
func ask(t *testing.T, body, key, value string) bool {
	t.Helper()
	r, err := fhir.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID() == "" {
		r = r.Stamp("r1", 1, stamped)
	}
	q, err := search.Parse(r.Type(), []search.Param{{Key: key, Value: value}}, search.Options{BaseURL: baseURL, Now: testNow})
	if err != nil {
		t.Fatalf("%s=%s: %v", key, value, err)
	}
	var answers [3]bool
	for i, bits := range []int{64, 12} {
		m := newMemory(t, bits, []*fhir.Resource{r})
		found, _, _ := m.run(t, q)
		answers[i] = len(found) > 0
		plan, err := q.Plan(context.Background(), m, m.resolver(t))
		if err != nil {
			t.Fatal(err)
		}
		if answers[2], err = m.match(plan, 0); err != nil {
			t.Fatal(err)
		}
	}
	if answers[0] != answers[1] || answers[0] != answers[2] {
		t.Fatalf("%s=%s: wide, narrow and Match say %v", key, value, answers)
	}
	return answers[0]
}

type asked struct {
	key, value string
	want       bool
}

func askAll(t *testing.T, name, body string, cases []asked) {
	t.Run(name, func(t *testing.T) {
		for _, c := range cases {
			if got := ask(t, body, c.key, c.value); got != c.want {
				t.Errorf("%s=%s: %v, want %v", c.key, c.value, got, c.want)
			}
		}
	})
}

func procedure(performed string) string {
	return `{"resourceType":"Procedure","status":"completed","subject":{"reference":"Patient/p"},` + performed + `}`
}

// The cases of R4 search, 3.1.1.4.7, and the edges between them.
func TestDate(t *testing.T) {
	askAll(t, "midnight", procedure(`"performedDateTime":"2013-01-14T00:00:00Z"`), []asked{
		{"date", "2013-01-14", true}, {"date", "eq2013-01-14", true}, {"date", "ne2013-01-14", false},
		{"date", "2013-01", true}, {"date", "2013", true}, {"date", "2013-01-13", false},
		{"date", "ge2013-01-14T00:00:00Z", true}, {"date", "gt2013-01-13", true}, {"date", "gt2013-01-14", false},
		{"date", "sa2013-01-13T23:59:59Z", true}, {"date", "2013-01-14T01:00:00+01:00", true},
	})
	askAll(t, "the day after", procedure(`"performedDateTime":"2013-01-15T00:00:00Z"`), []asked{
		{"date", "2013-01-14", false}, {"date", "ne2013-01-14", true}, {"date", "gt2013-01-14", true}, {"date", "sa2013-01-14", true},
	})
	askAll(t, "a day", procedure(`"performedDateTime":"2013-01-14"`), []asked{
		{"date", "lt2013-01-14T10:00", true}, {"date", "gt2013-01-14T10:00", true},
		{"date", "2013-01-14T10:00", false}, {"date", "ap2013-01-14", true},
		{"date", "sa2013-01-14T10:00", false}, {"date", "eb2013-01-14T10:00", false},
	})
	askAll(t, "from 21 January on", procedure(`"performedPeriod":{"start":"2013-01-21"}`), []asked{
		{"date", "ge2013-03-14", true}, {"date", "le2013-03-14", true}, {"date", "sa2013-03-14", false}, {"date", "eb2013-03-14", false},
		{"date", "2013", false}, {"date", "ne2013", true}, {"date", "gt9999", true}, {"date", "lt2013-01-21", false},
	})
	askAll(t, "from 15 March on", procedure(`"performedPeriod":{"start":"2013-03-15"}`), []asked{
		{"date", "sa2013-03-14", true}, {"date", "eb2013-03-14", false},
	})
	askAll(t, "up to 21 January", procedure(`"performedPeriod":{"end":"2013-01-21"}`), []asked{
		{"date", "sa2013-03-14", false}, {"date", "eb2013-03-14", true}, {"date", "lt0001", true}, {"date", "eb2013-01-21", false}, {"date", "eb2013-01-22", true},
	})
	askAll(t, "to noon", procedure(`"performedPeriod":{"start":"2013-01-13","end":"2013-01-14T12:00:00Z"}`), []asked{
		{"date", "ge2013-01-14", false}, {"date", "gt2013-01-14", false}, {"date", "gt2013-01-13", true}, {"date", "2013-01", true}, {"date", "2013-01-14", false},
		{"date", "eb2013-01-15", true}, {"date", "le2013-01-13", false}, {"date", "lt2013-01-13", false}, {"date", "ge2013-01", true}, {"date", "le2013-01", true},
	})
	askAll(t, "a year", procedure(`"performedDateTime":"2013"`), []asked{
		{"date", "2013", true}, {"date", "2013-01", false}, {"date", "gt2013-05-31", true}, {"date", "lt2013-01-02", true},
		{"date", "ge2013-12-31", false}, {"date", "ge2013-12", false}, {"date", "ge2013-12-30", true}, {"date", "gt2013-12-31", false}, {"date", "ge2013", true}, {"date", "le2013", true},
	})
	askAll(t, "time zones", procedure(`"performedDateTime":"2012-12-31T23:00:00-05:00"`), []asked{
		{"date", "2013-01-01", true}, {"date", "2012-12-31", false}, {"date", "2012-12-31T23:00:00-05:00", true}, {"date", "2013-01-01T05:00:00 01:00", true},
	})
	report := `{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"issued":"2020-02-29T23:59:59.999Z"}`
	askAll(t, "an instant", report, []asked{
		{"issued", "2020-02-29T23:59:59.999Z", true}, {"issued", "ge2020-02-29T23:59:59.999000Z", true}, {"issued", "gt2020-02-29T23:59:59.999000Z", false},
		{"issued", "le2020-02-29T23:59:59.999000Z", true}, {"issued", "lt2020-02-29T23:59:59.999000Z", false}, {"issued", "gt2020-02-29T23:59:59.998Z", true},
		{"issued", "2020-02-29T23:59:59", true}, {"issued", "gt2020-02-29T23:59:59", false},
	})
	request := `{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/p"},"activity":[{"detail":{"status":"scheduled",
		"scheduledTiming":{"event":["2013-02-01"],"repeat":{"boundsPeriod":{"start":"2013-01-31","end":"2013-03-24"}}}}}]}`
	askAll(t, "a schedule", request, []asked{
		{"activity-date", "2013", true}, {"activity-date", "ap2013-02-01", true}, {"activity-date", "2013-02", false}, {"activity-date", "sa2013-01-30", true}, {"activity-date", "eb2013-03-25", true},
	})
	askAll(t, "words for a date", procedure(`"performedString":"2013"`), []asked{
		{"date", "2013", false}, {"date:missing", "true", true}, {"date", "ne2013", false},
	})
}

func risk(probability string) string {
	return `{"resourceType":"RiskAssessment","status":"final","subject":{"reference":"Patient/p"},"prediction":[{"outcome":{"text":"x"},` + probability + `}]}`
}

func TestNumber(t *testing.T) {
	askAll(t, "a hundred", risk(`"probabilityDecimal":100`), []asked{
		{"probability", "100", true}, {"probability", "100.00", true}, {"probability", "1e2", true}, {"probability", "1.00e2", true},
		{"probability", "lt100", false}, {"probability", "le100", true}, {"probability", "gt100", false}, {"probability", "ge100", true},
		{"probability", "ne100", false}, {"probability", "sa100", false}, {"probability", "sa99.9", true}, {"probability", "eb100", false},
		{"probability", "ap109", true}, {"probability", "ap112", false}, {"probability", "ap91", true}, {"probability", "0", false},
	})
	askAll(t, "99.5", risk(`"probabilityDecimal":99.5`), []asked{{"probability", "100", true}, {"probability", "100.0", false}, {"probability", "ne100", false}})
	askAll(t, "100.5", risk(`"probabilityDecimal":100.5`), []asked{{"probability", "100", false}, {"probability", "ne100", true}, {"probability", "gt100.4999", true}, {"probability", "gt100.5001", false}})
	askAll(t, "0.80", risk(`"probabilityDecimal":0.80`), []asked{
		{"probability", "gt0.8", false}, {"probability", "ge8e-1", true}, {"probability", "0.8", true}, {"probability", "gt7.99e-1", true}, {"probability", "-0.8", false}, {"probability", "gt-1", true},
	})
	askAll(t, "nothing", risk(`"probabilityDecimal":0`), []asked{{"probability", "0", true}, {"probability", "0.0", true}, {"probability", "lt0.0000001", true}, {"probability", "ge0", true}, {"probability", "gt0", false}, {"probability", "gt-0.00000001", true}})
	askAll(t, "tiny", risk(`"probabilityDecimal":1e-12`), []asked{{"probability", "gt0", true}, {"probability", "gt1e-12", false}, {"probability", "ge1e-12", true}, {"probability", "lt1e-11", true}})
	askAll(t, "huge", risk(`"probabilityDecimal":1e15`), []asked{{"probability", "gt1e14", true}, {"probability", "lt1e16", true}, {"probability", "gt1e15", false}, {"probability", "1e15", true}})
	askAll(t, "a range", risk(`"probabilityRange":{"low":{"value":20},"high":{"value":40}}`), []asked{
		{"probability", "gt30", true}, {"probability", "lt30", true}, {"probability", "sa19", true}, {"probability", "eb41", true}, {"probability", "30", false}, {"probability", "ap30", true}, {"probability", "ne30", true},
	})
}

func observation(value string) string {
	return `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},` + value + `}`
}

func TestQuantity(t *testing.T) {
	mg := observation(`"valueQuantity":{"value":5.40,"unit":"milligram","system":"http://unitsofmeasure.org","code":"mg"}`)
	askAll(t, "units", mg, []asked{
		{"value-quantity", "5.4|http://unitsofmeasure.org|mg", true}, {"value-quantity", "5.4||mg", true}, {"value-quantity", "5.4||milligram", true},
		{"value-quantity", "5.4", true}, {"value-quantity", "le5.4|http://unitsofmeasure.org|mg", true}, {"value-quantity", "lt5.4|http://unitsofmeasure.org|mg", false},
		{"value-quantity", "ap5.8|http://unitsofmeasure.org|mg", true}, {"value-quantity", "5.40e-3|http://unitsofmeasure.org|g", true}, {"value-quantity", "5.4|http://unitsofmeasure.org|g", false}, {"value-quantity", "5.4||g", false}, {"value-quantity", "lt1|http://unitsofmeasure.org|[oz_av]", true}, {"value-quantity", "5.4|http://unitsofmeasure.org|mL", false},
		{"value-quantity", "5.4|http://unitsofmeasure.org|milligram", false}, {"value-quantity", "5.4|urn:other|mg", false}, {"value-quantity", "5.4|http://unitsofmeasure.org|", true},
		{"value-quantity", "9,5.4||kg,5.4||mg", true}, {"value-quantity:missing", "false", true},
	})
	askAll(t, "less than 5", observation(`"valueQuantity":{"value":5,"comparator":"<"}`), []asked{
		{"value-quantity", "lt5", true}, {"value-quantity", "ge5", false}, {"value-quantity", "gt4.99", true}, {"value-quantity", "5", false}, {"value-quantity", "eb5", true}, {"value-quantity", "le4", true}, {"value-quantity", "sa-100", false}, {"value-quantity", "ne5", true},
	})
	askAll(t, "5 or more", observation(`"valueQuantity":{"value":5,"comparator":">="}`), []asked{
		{"value-quantity", "ge5", true}, {"value-quantity", "le5", false}, {"value-quantity", "lt5", false}, {"value-quantity", "gt1e20", true}, {"value-quantity", "sa4.9", true}, {"value-quantity", "sa5", false},
	})
	two := `{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[
		{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1,"system":"u","code":"mg"}},
		{"code":{"coding":[{"code":"b"}]},"valueQuantity":{"value":9,"system":"u","code":"g"}}]}`
	askAll(t, "one value's number, another's unit", two, []asked{
		{"combo-value-quantity", "gt5|u|g", true}, {"combo-value-quantity", "gt5|u|mg", false}, {"component-value-quantity", "1|u|g", false},
		{"component-code-value-quantity", "a$1", true}, {"component-code-value-quantity", "a$9", false}, {"combo-code-value-quantity", "b$gt5||g", true},
		{"combo-code-value-quantity", "c$1,a$lt2", true}, {"component-code-value-quantity", "|a$lt2", true},
	})
}

func TestToken(t *testing.T) {
	body := `{"resourceType":"Patient","gender":"male","active":true,"identifier":[{"system":"http://acme.org/patient","value":"2345"},{"value":"aB|c"}],
		"telecom":[{"system":"email","value":"Ann@Example.org"}],"communication":[{"language":{"text":"Elvish"}}]}`
	askAll(t, "forms", body, []asked{
		{"identifier", "http://acme.org/patient|2345", true}, {"identifier", "2345", true}, {"identifier", "|2345", false}, {"identifier", "http://acme.org/patient|", true},
		{"identifier", `|aB\|c`, true}, {"identifier", `ab\|c`, false}, {"identifier", "http://acme.org|2345", false}, {"identifier", "1,2345", true},
		{"gender", "male", true}, {"gender", "MALE", false}, {"gender:not", "male", false}, {"gender:not", "female", true}, {"gender:not", "male,female", false},
		{"active", "true", true}, {"active", "false", false}, {"email", "ann@example.ORG", true}, {"phone", "ann@example.org", false}, {"telecom", "ann@example.org", true},
		{"deceased", "false", true}, {"deceased", "true", false}, {"language:missing", "false", true}, {"language:not", "en", true}, {"language", "en", false},
		{"address-use:missing", "true", true}, {"address-use:not", "home", true}, {"_id", "r1", true}, {"_id", "R1", false}, {"_id:not", "r1", false}, {"_id", "x,r1", true},
	})
	askAll(t, "dead", `{"resourceType":"Patient","deceasedDateTime":"2020-01-01"}`, []asked{{"deceased", "true", true}, {"death-date", "2020", true}})
	askAll(t, "alive", `{"resourceType":"Patient","deceasedBoolean":false}`, []asked{{"deceased", "true", false}, {"deceased", "false", true}, {"deceased:missing", "true", false}})
}

func TestString(t *testing.T) {
	body := `{"resourceType":"Patient","name":[{"family":"Carreño Quiñones","given":["Eve","Ann Marie"],"prefix":["Dr."]},{"family":"O'Brien-Smith"},{"family":"Li"}],
		"address":[{"city":"New York","state":"MA","line":["12 High St."]}]}`
	askAll(t, "names", body, []asked{
		{"given", "eve", true}, {"given", "EV", true}, {"given", "evelyn", false}, {"given", "ve", false}, {"given:contains", "ve", true}, {"given:exact", "Eve", true}, {"given:exact", "eve", false},
		{"family", "carreno", true}, {"family", "Quinones", true}, {"family", "carreno quin", true}, {"family", "rreno", false}, {"family", "obrien", true}, {"family", "O’Brien smith", true}, {"family", "smith", true},
		{"family:contains", "briens", false}, {"family:contains", "brien s", true}, {"family:contains", "arreñ", true}, {"family", "li", true}, {"family", "l", true},
		{"name", "dr", true}, {"name", "marie", true}, {"name", "ann marie", true}, {"name", "ann  MARIE ", true}, {"name:exact", "Ann Marie", true}, {"name:exact", "Ann", false}, {"name", "annmarie", false},
		{"address", "york", true}, {"address-city", "new york", true}, {"address-city", "new yorker", false}, {"address-state", "ma", true}, {"address", "12 high st", true}, {"address:contains", "igh s", true},
		{"family", `carreno\, x`, false}, {"family:missing", "false", true}, {"address-country:missing", "true", true}, {"phonetic", "carreno quinones", true}, {"family", "carreno quinones x", false},
	})
	org := `{"resourceType":"Organization","name":"Massachusetts General Hospital","identifier":[{"value":"1"}]}`
	askAll(t, "plain strings", org, []asked{
		{"name", "mass", true}, {"name", "general", false}, {"name:contains", "general", true}, {"name:contains", "ge", true}, {"name", "massachusetts general", true}, {"name", "massachuxetts", false},
	})
}

func TestReference(t *testing.T) {
	body := observation(`"subject":{"reference":"Patient/23"},"encounter":{"reference":"Encounter/e/_history/2"},"performer":[{"reference":"https://other.example.org/fhir/Practitioner/1"},{"reference":"` + baseURL + `/Organization/o"},{"display":"x"}]`)
	askAll(t, "forms", body, []asked{
		{"subject", "23", true}, {"subject", "Patient/23", true}, {"subject", "Group/23", false}, {"subject:Patient", "23", true}, {"subject:Group", "23", false}, {"patient", "23", true}, {"patient", "Patient/23", true},
		{"subject", baseURL + "/Patient/23", true}, {"subject", "https://other.example.org/fhir/Patient/23", false}, {"subject", "2", false}, {"subject", "Patient/23/_history/1", false},
		{"encounter", "e", true}, {"encounter", "Encounter/e", true}, {"encounter", "Encounter/e/_history/2", true}, {"encounter", "Encounter/e/_history/1", false},
		{"performer", "https://other.example.org/fhir/Practitioner/1", true}, {"performer", "Practitioner/1", false}, {"performer", "Organization/o", true}, {"performer", "o", true}, {"performer", baseURL + "/Organization/o", true},
		{"device:missing", "true", true}, {"patient:missing", "false", true}, {"subject:missing", "true", false},
	})
	askAll(t, "canonical", `{"resourceType":"Procedure","status":"completed","subject":{"reference":"Patient/p"},"instantiatesCanonical":["http://x.org/p|1.0"],"meta":{"profile":["http://x.org/q|2"],"source":"urn:s#1"}}`, []asked{
		{"instantiates-canonical", "http://x.org/p", true}, {"instantiates-canonical", "http://x.org/p|1.0", true}, {"instantiates-canonical", "http://x.org/p|2", false}, {"instantiates-canonical", "http://x.org", false},
		{"_profile", "http://x.org/q", true}, {"_profile", "http://x.org/Q", false}, {"_source", "urn:s#1", true}, {"_source", "urn:s", false},
	})
}

func TestLastUpdated(t *testing.T) {
	day := stamped.Format("2006-01-02")
	askAll(t, "when", `{"resourceType":"Patient"}`, []asked{
		{"_lastUpdated", day, true}, {"_lastUpdated", "gt" + day, false}, {"_lastUpdated", "ge" + stamped.Format(time.RFC3339), true}, {"_lastUpdated", "gt2010-10-01", true},
		{"_lastUpdated", "lt2010", false}, {"_lastUpdated", "ne" + day, false}, {"_lastUpdated", "ap" + day, true}, {"_lastUpdated", "le" + stamped.Format(time.RFC3339), true},
	})
}
