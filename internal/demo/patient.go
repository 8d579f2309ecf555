package demo

import (
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

const usCore = "http://hl7.org/fhir/us/core/StructureDefinition/"

// demographics is the Patient resource. A trap changes it afterwards.
func (c *chart) demographics() obj {
	p := c.p
	given := list(p.given, p.middle)
	name := o("use", "official", "text", fullName(p), "family", p.family, "given", given)
	ids := list(
		o("use", "usual", "type", concept(v2("0203", "MR", "Medical record number")),
			"system", SystemMRN, "value", mrn(c.n), "assigner", orgRef(orgHospital)),
		o("use", "official", "type", concept(v2("0203", "SS", "Social Security number")),
			"system", systemSSN, "value", ssn(c.r)))
	body := o("resourceType", "Patient", "id", c.id, "meta", testMeta(),
		"extension", c.raceExtensions(), "identifier", ids, "active", true, "name", list(name),
		"telecom", c.telecom(), "gender", p.sex, "birthDate", date(p.birth),
		"address", homeAddress(p.line),
		"maritalStatus", concept(p.married))
	if p.years(c.now) >= 16 || c.r.IntN(3) > 0 {
		body = body.with("contact", list(c.nextOfKin()))
	}
	language := o("language", concept(code{"urn:ietf:bcp:47", "en", "English"}), "preferred", p.language == "")
	if p.language != "" {
		other := code{"urn:ietf:bcp:47", p.language, languageName[p.language]}
		body = body.with("communication", list(o("language", concept(other), "preferred", true), language))
	} else {
		body = body.with("communication", list(language))
	}
	return body.with("generalPractitioner", list(c.doctor.ref()), "managingOrganization", orgRef(orgHospital))
}

func homeAddress(line string) arr {
	return list(o("use", "home", "type", "both", "line", list(line),
		"city", town, "state", state, "postalCode", zip, "country", "US"))
}

var languageName = map[string]string{
	"es": "Spanish", "zh": "Chinese", "vi": "Vietnamese", "ko": "Korean", "hi": "Hindi", "ar": "Arabic",
	"pl": "Polish", "uk": "Ukrainian", "ru": "Russian", "it": "Italian", "de": "German", "el": "Greek",
	"yo": "Yoruba", "sw": "Swahili", "ja": "Japanese",
}

func fullName(p person) string {
	if p.middle != "" {
		return p.given + " " + p.middle + " " + p.family
	}
	return p.given + " " + p.family
}

func (c *chart) raceExtensions() arr {
	ethnicity := code{sysRace, "2186-5", "Not Hispanic or Latino"}
	if c.p.hispanic {
		ethnicity = code{sysRace, "2135-2", "Hispanic or Latino"}
	}
	category := func(url string, k code) obj {
		return o("extension", list(
			o("url", "ombCategory", "valueCoding", k.coding()),
			o("url", "text", "valueString", k.display)), "url", usCore+url)
	}
	return list(category("us-core-race", c.p.race), category("us-core-ethnicity", ethnicity))
}

func (c *chart) telecom() arr {
	mail := strings.ToLower(ascii(c.p.given) + "." + ascii(c.p.family) + itoa(c.n) + "@example.org")
	out := list(o("system", "phone", "value", phone(c.r), "use", "home"))
	age := c.p.years(c.now)
	if age >= 14 && age < 80 {
		out = append(out, o("system", "phone", "value", phone(c.r), "use", "mobile"))
	}
	if age >= 18 {
		out = append(out, o("system", "email", "value", mail, "use", "home"))
	}
	return out
}

// ascii keeps the letters of a name that an e-mail address may hold.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return -1
	}, s)
}

// nextOfKin is the person to call. A child's is the mother or father.
func (c *chart) nextOfKin() obj {
	relation, sex := code{}, pick(c.r, []string{"female", "male"})
	switch age := c.p.years(c.now); {
	case age < 18 && sex == "female":
		relation = v3("RoleCode", "MTH", "mother")
	case age < 18:
		relation = v3("RoleCode", "FTH", "father")
	case c.p.married.code == "M":
		relation = v3("RoleCode", "SPS", "spouse")
	case age > 60:
		relation = v3("RoleCode", "CHILD", "child")
	default:
		relation = v3("RoleCode", "SIB", "sibling")
	}
	kin := pickPerson(c.r, c.now, sex, 40)
	contact := v2("0131", "N", "Next-of-Kin")
	return o("relationship", list(textConcept(relation.display, contact, relation)),
		"name", o("text", kin.given+" "+c.p.family, "family", c.p.family, "given", list(kin.given)),
		"telecom", list(o("system", "phone", "value", phone(c.r), "use", "mobile")), "gender", sex)
}
