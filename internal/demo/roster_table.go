package demo

import "time"

const (
	med = WardMedicine
	sur = WardSurgery
	mat = WardMaternity
	out = "" // at home
)

const longFamily = "Featherstonehaugh-Cholmondeley-Wolfeschlegelsteinhausenbergs"

// roster is who is here. A function, because its stories are functions of the
// package; it is cheap.
func roster() []slot { return append(trapSlots(), plainSlots()...) }

func trapSlots() []slot {
	namesakeA := both(called("Catherine", "", "Thompson", ""), birthDay(65, 3, 12))
	namesakeB := both(called("Katherine", "", "Thomson", ""), birthDay(65, 3, 21))
	sameMan := both(called("Michael", "James", "Carter", ""), birthDay(47, 5, 14))
	return []slot{
		{sex: "male", age: 71, ward: med, los: 3.4, story: chronicKidney, trap: criticalPotassium},
		{sex: "female", age: 74, ward: med, los: 4.1, story: heartFailure, trap: correctedPotassium},
		{sex: "female", age: 65, ward: med, los: 3.2, story: pneumonia, who: namesakeA},
		{sex: "female", age: 65, ward: med, los: 2.6, story: fibrillation, who: namesakeB},
		{sex: "female", age: 31, ward: mat, los: 1.7, story: twinBirth, who: both(called("Ifeoma", "", "Nwosu", ""), race("2054-5", "Black or African American")), trap: motherOf(6, 7)},
		{sex: "female", age: 0.004, ward: mat, los: 1.7, story: twinA, who: race("2054-5", "Black or African American"), name: newbornNamed("Ifeoma's Girl A", "Nwosu", 1), allergies: notRecorded},
		{sex: "female", age: 0.004, ward: mat, los: 1.694, story: twinB, who: race("2054-5", "Black or African American"), name: newbornNamed("Ifeoma's Girl B", "Nwosu", 2), allergies: notRecorded},
		{sex: "male", age: 55, ward: sur, los: 1.1, story: headInjury, unknown: true, name: unidentified, allergies: notRecorded},
		{sex: "female", age: 34, ward: med, los: 2.1, story: asthma, allergies: severeAllergies, trap: wishes},
		{sex: "male", age: 27, ward: sur, los: 1.6, story: appendicitis, allergies: assertedNone},
		{sex: "male", age: 68, ward: med, los: 2.8, story: stroke, allergies: notRecorded},
		{sex: "male", age: 81, ward: sur, los: 3.9, story: hipFracture, allergies: enteredInError},
		{sex: "female", age: 45, ward: sur, los: 2.2, story: gallbladder, allergies: freeText},
		{sex: "female", age: 86, ward: med, los: 3.1, story: confusion, trap: smallDose},
		{sex: "male", age: 59, ward: med, los: 2.9, story: obstructive, trap: largeDose},
		{sex: "female", age: 52, ward: med, los: 1.9, story: staleWeight},
		{sex: "female", age: 24, ward: out, story: ketoacidosis},
		{sex: "male", age: 84, ward: out, story: lastIllness, who: dies(43), trap: deceased},
		{sex: "male", age: 9, ward: mat, los: 1.3, story: asthma, trap: proxy},
		{sex: "male", age: 36, ward: out, doctor: "l.marchetti", story: opioidTreatment},
		{sex: "female", age: 41, ward: out, doctor: "l.marchetti", story: depression, trap: psychotherapyNote},
		{sex: "male", age: 59, ward: sur, los: 2.4, doctor: "j.castellano", story: kneeReplacement,
			who: both(called("Sebastian", "", "Thorncastle", ""), marked(restricted, labelCelebrity)), name: important},
		{sex: "male", age: 38, ward: sur, los: 1.2, story: appendicitis,
			who: both(called("Marcus", "", "Webb", ""), marked(restricted, labelEmployee)), name: employed("m.webb")},
		{sex: "female", age: 62, ward: med, los: 2.7, story: pneumonia, who: called("Wilhelmina", "", longFamily, "")},
		{sex: "male", age: 50, ward: med, los: 1.8, story: fibrillation, who: called("Abdulrahman", "", "Al-Husseini", ""),
			name: inScript("عبد الرحمن", "الحسيني", "عبد الرحمن الحسيني", "ABC", "ar")},
		{sex: "female", age: 67, ward: med, los: 2.2, story: obstructive, who: both(called("Xiuying", "", "Wang", ""), race("2028-9", "Asian")),
			name: inScript("秀英", "王", "王秀英", "IDE", "zh")},
		{sex: "male", age: 72, ward: med, los: 2.5, story: infarction, who: called("Georgios", "", "Papadopoulos", ""),
			name: inScript("Γεώργιος", "Παπαδόπουλος", "Γεώργιος Παπαδόπουλος", "", "el")},
		{sex: "female", age: 62, ward: out, story: chronicKidney, trap: bothUnits},
		{sex: "female", age: 30, ward: mat, los: 2.3, story: preeclampsia, trap: expecting},
		{sex: "female", age: 79, ward: med, los: 2.6, story: chronicKidney, trap: renalDosing},
		{sex: "female", age: 70, ward: med, los: 1.5, story: bleeding, trap: suspendedWarfarin},
		{sex: "female", age: 44, ward: out, name: noData},
		{sex: "male", age: 33, ward: out, story: forearmFracture, who: called("Jonathan", "", "Null", "")},
		{sex: "female", age: 103, ward: med, los: 3.3, story: urosepsis, allergies: assertedNone},
		{sex: "male", age: 47, ward: out, story: hypertension, who: sameMan},
		{sex: "male", age: 47, ward: sur, los: 1.9, story: gallbladder, who: sameMan},
	}
}

