package main

import (
	"math/rand/v2"
	"net/url"
	"strings"
)

// shape is a kind of search, with values drawn from the data.
type shape struct {
	name string
	// selective: the answer does not grow with the number of copies.
	selective bool
	// make returns one search, "" if these values do not serve, and how many
	// records it finds in one copy, or unknown.
	make func(d draw) (search string, want int)
}

const unknown = -1

// draw is one person, and chance.
type draw struct {
	*person
	cat *catalogue
	rng *rand.Rand
}

func query(text string) string { return url.QueryEscape(text) }

// one returns a resource of a type that the person has; nil if he has none.
func (d draw) one(typ string) *source {
	if list := d.have[typ]; len(list) > 0 {
		return list[d.rng.IntN(len(list))]
	}
	return nil
}

func (d draw) count(typ string, is func(*source) bool) int {
	n := 0
	for _, s := range d.have[typ] {
		if is(s) {
			n++
		}
	}
	return n
}

// mine makes a shape of everything of a type that a patient has.
func mine(typ, more string) func(draw) (string, int) {
	return func(d draw) (string, int) {
		return typ + "?patient=" + d.key + more, len(d.have[typ])
	}
}

// coded makes a shape of what a patient has of one code.
func coded(typ, more string) func(draw) (string, int) {
	return func(d draw) (string, int) {
		s := d.one(typ)
		if s == nil || s.Code.token() == "" {
			return "", 0
		}
		return typ + "?patient=" + d.key + "&code=" + query(s.Code.token()) + more,
			d.count(typ, func(o *source) bool { return o.Code.token() == s.Code.token() })
	}
}

// spread makes a shape of a patient's records around a day of one of them.
func spread(typ, parameter, more string) func(draw) (string, int) {
	return func(d draw) (string, int) {
		s := d.one(typ)
		if s == nil || s.day() == "" {
			return "", 0
		}
		year := s.day()[:4]
		return typ + "?patient=" + d.key + "&" + parameter + "=ge" + year + "-01-01&" + parameter + "=le" + year + "-12-31" + more, unknown
	}
}

// everywhere makes a shape of one code among all patients.
func everywhere(typ, more string, most int) func(draw) (string, int) {
	return func(d draw) (string, int) {
		token := d.cat.rare(d.rng, typ, most)
		if token == "" {
			return "", 0
		}
		return typ + "?code=" + query(token) + more, d.cat.counts[typ+"|"+token]
	}
}

func constant(search string) func(draw) (string, int) {
	return func(draw) (string, int) { return search, unknown }
}

