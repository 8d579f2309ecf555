package clinical

import (
	"regexp"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Drug is a medicine's name in the parts of a medication line.
type Drug struct {
	Generic  string // lower case with tall-man letters
	Brand    string // capitals, "" if none
	Strength string
	Form     string
}

// ingredient matches `Oxycodone Hydrochloride 10 MG` and `Fentanyl 0.025 MG/HR`
// as RxNorm writes the parts of a clinical drug.
var (
	ingredient = regexp.MustCompile(`^(.+?)\s+(\d[\d.,]*)\s+([A-Za-z%]+(?:/[A-Za-z]+)?)(?:\s+(.*))?$`)
	// strengthUnit keeps "28 Day" and "Vitamin B 12" from being read as strengths.
	strengthUnit = regexp.MustCompile(`^(?i)(MG|MCG|UG|NG|G|KG|ML|UNT|MEQ|MMOL|MOL|%|BAU|CELLS|VECTOR-GENOMES|MCI|PFU|AU|IR|SQ-HDM)(/[A-Z]+)?$`)
	brand        = regexp.MustCompile(`\s*\[([^\]]+)\]\s*$`)
	lead         = regexp.MustCompile(`^(?:NDA\d+\s+)?(?:(\d[\d.]*)\s+(ACTUAT|ML|HR|MG)\s+)?`)
)

// ParseDrug takes a drug's name apart if it has RxNorm's form; any other name
// is kept whole, because a wrong cut is worse than a long name.
func ParseDrug(name string) Drug {
	name = Plain(name)
	var d Drug
	if m := brand.FindStringSubmatch(name); m != nil {
		d.Brand, name = strings.ToUpper(m[1]), strings.TrimSuffix(name, m[0])
	}
	var size string
	prefix := ""
	if rest, ok := strings.CutPrefix(name, "Abuse-Deterrent "); ok {
		prefix, name = "abuse-deterrent ", rest
	}
	if m := lead.FindStringSubmatch(name); m != nil && m[0] != "" {
		name = name[len(m[0]):]
		if m[1] != "" {
			size = withUnit(DoseNumber(m[1]), DoseUnit(m[2]))
		}
	}
	var generics, strengths []string
	for _, part := range strings.Split(name, " / ") {
		m := ingredient.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil || d.Form != "" || !strengthUnit.MatchString(m[3]) {
			return whole(name, d.Brand)
		}
		generics = append(generics, Generic(safe(m[1])))
		strengths = append(strengths, withUnit(DoseNumber(strings.ReplaceAll(m[2], ",", "")), DoseUnit(m[3])))
		if m[4] != "" {
			d.Form = prefix + strings.ToLower(safe(m[4]))
		}
	}
	d.Generic, d.Strength = listed(generics), listed(strengths)
	if size != "" {
		d.Form = join(", ", d.Form, size)
	}
	return d
}

// noDrug stands where a name would; a line is never without one.
const noDrug = "drug not recorded"

func whole(name, brand string) Drug {
	generic := Generic(safe(name))
	if generic == "" && brand == "" {
		generic = noDrug
	}
	return Drug{Generic: generic, Brand: brand}
}

// listed joins with commas and "and".
func listed(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

// drugOf finds the medicine of a request, statement, administration or
// dispense: coded in place, contained, or in the Medication that find returns.
func drugOf(r *fhir.Resource, find func(reference string) *fhir.Resource) Drug {
	root := r.Root()
	if concept := root.Get("medication"); concept.Get("coding").Exists() || concept.Get("text").Exists() {
		return drugNamed(concept)
	}
	ref := root.Get("medication")
	target := ref.Get("reference").Text()
	if id, ok := strings.CutPrefix(target, "#"); ok {
		for c := range root.All("contained") {
			if c.Get("id").Text() == id {
				return medication(c)
			}
		}
	}
	if find != nil && target != "" {
		if m := find(target); m != nil {
			return medication(m.Root())
		}
	}
	if d := text(ref.Get("display")); d != "" {
		return ParseDrug(d)
	}
	return Drug{Generic: noDrug}
}

func drugNamed(concept fhir.Node) Drug {
	if name := Concept(concept); name != NotRecorded {
		return ParseDrug(name)
	}
	return Drug{Generic: noDrug}
}

// medication reads a Medication resource.
func medication(n fhir.Node) Drug {
	d := drugNamed(n.Get("code"))
	if form := n.Get("form"); form.Exists() && d.Form == "" {
		d.Form = strings.ToLower(safe(Concept(form)))
	}
	if s := n.Get("ingredient").Get("strength"); s.Exists() && d.Strength == "" {
		d.Strength = ratio(s, " in ")
	}
	return d
}

// ratio renders `250 mg in 5 mL`.
func ratio(n fhir.Node, between string) string {
	over, under := Dose(n.Get("numerator")), Dose(n.Get("denominator"))
	switch {
	case over == "":
		return ""
	case under == "" || under == "1 (unit not recorded)":
		return over
	}
	return over + between + strings.TrimPrefix(under, "1 ")
}