func plainSlots() []slot {
	return []slot{
		{sex: "male", age: 78, ward: med, los: 5.2, story: heartFailure},
		{sex: "female", age: 69, ward: med, los: 3.6, story: obstructive},
		{sex: "male", age: 54, ward: med, los: 2.3, story: pneumonia},
		{sex: "female", age: 76, ward: med, los: 1.6, story: fibrillation},
		{sex: "male", age: 61, ward: med, los: 2.1, story: infarction},
		{sex: "female", age: 73, ward: med, los: 4.4, story: stroke},
		{sex: "female", age: 84, ward: sur, los: 4.7, story: hipFracture},
		{sex: "male", age: 58, ward: sur, los: 4.2, story: diabetes},
		{sex: "female", age: 22, ward: sur, los: 0.9, story: appendicitis},
		{sex: "male", age: 51, ward: sur, los: 1.7, story: gallbladder},
		{sex: "female", age: 67, ward: sur, los: 2.8, story: kneeReplacement},
		{sex: "male", age: 29, ward: med, los: 1.4, story: asthma},
		{sex: "female", age: 27, ward: mat, los: 1.2, story: postpartum, who: called("Marta", "", "Kowalski", ""), trap: motherOf(50)},
		{sex: "male", age: 0.003, ward: mat, los: 1.2, story: both(childOf(49, "Marta", "Kowalski"), newborn),
			name: newbornNamed("Marta's Boy", "Kowalski", 0), allergies: notRecorded},
		{sex: "female", age: 35, ward: mat, los: 2.6, story: postpartum, who: both(called("Sunita", "", "Verma", ""), race("2028-9", "Asian")), trap: motherOf(52)},
		{sex: "female", age: 0.007, ward: mat, los: 2.6, story: both(childOf(51, "Sunita", "Verma"), newborn),
			who: race("2028-9", "Asian"), name: newbornNamed("Sunita's Girl", "Verma", 0), allergies: notRecorded},
		{sex: "male", age: 0.6, ward: mat, los: 2.2, story: bronchiolitis},
		{sex: "female", age: 7, ward: mat, los: 1.6, story: asthma},
		{sex: "female", age: 33, ward: mat, los: 1.8, story: preeclampsia},
		{sex: "female", age: 11, ward: mat, los: 1.3, story: appendicitis},
		{sex: "male", age: 57, ward: out, story: hypertension},
		{sex: "female", age: 46, ward: out, story: thyroid},
		{sex: "female", age: 61, ward: out, story: breastCancer},
		{sex: "female", age: 4, ward: out, story: wellChild},
	}
}

// overflow is who comes when a hospital is larger than the roster: people of
// the clinics, by turns.
func overflow() []slot {
	return []slot{
		{sex: "female", age: 52, story: diabetes},
		{sex: "male", age: 66, story: hypertension},
		{sex: "female", age: 39, story: thyroid},
		{sex: "male", age: 71, story: chronicKidney},
		{sex: "female", age: 28, story: asthma},
		{sex: "male", age: 3, story: wellChild},
		{sex: "female", age: 64, story: breastCancer},
		{sex: "male", age: 75, story: fibrillation},
		{sex: "female", age: 45, story: depression},
		{sex: "male", age: 19, story: forearmFracture},
		{sex: "male", age: 70, story: heartFailure},
		{sex: "female", age: 6, story: wellChild},
		{sex: "male", age: 68, story: obstructive},
		{sex: "female", age: 34, story: hypertension},
	}
}

func twinBirth(c *chart) { c.birthStay(true) }

func twinA(c *chart) {
	childOf(5, "Ifeoma", "Nwosu")(c)
	c.babyStay(dxTwin, 2.48)
	c.diagnose(condition{what: dxPrematurity, onset: c.p.birth, reason: true, note: "Born at 36 weeks."})
}

func twinB(c *chart) {
	childOf(5, "Ifeoma", "Nwosu")(c)
	c.babyStay(dxTwin, 2.31)
	c.diagnose(condition{what: dxPrematurity, onset: c.p.birth, reason: true, note: "Born at 36 weeks."})
	c.diagnose(condition{what: dxJaundice, onset: c.p.birth.Add(20 * time.Hour), reason: true})
}
