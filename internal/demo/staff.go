package demo

// Role is what an account may be; the names are those of package identity.
type Role string

// The roles of the hospital.
const (
	Doctor       Role = "doctor"
	Nurse        Role = "nurse"
	Pharmacist   Role = "pharmacist"
	Lab          Role = "lab"
	Registration Role = "registration"
	Billing      Role = "billing"
	Admin        Role = "admin"
	Privacy      Role = "privacy"
)

// Staff is one person who works here and has an account.
type Staff struct {
	UserName       string
	Given          string
	Family         string
	Title          string // before the name: Dr, Prof; or after it for other professions: RN
	Role           Role
	WardIDs        []string // Location ids of the wards the person is assigned to
	PractitionerID string

	sex       string
	specialty code // NUCC provider taxonomy
}

// The wards.
const (
	WardMedicine  = "ward-medicine"
	WardSurgery   = "ward-surgery"
	WardMaternity = "ward-maternity"
)

var (
	allWards = []string{WardMedicine, WardSurgery, WardMaternity}
	medicine = []string{WardMedicine}
	surgery  = []string{WardSurgery}
	mothers  = []string{WardMaternity}
)

// staff lists the account that a demonstration uses for each role first.
var staff = []Staff{
	{"doctor", "Amara", "Okafor", "Dr", Doctor, []string{WardMedicine, WardSurgery}, "prac-doctor", "female", internalMedicine},
	{"nurse", "Daniel", "Reyes", "RN", Nurse, medicine, "prac-nurse", "male", registeredNurse},
	{"pharmacist", "Ingrid", "Halvorsen", "PharmD", Pharmacist, allWards, "prac-pharmacist", "female", pharmacy},
	{"lab", "Wei", "Zhang", "MLS", Lab, nil, "prac-lab", "male", labScience},
	{"registration", "Rosa", "Delgado", "", Registration, nil, "prac-registration", "female", clerk},
	{"billing", "Thomas", "Whitfield", "", Billing, nil, "prac-billing", "male", clerk},
	{"admin", "Priya", "Raman", "", Admin, nil, "prac-admin", "female", clerk},
	{"privacy", "Eleanor", "Voss", "JD", Privacy, nil, "prac-privacy", "female", clerk},

	{"s.lindqvist", "Sven", "Lindqvist", "Dr", Doctor, medicine, "prac-lindqvist", "male", cardiology},
	{"m.haddad", "Mariam", "Haddad", "Dr", Doctor, medicine, "prac-haddad", "female", nephrology},
	{"j.castellano", "Julia", "Castellano", "Dr", Doctor, surgery, "prac-castellano", "female", orthopedics},
	{"k.nakamura", "Kenji", "Nakamura", "Dr", Doctor, surgery, "prac-nakamura", "male", generalSurgery},
	{"f.adeyemi", "Folake", "Adeyemi", "Dr", Doctor, mothers, "prac-adeyemi", "female", obstetrics},
	{"b.sorensen", "Bjorn", "Sorensen", "Dr", Doctor, mothers, "prac-sorensen", "male", pediatrics},
	{"l.marchetti", "Lucia", "Marchetti", "Dr", Doctor, medicine, "prac-marchetti", "female", psychiatry},

	{"g.mbeki", "Grace", "Mbeki", "RN", Nurse, medicine, "prac-mbeki", "female", registeredNurse},
	{"p.novak", "Petra", "Novak", "RN", Nurse, medicine, "prac-novak", "female", registeredNurse},
	{"c.oconnell", "Colm", "O'Connell", "RN", Nurse, surgery, "prac-oconnell", "male", registeredNurse},
	{"t.washington", "Tanya", "Washington", "RN", Nurse, surgery, "prac-washington", "female", registeredNurse},
	{"y.benali", "Yasmin", "Ben Ali", "RN", Nurse, mothers, "prac-benali", "female", registeredNurse},
	{"h.fischer", "Hanna", "Fischer", "CNM", Nurse, mothers, "prac-fischer", "female", midwife},

	{"o.petrenko", "Oleksandr", "Petrenko", "PharmD", Pharmacist, allWards, "prac-petrenko", "male", pharmacy},
	{"d.iyer", "Divya", "Iyer", "MLS", Lab, nil, "prac-iyer", "female", labScience},
	{"m.webb", "Marcus", "Webb", "", Registration, nil, "prac-webb", "male", clerk},
	{"n.boateng", "Naana", "Boateng", "", Billing, nil, "prac-boateng", "female", clerk},
}

