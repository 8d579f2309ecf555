package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

type object = map[string]any

// record is one stored resource, and what an attack has to know of it.
type record struct {
	Type, ID, Patient string
	Slot              string // which of the patient's records of this type
	Category          string
	Marks             []string
	Code, Identifier  string
	Elements          map[string][]string // element → canaries in it
	Date              string
	encounter         string
	house             string // whose it is
	body              object
	guarding
}

// patient is one person of the hospital, and how staff come to the records.
type patient struct {
	ID       string
	Why      string   // ward, team, … or none: the name of the relation in cells
	Relation []string // of those who are related; outsiders have none
	Mark     mandate
	Records  []*record
	MRN      string
	Birth    string
	Family   string
	// Emergency are the users who have opened the chart in an emergency.
	Emergency []string
	guard
}

// mandate is a mark and the label that makes it.
type mandate struct{ Mark, System, Code string }

const (
	actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	conf    = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

var mandates = []mandate{
	{}, {"psychotherapy", actCode, "PSYTHPN"}, {"sud", actCode, "ETH"}, {"sud", actCode, "SUD"}, {"sud", actCode, "42CFRPart2"},
	{"hiv", actCode, "HIV"}, {"restricted", conf, "R"}, {"restricted", conf, "V"}, {"vip", actCode, "CEL"}, {"employee", actCode, "EMP"},
}

// world is the hospital.
type world struct {
	*aviary
	name     string // of the house, "" for the first
	now      time.Time
	patients []*patient
	guarded  []*patient // of whom Consents, holds, age or an account say more
	late     []object   // what names accounts, and is filed when there are some
	byID     map[string]*patient
	staff    []string // ids of the practitioners who are related
	house    []object // what is about nobody
	asked    sync.Map // of what pages asked, once for each caller and chart
}

// layouts are how a patient may be known to those who are related: by one relation
// each, or by one that is over.
var layouts = []struct {
	why      string
	relation []string
}{
	{"ward", []string{"ward"}}, {"team", []string{"team"}}, {"encounter", []string{"encounter"}}, {"referral", []string{"referral"}},
	{"appointment", []string{"appointment"}}, {"none", nil},
	{"ward and team", []string{"ward", "team"}},
	{"proxy", []string{"proxy"}},
	{"discharged", nil}, {"former team", nil}, {"far appointment", nil}, {"far appointment past", nil},
}

func newWorld(seed string, now time.Time, staff []string) *world {
	w := &world{aviary: newAviary(seed), now: now.UTC().Truncate(time.Second), byID: map[string]*patient{}, staff: staff}
	for _, l := range []string{"ward-a", "ward-b", "ward-c"} {
		w.house = append(w.house, object{"resourceType": "Location", "id": l, "status": "active", "name": l, "mode": "instance"})
	}
	for _, p := range staff {
		w.house = append(w.house, object{"resourceType": "Practitioner", "id": p, "active": true, "name": []any{object{"family": p}}})
	}
	w.house = append(w.house, object{"resourceType": "Practitioner", "id": "nobody", "active": true})
	for _, m := range mandates {
		for _, l := range layouts {
			if m.Mark != "" && l.why != "ward" && l.why != "team" && l.why != "none" && l.why != "ward and team" && l.why != "proxy" {
				continue
			}
			w.admit(l.why, l.relation, m)
			if m.Mark == "" && len(l.relation) < 2 && (l.why == "none" || l.why == "ward") {
				w.admit(l.why, l.relation, m) // a second one, so that somebody else's is at hand
			}
		}
	}
	w.guardAll()
	return w
}

func (w *world) admit(why string, relation []string, m mandate) {
	p := &patient{Why: why, Relation: relation, Mark: m}
	w.register(p)
	w.patients = append(w.patients, p)
	for _, s := range slots {
		w.file(p, s)
	}
}

// register gives a patient what tells her from others.
func (w *world) register(p *patient) {
	n := len(w.byID)
	if p.Birth == "" {
		p.Birth = fmt.Sprintf("19%02d-%02d-%02d", 1+n%39, 1+n%12, 1+(n*7)%28)
	}
	p.ID = w.word("Patient", "id", fmt.Sprint(n))
	p.MRN, p.Family = w.word("mrn", p.ID), w.word("family", p.ID)
	w.byID[p.ID] = p
}

func (w *world) file(p *patient, s slot) {
	r := &record{house: w.name, Type: s.typ, Patient: p.ID, Slot: s.name, Category: s.category, Elements: map[string][]string{}, Date: w.now.Add(-48 * time.Hour).Format(time.DateOnly)}
	if p.Mark.Mark != "" && (s.typ != "Patient" && s.typ != "CareTeam" || ofThePatient(p.Mark)) {
		r.Marks = []string{p.Mark.Mark}
	}
	if s.typ == "Patient" {
		r.ID = p.ID
		w.words[r.ID] = canary{r.ID, r, "id"}
		r.Elements["id"] = []string{r.ID}
	} else {
		r.ID = w.hatch(r, "id")
	}
	for _, other := range p.Records {
		if other.Type == "Encounter" {
			r.encounter = other.ID
		}
	}
	b := s.build(w, p, r)
	b["resourceType"], b["id"] = s.typ, r.ID
	if s.typ != "Binary" && s.typ != "Composition" {
		r.Identifier = w.hatch(r, "identifier")
		if s.typ != "Patient" {
			b["identifier"] = []any{object{"system": "urn:wardkeep:attack", "value": r.Identifier}}
			if s.typ == "QuestionnaireResponse" {
				b["identifier"] = b["identifier"].([]any)[0]
			}
		} else {
			b["identifier"] = append(b["identifier"].([]any), object{"system": "urn:wardkeep:attack", "value": r.Identifier})
		}
	}
	if s.typ != "Binary" {
		b["text"] = object{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + w.hatch(r, "text") + `</div>`}
	}
	if len(r.Marks) > 0 && !(ofThePatient(p.Mark) && (s.typ == "CareTeam" || s.typ == "Coverage")) { // those follow from the patient's
		b["meta"] = object{"security": []any{object{"system": p.Mark.System, "code": p.Mark.Code}}}
	}
	r.body = b
	p.label(s, r)
	p.Records = append(p.Records, r)
}

// ofThePatient reports whether a mark is of a person, and so of all that is about him.
func ofThePatient(m mandate) bool { return m.Mark == "vip" || m.Mark == "employee" }

// record returns the patient's record of a slot.
func (p *patient) record(slot string) *record {
	i := slices.IndexFunc(p.Records, func(r *record) bool { return r.Slot == slot })
	return p.Records[i]
}

// write writes the hospital as NDJSON, what others refer to first.
func (w *world) write(to io.Writer) error {
	out := json.NewEncoder(to)
	out.SetEscapeHTML(false)
	for _, r := range w.house {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	for _, r := range append(w.records(), w.guardedRecords()...) {
		if r.Type == "Consent" {
			continue
		}
		if err := out.Encode(r.body); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) records() []*record { return recordsOf(w.patients) }

func (w *world) guardedRecords() []*record { return recordsOf(w.guarded) }

func recordsOf(patients []*patient) (all []*record) {
	for _, p := range patients {
		all = append(all, p.Records...)
	}
	return all
}