// searchShapes are the thirty kinds of search that are timed page by page.
func searchShapes() []shape {
	return []shape{
		{"Patient by identifier", true, func(d draw) (string, int) {
			return "Patient?identifier=" + query(syntheaSystem+"|"+d.ID), 1
		}},
		{"Patient by id, three", true, func(d draw) (string, int) {
			p := d.cat.people
			ids := []string{d.key, p[d.rng.IntN(len(p))].key, p[d.rng.IntN(len(p))].key}
			return "Patient?_id=" + strings.Join(ids, ","), unknown
		}},
		{"Patient by family and birth date", true, func(d draw) (string, int) {
			return "Patient?family:exact=" + query(d.Name[0].Family) + "&birthdate=" + d.BirthDate, 1
		}},
		{"Patient by first letters of the name", false, func(d draw) (string, int) {
			return "Patient?name=" + query(d.Name[0].Family[:4]) + "&gender=" + d.Gender, unknown
		}},
		{"Patient by part of the name", false, func(d draw) (string, int) {
			return "Patient?family:contains=" + query(d.Name[0].Family[1:5]), unknown
		}},
		{"Patient by birth month, sorted", false, func(d draw) (string, int) {
			return "Patient?birthdate=" + d.BirthDate[:7] + "&_sort=family,given", unknown
		}},
		{"Patient by city and sex", false, func(d draw) (string, int) {
			return "Patient?address-city=" + query(d.Address[0].City) + "&gender=" + d.Gender, unknown
		}},
		{"Condition of a patient", true, mine("Condition", "")},
		{"Condition of a patient, active", true, func(d draw) (string, int) {
			return "Condition?patient=" + d.key + "&clinical-status=active", unknown
		}},
		{"Condition by code, of all", false, everywhere("Condition", "", 6)},
		{"Condition by chain to the patient's identifier", true, func(d draw) (string, int) {
			return "Condition?patient.identifier=" + query(syntheaSystem+"|"+d.ID), len(d.have["Condition"])
		}},
		{"Observation of a patient by code", true, coded("Observation", "")},
		{"Observation of a patient by code, newest first", true, coded("Observation", "&_sort=-date")},
		{"Observation of a patient, vital signs", true, func(d draw) (string, int) {
			return "Observation?patient=" + d.key + "&category=vital-signs", unknown
		}},
		{"Observation of a patient in a year", true, spread("Observation", "date", "")},
		{"Observation by code and value, composite", true, func(d draw) (string, int) {
			s := d.one("Observation")
			if s == nil || s.Value.Value == "" {
				return "", 0
			}
			return "Observation?patient=" + d.key + "&code-value-quantity=" + query(s.Code.token()+"$ge"+s.Value.Value.String()), unknown
		}},
		{"Observation by code, of all", false, everywhere("Observation", "", 20)},
		{"Observation of a patient, not final", true, func(d draw) (string, int) {
			return "Observation?patient=" + d.key + "&status:not=final", d.count("Observation", func(s *source) bool { return s.Status != "final" })
		}},
		{"Encounter of a patient, sorted", true, mine("Encounter", "&_sort=-date")},
		{"Encounter of a patient in a year", true, spread("Encounter", "date", "")},
		{"Encounter by identifier, with its patient", true, func(d draw) (string, int) {
			s := d.one("Encounter")
			if s == nil {
				return "", 0
			}
			return "Encounter?identifier=" + query(syntheaSystem+"|"+s.ID) + "&_include=Encounter:patient", 1
		}},
		{"MedicationRequest of a patient, active, with encounters", true, func(d draw) (string, int) {
			return "MedicationRequest?patient=" + d.key + "&status=active&_include=MedicationRequest:encounter",
				d.count("MedicationRequest", func(s *source) bool { return s.Status == "active" })
		}},
		{"DiagnosticReport of a patient in a year, with results", true, spread("DiagnosticReport", "date", "&_include=DiagnosticReport:result")},
		{"Procedure of a patient, newest first", true, mine("Procedure", "&_sort=-date")},
		{"Immunization by code, of a patient", true, func(d draw) (string, int) {
			s := d.one("Immunization")
			if s == nil {
				return "", 0
			}
			return "Immunization?patient=" + d.key + "&vaccine-code=" + query(s.VaccineCode.token()),
				d.count("Immunization", func(o *source) bool { return o.VaccineCode.token() == s.VaccineCode.token() })
		}},
		{"Claim of a patient in a year", true, spread("Claim", "created", "")},
		{"Patient with conditions, reverse include", true, func(d draw) (string, int) {
			return "Patient?_id=" + d.key + "&_revinclude=Condition:patient", 1
		}},
		{"Patient by a condition, _has", false, func(d draw) (string, int) {
			token := d.cat.rare(d.rng, "Condition", 6)
			return "Patient?_has:Condition:patient:code=" + query(token), unknown
		}},
		{"AllergyIntolerance of a patient", true, mine("AllergyIntolerance", "")},
		{"Immunization by chain to family and birth date", true, func(d draw) (string, int) {
			return "Immunization?patient.family=" + query(d.Name[0].Family) + "&patient.birthdate=" + d.BirthDate + "&_elements=status", unknown
		}},
	}
}

// countShapes are the forty-five kinds of set that are counted.
func countShapes() []shape {
	text := []string{
		"Patient?gender=female", "Patient?birthdate=lt1960-01-01", "Patient?birthdate=ge1950&birthdate=lt1990",
		"Patient?deceased:missing=false", "Patient?deceased:missing=true", "Patient?gender:not=male", "Patient?name=a",
		"Patient?address-state=MA", "Patient?language=en-US", "Patient?family:contains=er",
		"Observation?category=vital-signs", "Observation?category=laboratory", "Observation?status=final",
		"Observation?status:not=final", "Observation?date=ge2015", "Observation?date=lt2000", "Observation?date=2019",
		"Observation?date=ge2018-03-01&date=lt2018-09-01", "Observation?value-quantity=gt100",
		"Observation?value-quantity=lt10", "Observation?code=8302-2,8867-4", "Observation?component-code=8480-6",
		"Observation?category=laboratory&date=ge2015", "Observation?encounter:missing=true", "Observation?value-concept:missing=false",
		"Encounter?status=finished", "Encounter?class=AMB", "Encounter?class=EMER", "Encounter?date=ge2010&date=lt2020",
		"Encounter?class:not=AMB", "Condition?clinical-status=active", "Condition?clinical-status=resolved&onset-date=ge2015",
		"Condition?abatement-date:missing=true", "Procedure?date=ge2015", "Procedure?status=completed",
		"MedicationRequest?status=active", "MedicationRequest?intent=order&authoredon=ge2018", "Claim?use=claim",
		"Claim?created=ge2015", "ExplanationOfBenefit?created=2018", "DiagnosticReport?category=LAB",
		"DocumentReference?status=current", "Immunization?date=ge2015",
		"Condition?patient.gender=female", "Observation?patient.birthdate=lt1940&code=8302-2",
	}
	shapes := make([]shape, len(text))
	for i, t := range text {
		shapes[i] = shape{name: t, make: constant(t)}
	}
	return shapes
}
