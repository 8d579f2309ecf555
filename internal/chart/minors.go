package chart

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Minors says until when parents act for a patient, and what is hidden from them
// before that.
type Minors struct {
	AdultAge     int // 0: nobody is a minor
	Confidential []Confidential
	Zone         *time.Location // where days begin; nil: UTC
}

// Confidential is a category of policies/confidential.txt that a minor of that age
// keeps to herself.
type Confidential struct {
	Category string
	FromAge  int
}

// born is between which days somebody was born: a date may be a year alone.
type born struct{ first, last time.Time }

func bornOf(patient *fhir.Resource) (b born, known bool) {
	if patient == nil {
		return b, false
	}
	text := patient.Root().Get("birthDate").Text()
	first, ok := startOf(text)
	end, ok2 := endOf(text)
	return born{first, end.AddDate(0, 0, -1)}, ok && ok2
}

// birthday is when somebody who was born on a day comes of an age. Who was born on a
// leap day does so at the end of February.
func birthday(birth time.Time, age int) time.Time {
	day := time.Date(birth.Year()+age, birth.Month(), birth.Day(), 0, 0, 0, 0, time.UTC)
	if day.Day() != birth.Day() {
		return day.AddDate(0, 0, -1)
	}
	return day
}

// today is the day that it is where the patients are.
func (m Minors) today(now time.Time) time.Time {
	if m.Zone != nil {
		now = now.In(m.Zone)
	}
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
}

// confides reports whether a patient may be a minor of an age or more. Of whom no
// birth date is known, she may.
func (m Minors) confides(patient *fhir.Resource, from int, today time.Time) bool {
	b, known := bornOf(patient)
	return !known || !today.Before(birthday(b.first, from)) && today.Before(birthday(b.last, m.AdultAge))
}

// parents are codes of v3-RoleCode: who acts for a patient because she is a child of
// his, his pupil or his grandchild.
var parents = []string{
	"PRN", "MTH", "FTH", "NPRN", "NMTH", "NFTH", "NMTHF", "GESTM", "ADOPTP", "ADOPTM", "ADOPTF", "STPPRN", "STPMTH", "STPFTH",
	"PRNFOST", "MTHFOST", "FTHFOST", "GRPRN", "GRMTH", "GRFTH", "MGRPRN", "MGRMTH", "MGRFTH", "PGRPRN", "PGRMTH", "PGRFTH",
	"AUNT", "UNCLE", "MAUNT", "MUNCLE", "PAUNT", "PUNCLE", "SIB", "SIS", "BRO",
}

// guardians are codes of those who act for grown patients, too: by a court's or by the
// patient's own word.
var guardians = []string{"GUARD", "GUADLTM", "POWATT", "DPOWATT", "HPOWATT", "SPOWATT"}

// related reports whether a RelatedPerson bears one of the codes, of whatever system.
func related(res *fhir.Resource, codes []string) bool {
	for relationship := range res.Root().All("relationship") {
		if hasCode(relationship, func(_, code string) bool { return slices.Contains(codes, code) }) {
			return true
		}
	}
	return false
}

// lapsed reports whether somebody acts for a patient no more because she came of age:
// he did so as her parent, or since she was a minor, and is no guardian. A registration
// that begins when she is of age stays. Of whom it is not known when she was born, no
// parent acts.
func (c *census) lapsed(ctx context.Context, relation *fhir.Resource) (bool, error) {
	if c.minors.AdultAge == 0 || related(relation, guardians) {
		return false, nil
	}
	var patient *fhir.Resource
	for _, id := range patientAt(relation.Root().Get("patient")) {
		list, err := c.bodies(ctx, []vault.TypeID{id})
		if err != nil {
			return false, err
		}
		patient = list[0]
	}
	parent := related(relation, parents)
	b, known := bornOf(patient)
	if !known {
		return parent, nil
	}
	if c.minors.today(c.clock.Now()).Before(birthday(b.first, c.minors.AdultAge)) {
		return false, nil
	}
	since, ok := startOf(relation.Root().Get("period").Get("start").Text())
	if !ok {
		return parent, nil
	}
	return since.Before(birthday(b.last, c.minors.AdultAge)), nil
}

// bodies returns the present bodies of records, nil of those that there are not.
func (c *census) bodies(ctx context.Context, ids []vault.TypeID) ([]*fhir.Resource, error) {
	refs := make([]vault.Ref, len(ids))
	for i, id := range ids {
		refs[i].TypeID = id
	}
	records, err := c.vault.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	list := make([]*fhir.Resource, len(ids))
	for i, rec := range records {
		if !rec.Exists() || rec.Deleted {
			continue
		}
		if list[i], err = fhir.Parse(rec.Body); err != nil {
			return nil, fault.Wrap(fault.Internal, "chart.bodies", err)
		}
	}
	return list, nil
}

// charges returns the patients whom the actor sees because he acts for them, or
// because a Consent lets one who acts for others.
func (s *standing) charges(ctx context.Context) (vault.PatientSet, error) {
	told, err := s.heard(ctx)
	if err != nil {
		return vault.PatientSet{}, err
	}
	for _, panel := range s.related(ctx) {
		if panel.of == authz.RelationProxy {
			all := []vault.PatientSet{panel.patients}
			for _, one := range told.granted {
				all = append(all, one.patients)
			}
			return vault.Union(all...), panel.err
		}
	}
	return vault.PatientSet{}, errors.New("chart.charges: no panel")
}

// confiding returns those of some patients who may be minors of an age or more.
func (c *census) confiding(ctx context.Context, among vault.PatientSet, from int) (vault.PatientSet, error) {
	if among.Len() == 0 {
		return among, nil
	}
	today := c.minors.today(c.clock.Now())
	name := "minors " + today.Format(time.DateOnly) + " " + strconv.Itoa(from) + " " + keysText(among.Keys())
	return c.remember(name, markTypes, func() (vault.PatientSet, error) {
		named, err := c.vault.Named(ctx, among.Keys())
		if err != nil {
			return vault.PatientSet{}, err
		}
		var some []record.Key
		for _, key := range among.Keys() {
			list, err := c.bodies(ctx, []vault.TypeID{named[key]})
			if err != nil {
				return vault.PatientSet{}, err
			}
			if c.minors.confides(list[0], from, today) {
				some = append(some, key)
			}
		}
		return vault.Patients(some...), nil
	})
}

func keysText(keys []record.Key) string {
	var text []byte
	for _, key := range keys {
		text = append(text, key[:]...)
	}
	return string(text)
}
