package clinical

import (
	"strconv"
	"time"
)

const unknownAge = "age unknown"

// Age renders the age at an instant in the units clinicians use: hours to two
// days (only if the time of birth is known), days to four weeks, weeks to one
// year, months to two, years and months to eighteen, then years.
func (f *Formatter) Age(birth Moment, at time.Time) string {
	day := f.day(at)
	switch birth.form {
	case momentNone:
		return unknownAge
	case momentYear, momentMonth:
		return approxAge(birth, day)
	case momentTime:
		if lived := at.Sub(birth.at); lived >= 0 && lived < 48*time.Hour {
			return strconv.Itoa(int(lived.Hours())) + " h"
		}
		return ageInWords(f.day(birth.at), day)
	}
	return ageInWords(birth.at, day)
}

// day is the facility's calendar day of an instant, as midnight UTC: the form
// birth dates are parsed to.
func (f *Formatter) day(t time.Time) time.Time {
	y, m, d := t.In(f.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func ageInWords(born, day time.Time) string {
	if day.Before(born) {
		return unknownAge
	}
	days := int(day.Sub(born).Hours() / 24)
	months := fullMonths(born, day)
	switch {
	case days < 28:
		return strconv.Itoa(days) + " d"
	case months < 12:
		return strconv.Itoa(days/7) + " w"
	case months < 24:
		return strconv.Itoa(months) + " m"
	case months < 18*12 && months%12 != 0:
		return strconv.Itoa(months/12) + " y " + strconv.Itoa(months%12) + " m"
	}
	return strconv.Itoa(months/12) + " y"
}

// approxAge names the span of ages a partial birth date allows.
func approxAge(birth Moment, day time.Time) string {
	if day.Before(birth.at) {
		return unknownAge
	}
	low := fullMonths(birth.until.AddDate(0, 0, -1), day) / 12
	high := fullMonths(birth.at, day) / 12
	if low < 0 {
		low = 0
	}
	if low == high {
		return "approx " + strconv.Itoa(low) + " y"
	}
	return strconv.Itoa(low) + " to " + strconv.Itoa(high) + " y"
}

// fullMonths counts the months completed. Someone born on the 29th of February
// completes a year on the 1st of March of a common year.
func fullMonths(born, day time.Time) int {
	by, bm, bd := born.Date()
	y, m, d := day.Date()
	months := (y-by)*12 + int(m) - int(bm)
	if d < bd {
		months--
	}
	return months
}
