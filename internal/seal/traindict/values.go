package main

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// maker fills the blanks of one resource. Within a resource, the text of a
// concept repeats the display of the coding before it, as it does in life.
type maker struct {
	rnd  *rand.Rand
	said map[string]string // the last display picked from each pool
}

// blank returns what replaces {{name}}.
func (m *maker) blank(name string) string {
	if codings, ok := pools[name]; ok {
		c := pick(m.rnd, codings)
		m.said[name] = c.display
		return fmt.Sprintf(`"code":"%s","display":"%s"`, c.code, c.display)
	}
	if pool, ok := strings.CutSuffix(name, "text"); ok {
		if m.said[pool] == "" {
			m.said[pool] = pick(m.rnd, pools[pool]).display
		}
		return m.said[pool]
	}
	if ws, ok := words[name]; ok {
		return pick(m.rnd, ws)
	}
	return m.scalar(name)
}

// empty is what stands for a blank in the history.
func (m *maker) empty(name string, turn int) string {
	if codings, ok := pools[name]; ok {
		c := codings[turn%len(codings)]
		m.said[name] = c.display
		return fmt.Sprintf(`"code":"%s","display":"%s"`, c.code, c.display)
	}
	if pool, ok := strings.CutSuffix(name, "text"); ok {
		return m.said[pool]
	}
	switch name {
	case "date":
		return fmt.Sprintf("20%02d-", turn%30)
	case "time":
		return fmt.Sprintf("20%02d-0%d-1%d-05:00", turn%30, turn%9+1, turn%10)
	case "instant":
		return "2026-"
	case "instantz":
		return fmt.Sprintf("20%02d-04:00", turn%30)
	case "version":
		return "1"
	case "unit", "vunit", "class", "gender", "clinical", "hln", "mf", "payer":
		return words[name][turn%len(words[name])]
	case "note":
		return ""
	}
	return ""
}

func (m *maker) scalar(name string) string {
	r := m.rnd
	switch name {
	case "uuid":
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xfff, 0x8000|r.Uint32()&0x3fff, r.Uint64()>>16)
	case "version":
		return fmt.Sprint(1 + r.IntN(3))
	case "date":
		return m.day().Format("2006-01-02")
	case "time":
		return m.day().In(time.FixedZone("", -5*3600)).Format(time.RFC3339)
	case "instant":
		return m.day().Format("2006-01-02T15:04:05.000Z")
	case "instantz":
		return m.day().In(time.FixedZone("", -4*3600)).Format("2006-01-02T15:04:05.000-07:00")
	case "decimal":
		return fmt.Sprintf("%.1f", r.Float64()*200)
	case "long":
		return fmt.Sprintf("%.14f", r.Float64()*100)
	case "money":
		return fmt.Sprintf("%.2f", r.Float64()*1000)
	case "lat":
		return fmt.Sprintf("%.6f", 30+r.Float64()*40)
	case "int":
		return fmt.Sprint(1 + r.IntN(999))
	case "small":
		return fmt.Sprint(r.IntN(27))
	case "postal":
		return fmt.Sprintf("%05d", r.IntN(99999))
	case "phone":
		return fmt.Sprintf("555-%03d-%04d", r.IntN(1000), r.IntN(10000))
	case "ssn":
		return fmt.Sprintf("999-%02d-%04d", r.IntN(100), r.IntN(10000))
	case "mrn":
		return fmt.Sprintf("%08d", r.IntN(100_000_000))
	case "npi":
		return fmt.Sprintf("9%09d", r.IntN(1_000_000_000))
	case "oid":
		return fmt.Sprintf("1.2.840.%d.%d", r.IntN(100000), r.Uint32())
	case "note":
		return base64.StdEncoding.EncodeToString([]byte(m.note()))
	}
	panic("traindict: a template has an unknown blank " + name)
}

func (m *maker) day() time.Time {
	return time.Date(1990+m.rnd.IntN(37), 1, 1, 0, 0, m.rnd.IntN(365*86400), m.rnd.IntN(1000)*1e6, time.UTC)
}

func (m *maker) note() string {
	return fmt.Sprintf("\n%s\n\n# Chief Complaint\n- %s\n\n# History of Present Illness\n%s is a %d year-old patient.\n\n"+
		"# Social History\nPatient has never smoked.\n\n# Allergies\nNo Known Allergies.\n\n# Medications\n%s\n\n"+
		"# Assessment and Plan\nPatient is presenting with %s.\n\n## Plan\n- %s\n",
		m.day().Format("2006-01-02"), m.blank("conditiontext"), pick(m.rnd, words["given"]), m.rnd.IntN(90),
		strings.ToLower(m.blank("drugtext")), strings.ToLower(m.blank("conditiontext")), m.blank("proceduretext"))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// words are pools of plain text. The people and places do not exist.
var words = map[string][]string{
	"given":    {"Ada", "Benjamin", "Carmen", "Dmitri", "Elena", "Farid", "Grace", "Hiroshi", "Ingrid", "Jamal", "Kateri", "Luis", "Mei", "Noor", "Oscar", "Priya"},
	"family":   {"Abbott", "Baptiste", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Hughes", "Ivanova", "Johnson", "Kowalski", "Lindqvist", "Moreau", "Nguyen", "Okafor", "Smith"},
	"city":     {"Ashford", "Brookfield", "Carverton", "Dunmore", "Eastvale", "Fairhaven", "Glenwood", "Harborview"},
	"state":    {"CA", "FL", "IL", "MA", "NY", "TX", "WA", "Massachusetts"},
	"gender":   {"female", "male", "female", "male", "other", "unknown"},
	"mf":       {"F", "M"},
	"clinical": {"active", "resolved", "resolved", "recurrence", "inactive"},
	"class":    {"AMB", "AMB", "EMER", "IMP", "WELLNESS", "VR", "HH"},
	"unit":     {"mg/dL", "mmol/L", "g/dL", "%", "10*3/uL", "10*6/uL", "fL", "pg", "U/L", "ug/mL", "{nominal}"},
	"vunit":    {"cm", "kg", "kg/m2", "/min", "Cel", "%", "{score}", "mm[Hg]"},
	"hln":      {"N", "N", "H", "L"},
	"payer":    {"Medicare", "Medicaid", "Blue Cross Blue Shield", "Aetna", "Humana", "Cigna Health", "UnitedHealthcare", "NO_INSURANCE"},
}