func staffCopy() []Staff {
	out := make([]Staff, len(staff))
	copy(out, staff)
	for i := range out {
		out[i].WardIDs = append([]string(nil), out[i].WardIDs...)
	}
	return out
}

// specialist returns the staff member with that user name.
func specialist(userName string) Staff {
	for _, s := range staff {
		if s.UserName == userName {
			return s
		}
	}
	panic("demo: no such member of staff")
}

// ref is the person as a FHIR Reference.
func (s Staff) ref() obj {
	return o("reference", "Practitioner/"+s.PractitionerID, "display", s.display())
}

// display is the name as people here write it: Dr Amara Okafor; Daniel Reyes, RN.
func (s Staff) display() string {
	switch s.Title {
	case "":
		return s.Given + " " + s.Family
	case "Dr":
		return "Dr " + s.Given + " " + s.Family
	}
	return s.Given + " " + s.Family + ", " + s.Title
}

// practitioner is the person as a FHIR Practitioner.
func (s Staff) practitioner(n int) entry {
	name := o("use", "official", "text", s.display(), "family", s.Family, "given", list(s.Given))
	switch s.Title {
	case "":
	case "Dr":
		name = name.with("prefix", list("Dr"))
	default:
		name = name.with("suffix", list(s.Title))
	}
	ids := list(o("use", "official", "type", concept(v2("0203", "EI", "Employee number")),
		"system", SystemStaff, "value", s.number(n)))
	if s.Role == Doctor || s.Role == Nurse || s.Role == Pharmacist {
		ids = append(ids, o("use", "official", "type", concept(v2("0203", "NPI", "National provider identifier")),
			"system", systemNPI, "value", npi(n)))
	}
	return entry{"Practitioner", s.PractitionerID, o("resourceType", "Practitioner", "id", s.PractitionerID,
		"meta", testMeta(),
		"identifier", ids, "active", true, "name", list(name),
		"telecom", list(
			o("system", "phone", "value", "+1 ("+areaCode+") 555-01"+two(n%100), "use", "work"),
			o("system", "email", "value", s.UserName+"@hospital.example.org", "use", "work")),
		"gender", s.sex)}
}

func (s Staff) number(n int) string {
	body := "10" + two(n) + "7"
	return "E" + body + string(luhn(body))
}

// practitionerRole says in which organisation and wards the person works.
func (s Staff) practitionerRole() entry {
	id := "role-" + s.PractitionerID[len("prac-"):]
	org := orgHospital
	if s.Role == Lab {
		org = orgLab
	}
	var wards arr
	for _, w := range s.WardIDs {
		wards = append(wards, o("reference", "Location/"+w, "display", wardName(w)))
	}
	return entry{"PractitionerRole", id, o("resourceType", "PractitionerRole", "id", id,
		"meta", testMeta(), "active", true,
		"practitioner", s.ref(), "organization", orgRef(org),
		"code", list(roleConcept(s.Role)),
		"specialty", list(concept(s.specialty)),
		"location", wards,
		"telecom", list(o("system", "phone", "value", "+1 ("+areaCode+") 555-0100", "use", "work")))}
}

// roleConcept gives the role as FHIR's own practitioner-role code where one
// exists, and as text for the offices that it does not name.
func roleConcept(r Role) obj {
	const system = "http://terminology.hl7.org/CodeSystem/practitioner-role"
	switch r {
	case Doctor:
		return concept(code{system, "doctor", "Doctor"})
	case Nurse:
		return concept(code{system, "nurse", "Nurse"})
	case Pharmacist:
		return concept(code{system, "pharmacist", "Pharmacist"})
	}
	return o("text", string(r))
}
