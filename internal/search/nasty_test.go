package search_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// nasty makes what Synthea never writes: several values where there is mostly
// one, comparators, open periods, partial dates, accents, codes without systems,
// versioned and absolute references, values at each other's edges.
type nasty struct{ *rand.Rand }

type object = map[string]any

func nastyResources(t testing.TB, n int) (out []*fhir.Resource) {
	g := nasty{rand.New(rand.NewPCG(7, 7))}
	kinds := []func() object{g.observation, g.observation, g.observation, g.patient, g.condition, g.encounter, g.location, g.procedure, g.medicationRequest, g.carePlan}
	for i := range n {
		r := kinds[i%len(kinds)]()
		src, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		p, err := fhir.Parse(src)
		if err != nil {
			var e *fault.Error
			errors.As(err, &e)
			t.Fatalf("%s: %+v", src, e.Issues)
		}
		out = append(out, p.Stamp(fmt.Sprintf("nasty-%d", i), 1, stamped.Add(-time.Duration(i)*time.Hour)))
	}
	return out
}

func some[T any](g nasty, list ...T) T { return list[g.IntN(len(list))] }

func (g nasty) coding() object {
	c := object{"code": some(g, "a", "A", "b", "c|d", "e,f", "g$h", `i\j`, "8480-6", "8462-4")}
	if g.IntN(3) > 0 {
		c["system"] = some(g, "http://loinc.org", "urn:x", "urn:x|y")
	}
	if g.IntN(2) == 0 {
		c["display"] = some(g, "Körper-Temperatur", "Body temperature", "mean blood pressure", "O'Hara's sign", "AND or")
	}
	if g.IntN(8) == 0 {
		delete(c, "code")
		c["display"] = "no code"
	}
	return c
}

func (g nasty) concept() object {
	var list []any
	for range 1 + g.IntN(3) {
		list = append(list, g.coding())
	}
	if g.IntN(8) == 0 {
		return object{"text": "only text"}
	}
	return object{"coding": list, "text": some(g, "Über allem", "x")}
}

func (g nasty) date() string {
	return some(g, "2019", "2020", "2020-02", "2020-02-29", "2020-03-01", "1999-12-31", "2000-01-01", "1650", "1699-12-31", "1700-01-01", "2199-12-31", "2200-06", "9999-12-31")
}

func (g nasty) dateTime() string {
	if g.IntN(2) == 0 {
		return g.date()
	}
	return some(g, "2020-02-29T00:00:00Z", "2020-02-29T23:59:59Z", "2020-02-29T23:59:59.999Z", "2020-03-01T00:30:00+01:00",
		"2020-02-29T12:00:00-12:00", "2020-03-01T00:00:00.001Z", "2019-12-31T23:00:00-01:00", "2020-02-29T12:00:00.123456Z")
}

func (g nasty) period() object {
	a, b := g.dateTime(), g.dateTime()
	if b[:4] < a[:4] {
		a, b = b, a
	}
	p := object{"start": a, "end": b}
	switch g.IntN(5) {
	case 0:
		delete(p, "start")
	case 1:
		delete(p, "end")
	case 2:
		p["end"] = a
	}
	return p
}

func (g nasty) quantity() object {
	q := object{"value": json.Number(some(g, "0", "5", "5.0", "5.4", "5.40", "5.401", "5.35", "5.45", "-5.4", "100", "99.5", "100.5", "1e2", "0.00000012", "123456789012345678901234567890", "-0.5", "99.4999"))}
	if g.IntN(4) > 0 {
		q["unit"] = some(g, "mg", "milligram")
	}
	if g.IntN(3) > 0 {
		q["system"], q["code"] = some(g, "http://unitsofmeasure.org", "urn:u"), some(g, "mg", "g")
	}
	if g.IntN(3) == 0 {
		q["system"], q["code"] = "http://unitsofmeasure.org", some(g, "kg", "ug", "[lb_av]", "mm[Hg]", "kPa", "Cel", "[degF]", "K", "/min", "Hz", "mmol/L", "umol/L", "10*3/uL", "%", "[pH]", "no unit", "{score}")
	}
	if g.IntN(3) == 0 {
		q["comparator"] = some(g, "<", "<=", ">", ">=")
	}
	return q
}

