package demo

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// person is who a patient is, before anything happened.
type person struct {
	given, family string
	middle        string
	sex           string // FHIR administrative-gender
	birth         time.Time
	language      string // BCP 47, "" if English
	married       code
	line          string
	race          code // OMB category of the US Core extension
	hispanic      bool
	cm, kg        float64
	smoker        code
}

// pickPerson draws somebody of that sex and age. age is in years and may have
// been a fraction: a baby's is given in days by the roster.
func pickPerson(r *rand.Rand, now time.Time, sex string, age float64) person {
	group := pickHeritage(r)
	given := strings.Fields(group.male)
	if sex == "female" {
		given = strings.Fields(group.female)
	}
	p := person{
		given:  pick(r, given),
		family: strings.ReplaceAll(pick(r, strings.Fields(group.family)), "_", " "),
		sex:    sex,
	}
	if r.IntN(10) < 4 {
		if m := pick(r, given); m != p.given {
			p.middle = m
		}
	}
	if langs := strings.Fields(group.languages); len(langs) > 0 && r.IntN(10) < 4 {
		p.language = pick(r, langs)
	}
	p.birth = birthDate(r, now, age)
	p.married = maritalStatus(r, age)
	p.line = address(r)
	p.cm, p.kg = stature(r, sex, age)
	p.race, p.hispanic = raceOf(r, group.languages)
	p.smoker = smoking(r, age)
	return p
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func pickHeritage(r *rand.Rand) heritage {
	total := 0
	for _, h := range heritages {
		total += h.weight
	}
	n := r.IntN(total)
	for _, h := range heritages {
		if n -= h.weight; n < 0 {
			return h
		}
	}
	return heritages[0]
}

// birthDate is some day in the year before the one that would make the person
// exactly that old; for an age below two, exactly that many days ago.
func birthDate(r *rand.Rand, now time.Time, age float64) time.Time {
	if age < 2 {
		return now.AddDate(0, 0, -int(age*365.25))
	}
	return now.AddDate(-int(age), 0, -1-r.IntN(360))
}

// years is the age at t in completed years.
func (p person) years(t time.Time) int {
	y := t.Year() - p.birth.Year()
	if t.Month() < p.birth.Month() || t.Month() == p.birth.Month() && t.Day() < p.birth.Day() {
		y--
	}
	return y
}

// age is the age at t in years and fractions of years.
func (p person) age(t time.Time) float64 { return t.Sub(p.birth).Hours() / 24 / 365.25 }

func maritalStatus(r *rand.Rand, age float64) code {
	n := r.IntN(10)
	switch {
	case age < 16:
		return code{}
	case age < 26 && n < 8, n < 2:
		return v3("MaritalStatus", "S", "Never Married")
	case age > 72 && n < 6:
		return v3("MaritalStatus", "W", "Widowed")
	case n < 4:
		return v3("MaritalStatus", "D", "Divorced")
	}
	return v3("MaritalStatus", "M", "Married")
}

func address(r *rand.Rand) string {
	line := strconv.Itoa(1+r.IntN(320)) + " " + pick(r, streets)
	if r.IntN(4) == 0 {
		line += ", Apt " + strconv.Itoa(1+r.IntN(24))
	}
	return line
}

// stature draws height and weight. Children follow the median of the growth
// charts roughly, with a spread.
func stature(r *rand.Rand, sex string, age float64) (cm, kg float64) {
	z := r.NormFloat64()
	if age < 18 {
		cm = interpolate(age, growthAge, growthHeight) * (1 + 0.035*z)
		kg = interpolate(age, growthAge, growthWeight) * (1 + 0.09*z + 0.05*r.NormFloat64())
		return cm, kg
	}
	cm = 175.5 + 7*z
	if sex == "female" {
		cm = 162 + 6.5*z
	}
	bmi := min(max(26.5+4.2*r.NormFloat64(), 18.6), 41)
	if age > 75 {
		cm, bmi = cm-3, bmi-1.5
	}
	return cm, bmi * cm * cm / 10_000
}

var (
	growthAge    = []float64{0, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18}
	growthHeight = []float64{50, 60.5, 66.5, 75, 87, 95.5, 102.5, 115.5, 128, 138.5, 149.5, 161.5, 167.5, 170}
	growthWeight = []float64{3.4, 5.9, 7.6, 9.7, 12.3, 14.2, 16.2, 20.6, 25.5, 32, 41, 50.5, 59, 64}
)

// interpolate reads a table of points linearly; outside it the ends hold.
func interpolate(x float64, xs, ys []float64) float64 {
	if x <= xs[0] {
		return ys[0]
	}
	for i := 1; i < len(xs); i++ {
		if x <= xs[i] {
			f := (x - xs[i-1]) / (xs[i] - xs[i-1])
			return ys[i-1] + f*(ys[i]-ys[i-1])
		}
	}
	return ys[len(ys)-1]
}

// Categories of race of the US Office of Management and Budget.
const sysRace = "urn:oid:2.16.840.1.113883.6.238"

// raceOf draws a category that is likely, not certain, for a group of names.
func raceOf(r *rand.Rand, languages string) (code, bool) {
	white := code{sysRace, "2106-3", "White"}
	black := code{sysRace, "2054-5", "Black or African American"}
	asian := code{sysRace, "2028-9", "Asian"}
	usual := white
	switch languages {
	case "zh", "vi ko", "hi", "ja":
		usual = asian
	case "yo sw":
		usual = black
	}
	if r.IntN(12) == 0 {
		usual = pick(r, []code{white, black, asian})
	}
	return usual, languages == "es" && r.IntN(10) < 9
}

var exSmoker = sct("8517006", "Ex-smoker")

func smoking(r *rand.Rand, age float64) code {
	n := r.IntN(10)
	switch {
	case age < 16 || n < 6:
		return sct("266919005", "Never smoked tobacco")
	case n < 9:
		return exSmoker
	}
	return sct("449868002", "Smokes tobacco daily")
}
