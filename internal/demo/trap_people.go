package demo

import "time"

// called fixes the name and, if given, the birth date of a patient.
func called(given, middle, family, born string) func(*chart) {
	return func(c *chart) {
		c.p.given, c.p.middle, c.p.family, c.p.language = given, middle, family, ""
		c.p.hispanic, c.p.race = false, code{sysRace, "2106-3", "White"}
		if born != "" {
			t, err := time.ParseInLocation(time.DateOnly, born, c.w.zone)
			if err != nil {
				panic("demo: a birth date that is none")
			}
			c.p.birth = t
		}
	}
}

// birthDay is a date of birth that keeps the age whatever today is.
func birthDay(age, month, day int) func(*chart) {
	return func(c *chart) {
		c.p.birth = time.Date(c.now.Year()-age, time.Month(month), day, 0, 0, 0, 0, c.w.zone)
		if c.p.birth.AddDate(age, 0, 0).After(c.now) {
			c.p.birth = c.p.birth.AddDate(-1, 0, 0)
		}
	}
}

// race sets the category where the name that was fixed suggests another.
func race(k, display string) func(*chart) {
	return func(c *chart) { c.p.race, c.p.hispanic = code{sysRace, k, display}, false }
}

func both(fs ...func(*chart)) func(*chart) {
	return func(c *chart) {
		for _, f := range fs {
			f(c)
		}
	}
}

// nameRepresentation says in which script a name is written (ISO 21090).
func nameRepresentation(k string) arr {
	return list(o("url", "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode", k))
}

// inScript makes the official name one in another script; the Latin letters of
// the passport stay as the usual name.
func inScript(given, family, text, representation, language string) func(*chart) {
	return func(c *chart) {
		official := o("use", "official", "text", text, "family", family, "given", list(given))
		if representation != "" {
			official = append(o("extension", nameRepresentation(representation)), official...)
		}
		latin := o("extension", nameRepresentation("ABC"), "use", "usual", "text", fullName(c.p),
			"family", c.p.family, "given", list(c.p.given))
		c.patient = c.patient.set("name", list(official, latin)).set("communication", list(
			o("language", concept(code{"urn:ietf:bcp:47", language, languageName[language]}), "preferred", true)))
	}
}

// unidentified leaves what can be known of a man without papers: a temporary
// name, an alias by which the wards call him, sex and an approximate age.
func unidentified(c *chart) {
	year := c.now.Year() - 55
	c.patient = o("resourceType", "Patient", "id", c.id, "meta", testMeta(),
		"identifier", list(o("use", "temp", "type", concept(v2("0203", "MR", "Medical record number")),
			"system", SystemMRN, "value", mrn(c.n), "assigner", orgRef(orgHospital))),
		"active", true, "name", list(
			o("use", "temp", "text", "Unknown Man", "family", "Unknown", "given", list("Man")),
			o("use", "anonymous", "text", "Harbor Delta", "family", "Delta", "given", list("Harbor"))),
		"gender", "male", "birthDate", itoa(year),
		"managingOrganization", orgRef(orgHospital))
	c.p.given, c.p.family, c.p.middle = "Man", "Unknown", ""
}

// noData is a patient of whom nothing is known but who they are.
func noData(c *chart) {
	c.patient = o("resourceType", "Patient", "id", c.id, "meta", testMeta(),
		"identifier", list(o("use", "usual", "type", concept(v2("0203", "MR", "Medical record number")),
			"system", SystemMRN, "value", mrn(c.n), "assigner", orgRef(orgHospital))),
		"active", true, "name", list(o("use", "official", "text", fullName(c.p), "family", c.p.family, "given", list(c.p.given))),
		"gender", c.p.sex, "birthDate", date(c.p.birth), "managingOrganization", orgRef(orgHospital))
}

// newbornNamed is the name of a baby before it has one: after the mother, as
// the Joint Commission asks, so that two babies of one family name differ.
func newbornNamed(given, family string, order int) func(*chart) {
	return func(c *chart) {
		c.p.given, c.p.family, c.p.middle, c.p.language = given, family, "", ""
		c.p.married = code{}
		name := o("use", "temp", "text", given+" "+family, "family", family, "given", list(given))
		c.patient = c.patient.set("name", list(name)).set("telecom", nil).set("contact", nil)
		ids := c.patient.get("identifier").(arr)
		c.patient = c.patient.set("identifier", ids[:1]) // no other number yet
		if order > 0 {
			c.patient = c.patient.with("multipleBirthInteger", order)
		}
	}
}

// childOf links a newborn to the mother: a RelatedPerson of the baby, and the
// baby's stay as part of hers. They live at one address.
func childOf(mother int, given, family string) func(*chart) {
	return func(c *chart) {
		s := slotOf(mother)
		c.patient = c.patient.set("address", homeAddress(pickPerson(c.w.random(mother), c.w.now, s.sex, s.age).line))
		c.mothersStay = "Encounter/" + patientID(mother) + "-stay"
		c.put("RelatedPerson", c.id+"-mother", o("active", true, "patient", c.subject(),
			"relationship", list(concept(v3("RoleCode", "NMTH", "natural mother"))),
			"name", list(o("text", given+" "+family, "family", family, "given", list(given))), "gender", "female"))
	}
}

// motherOf links the mother's record to the RelatedPerson of each baby.
func motherOf(babies ...int) func(*chart) {
	return func(c *chart) {
		var links arr
		for _, b := range babies {
			if b <= c.w.opt.Patients {
				links = append(links, o("other", ref("RelatedPerson", patientID(b)+"-mother"), "type", "seealso"))
			}
		}
		c.patient = c.patient.with("link", links)
	}
}

// marked puts security labels on the patient and on all that is written of them.
func marked(labels ...code) func(*chart) {
	return func(c *chart) { c.labels = labels }
}

// important marks somebody the town knows.
func important(c *chart) {
	vip := v3("PatientImportance", "VIP", "Very Important Person")
	ext := c.patient.get("extension").(arr)
	ext = append(append(arr{}, ext...), o("url", "http://hl7.org/fhir/StructureDefinition/patient-importance",
		"valueCodeableConcept", concept(vip)))
	c.patient = c.patient.set("meta", testMeta(restricted, labelCelebrity)).set("extension", ext)
}

// employed marks a member of staff and links both roles through a Person.
func employed(userName string) func(*chart) {
	return func(c *chart) {
		s := specialist(userName)
		c.patient = c.patient.set("meta", testMeta(restricted, labelEmployee))
		c.put("Person", c.id+"-person", o("name", list(o("text", fullName(c.p), "family", c.p.family, "given", list(c.p.given))),
			"gender", c.p.sex, "birthDate", date(c.p.birth), "active", true,
			"link", list(o("target", c.subject(), "assurance", "level4"), o("target", s.ref(), "assurance", "level4"))))
	}
}