func (g nasty) ref(types ...string) object {
	id := fmt.Sprintf("nasty-%d", g.IntN(40))
	ref := some(g, types...) + "/" + id
	switch g.IntN(10) {
	case 0:
		ref += "/_history/" + some(g, "1", "2")
	case 1:
		ref = baseURL + "/" + ref
	case 2:
		ref = "https://elsewhere.example.org/fhir/" + ref
	case 3:
		return object{"display": "somebody"}
	case 4:
		return object{"identifier": object{"value": some(g, "x", "1")}}
	case 6:
		return object{"identifier": object{"system": "urn:mrn", "value": some(g, "1", "A1")}, "type": some(g, types...), "display": "somebody"}
	case 7:
		return object{"identifier": object{"system": some(g, "urn:mrn", "urn:x")}, "reference": ref}
	case 5:
		ref = "urn:uuid:0696ac49-3128-87d3-7344-04510aa4f324"
	}
	return object{"reference": ref}
}

// maybe sets members, each or not.
func (g nasty) maybe(r object, members ...any) {
	for i := 0; i < len(members); i += 2 {
		if g.IntN(3) > 0 {
			r[members[i].(string)] = members[i+1]
		}
	}
}

func (g nasty) meta(r object) object {
	meta := object{}
	g.maybe(meta, "profile", []any{some(g, "http://x.org/p", "http://x.org/p|1.0", "http://x.org/p|2", "http://x.org/pq")},
		"tag", []any{g.coding(), g.coding()}, "security", []any{g.coding()}, "source", some(g, "urn:a", "http://b.org/c#d"))
	if g.IntN(3) == 0 {
		r["text"] = object{"status": "generated", "div": some(g, `<div xmlns="http://www.w3.org/1999/xhtml"><p>Bone</p><!-- liver --><b>metas</b>tases</div>`,
			`<div xmlns="http://www.w3.org/1999/xhtml">O'Brien &amp; S&#246;hne: liver and bone</div>`, `<div xmlns="http://www.w3.org/1999/xhtml">liver metastases</div>`)}
	}
	if len(meta) > 0 {
		r["meta"] = meta
	}
	return r
}

func (g nasty) observation() object {
	r := g.meta(object{"resourceType": "Observation", "status": some(g, "final", "amended"), "code": g.concept()})
	g.maybe(r, "subject", g.ref("Patient", "Group"), "category", []any{g.concept(), g.concept()},
		"performer", []any{g.ref("Practitioner", "Patient"), g.ref("Organization")}, "encounter", g.ref("Encounter"))
	switch g.IntN(5) {
	case 0:
		r["effectiveDateTime"] = g.dateTime()
	case 1:
		r["effectivePeriod"] = g.period()
	case 2:
		r["effectiveInstant"] = "2020-02-29T23:59:59.999Z"
	case 3:
		r["effectiveTiming"] = object{"event": []any{g.dateTime(), g.dateTime()}, "repeat": object{"boundsPeriod": g.period()}}
	}
	g.observed(r)
	for range g.IntN(4) {
		c := object{"code": g.concept()}
		g.observed(c)
		list, _ := r["component"].([]any)
		r["component"] = append(list, c)
	}
	return r
}

func (g nasty) observed(r object) {
	switch g.IntN(7) {
	case 6:
		r["valueSampledData"] = g.sampled()
	case 0, 1, 2:
		r["valueQuantity"] = g.quantity()
	case 3:
		r["valueCodeableConcept"] = g.concept()
	case 4:
		r["valueString"] = some(g, "Positive", "pos", "négatif", "1+ (trace)")
	case 5:
		r["dataAbsentReason"] = g.concept()
	}
}

func (g nasty) sampled() object {
	origin := object{"value": json.Number(some(g, "0", "5", "-1.5"))}
	g.maybe(origin, "unit", "mg", "system", "http://unitsofmeasure.org", "code", some(g, "mg", "g"))
	s := object{"origin": origin, "period": 10, "dimensions": 1, "data": some(g, "1 2 3", "E 0.4 L", "5.4", "E", "-2 U 4")}
	g.maybe(s, "factor", json.Number(some(g, "0.5", "-1", "10")))
	return s
}

