package demo

// Organisations.
const (
	orgHospital = "org-hospital"
	orgLab      = "org-lab"
	orgPharmacy = "org-pharmacy"
	orgAbroad   = "org-lab-abroad"
	orgAlder    = "org-payer-alder"
	orgHarbor   = "org-payer-harbor"
	orgSenior   = "org-payer-senior"
)

type organization struct{ id, name, kind, kindName, partOf string }

var organizations = []organization{
	{orgHospital, "Port Alder General Hospital", "prov", "Healthcare Provider", ""},
	{orgLab, "Port Alder Clinical Laboratory", "dept", "Hospital Department", orgHospital},
	{orgPharmacy, "Port Alder Inpatient Pharmacy", "dept", "Hospital Department", orgHospital},
	{orgAbroad, "Laboratoire Saint-Brendan (synthetic)", "prov", "Healthcare Provider", ""},
	{orgAlder, "Alder Valley Health Plan", "pay", "Payer", ""},
	{orgHarbor, "Harbor Mutual Insurance", "pay", "Payer", ""},
	{orgSenior, "Synthetic Senior Care Plan", "pay", "Payer", ""},
}

func orgRef(id string) obj {
	for _, org := range organizations {
		if org.id == id {
			return o("reference", "Organization/"+id, "display", org.name)
		}
	}
	panic("demo: no such organisation")
}

func (org organization) entry() entry {
	body := o("resourceType", "Organization", "id", org.id, "meta", testMeta(), "active", true,
		"type", list(concept(tho("organization-type", org.kind, org.kindName))), "name", org.name,
		"telecom", list(o("system", "phone", "value", "+1 ("+areaCode+") 555-0100", "use", "work")),
		"address", list(hospitalAddress()))
	if org.partOf != "" {
		body = body.with("partOf", orgRef(org.partOf))
	}
	return entry{"Organization", org.id, body}
}

// infrastructure is what must exist before the first patient.
func (w *world) infrastructure() []entry {
	var out []entry
	for _, org := range organizations {
		out = append(out, org.entry())
	}
	out = append(out, w.locations()...)
	for i, s := range staff {
		out = append(out, s.practitioner(i+1), s.practitionerRole())
	}
	return append(out, w.formulary()...)
}

// Port Alder does not exist; 149 is a postal area in which 14999 is not used.
const (
	town  = "Port Alder"
	state = "NY"
	zip   = "14999"
)

func hospitalAddress() obj {
	return o("use", "work", "type", "both", "line", list("1 Harborview Avenue"),
		"city", town, "state", state, "postalCode", zip, "country", "US")
}