func (g nasty) patient() object {
	name := func() object {
		n := object{"family": some(g, "O'Brien", "obrien", "García-Márquez", "Li", "Øster", "Straße", "van der Berg", "Nguyễn", "李")}
		g.maybe(n, "given", []any{some(g, "Ann Marie", "Annmarie", "Éve", "eve", "Evelyn", "J."), some(g, "X", "Severine")},
			"text", some(g, "Dr. Eve  O’Brien", "eve"), "prefix", []any{"Dr."})
		return n
	}
	r := g.meta(object{"resourceType": "Patient", "name": []any{name(), name()}})
	g.maybe(r, "gender", some(g, "male", "female"), "birthDate", g.date(), "active", g.IntN(2) == 0,
		"identifier", []any{object{"system": "urn:mrn", "value": some(g, "1", "01", "A1", "a1"), "type": g.concept()}, object{"value": "1", "type": object{"coding": []any{object{"system": "urn:x", "code": "a"}, object{"system": "urn:x|y", "code": "c|d"}}, "text": "second number"}}},
		"telecom", []any{object{"system": some(g, "phone", "email"), "value": some(g, "Ann@Example.org", "+1 555", "ANN@EXAMPLE.ORG")}},
		"address", []any{object{"line": []any{"12 High St.", "Flat 3"}, "city": some(g, "New York", "York"), "state": some(g, "NY", "Maine", "MA"), "postalCode": "02134-1"}},
		"generalPractitioner", []any{g.ref("Practitioner", "Organization"), g.ref("PractitionerRole")},
		"link", []any{object{"type": "seealso", "other": g.ref("Patient", "RelatedPerson")}})
	switch g.IntN(3) {
	case 0:
		r["deceasedBoolean"] = g.IntN(2) == 0
	case 1:
		r["deceasedDateTime"] = g.dateTime()
	}
	return r
}

func (g nasty) condition() object {
	r := g.meta(object{"resourceType": "Condition", "subject": g.ref("Patient", "Group")})
	g.maybe(r, "code", g.concept(), "recordedDate", g.dateTime())
	switch g.IntN(6) {
	case 0:
		r["onsetDateTime"] = g.dateTime()
	case 1:
		r["onsetPeriod"] = g.period()
	case 2:
		r["onsetAge"] = object{"value": 3 + g.IntN(3), "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
	case 3:
		r["onsetString"] = some(g, "as a child", "Childhood")
	case 4:
		r["onsetRange"] = object{"low": object{"value": 3, "unit": "a"}, "high": object{"value": 5, "unit": "a"}}
	}
	return r
}

func (g nasty) encounter() object {
	r := g.meta(object{"resourceType": "Encounter", "status": "finished", "class": g.coding()})
	var locations []any
	for range g.IntN(3) {
		locations = append(locations, object{"location": g.ref("Location"), "period": g.period()})
	}
	if locations != nil {
		r["location"] = locations
	}
	g.maybe(r, "subject", g.ref("Patient"), "period", g.period(), "type", []any{g.concept()}, "length", object{"value": 30, "unit": "min"},
		"participant", []any{object{"individual": g.ref("Practitioner", "RelatedPerson")}})
	return r
}

func (g nasty) location() object {
	r := g.meta(object{"resourceType": "Location", "name": some(g, "Ward", "Out there")})
	g.maybe(r, "position", object{"latitude": json.Number(some(g, "42.256500", "0", "-33.9", "89.99", "51.5")), "longitude": json.Number(some(g, "-83.694710", "0", "179.99", "-179.99", "-0.1"))})
	return r
}

func (g nasty) procedure() object {
	r := g.meta(object{"resourceType": "Procedure", "status": "completed", "subject": g.ref("Patient")})
	switch g.IntN(4) {
	case 0:
		r["performedPeriod"] = g.period()
	case 1:
		r["performedDateTime"] = g.dateTime()
	case 2:
		r["performedString"] = "2020"
	}
	g.maybe(r, "code", g.concept(), "instantiatesCanonical", []any{"http://x.org/p|1", "PlanDefinition/nasty-1"})
	return r
}

func (g nasty) medicationRequest() object {
	r := g.meta(object{"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": g.ref("Patient")})
	if g.IntN(2) == 0 {
		r["medicationReference"] = g.ref("Medication")
	} else {
		r["medicationCodeableConcept"] = g.concept()
	}
	g.maybe(r, "authoredOn", g.dateTime(), "dosageInstruction", []any{object{"timing": object{"event": []any{g.dateTime()}}}, object{"timing": object{"event": []any{g.dateTime(), g.dateTime()}}}})
	return r
}

func (g nasty) carePlan() object {
	r := g.meta(object{"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": g.ref("Patient")})
	detail := object{"status": "scheduled"}
	switch g.IntN(3) {
	case 0:
		detail["scheduledPeriod"] = g.period()
	case 1:
		detail["scheduledTiming"] = object{"repeat": object{"frequency": 1}}
	case 2:
		detail["scheduledString"] = "soon"
	}
	g.maybe(r, "activity", []any{object{"detail": detail}, object{"reference": g.ref("Task")}}, "period", g.period())
	return r
}
