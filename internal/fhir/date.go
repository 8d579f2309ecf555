package fhir

import "github.com/wardkeep/wardkeep/internal/fhir/r4"

// badTime says what is wrong with a date, dateTime, instant or time.
func badTime(t r4.TypeID, s []byte) string {
	switch t {
	case r4.Time:
		if n := clockLength(s); n == 0 || n != len(s) {
			return "A time looks like 14:35:00, without zone."
		}
		return ""
	case r4.Date:
		if n := dateLength(s); n == 0 || n != len(s) {
			return "A date looks like 2024, 2024-02 or 2024-02-29, and must be in the calendar."
		}
		return ""
	}
	n := dateLength(s)
	switch {
	case n == 0:
	case n == len(s):
		if t == r4.DateTime {
			return ""
		}
	case n == 10 && s[10] == 'T':
		c := clockLength(s[11:])
		if c > 0 && isZone(s[11+c:]) {
			return ""
		}
	}
	if t == r4.Instant {
		return "An instant looks like 2024-02-29T14:35:00.123Z: to the second at least, with zone, and in the calendar."
	}
	return "A dateTime looks like 2024, 2024-02, 2024-02-29 or 2024-02-29T14:35:00Z: a time needs seconds and a zone, and the day must be in the calendar."
}

// dateLength returns the length of the date at the start of s: 4, 7 or 10; 0 if
// there is none in the calendar.
func dateLength(s []byte) int {
	year, ok := digits(s, 0, 4)
	if !ok || year == 0 {
		return 0
	}
	if len(s) == 4 || s[4] != '-' {
		return 4
	}
	month, ok := digits(s, 5, 2)
	if !ok || month < 1 || month > 12 {
		return 0
	}
	if len(s) == 7 || s[7] != '-' {
		return 7
	}
	day, ok := digits(s, 8, 2)
	if !ok || day < 1 || day > daysIn(year, month) {
		return 0
	}
	return 10
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// clockLength returns the length of the time of day at the start of s, 0 if
// there is none. Second 60 is a leap second.
func clockLength(s []byte) int {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0
	}
	h, ok1 := digits(s, 0, 2)
	m, ok2 := digits(s, 3, 2)
	sec, ok3 := digits(s, 6, 2)
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || sec > 60 {
		return 0
	}
	n := 8
	if n < len(s) && s[n] == '.' {
		for n++; n < len(s) && s[n]-'0' <= 9; n++ {
		}
		if n == 9 {
			return 0
		}
	}
	return n
}

// isZone: Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00)
func isZone(s []byte) bool {
	if len(s) == 1 {
		return s[0] == 'Z'
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return false
	}
	h, ok1 := digits(s, 1, 2)
	m, ok2 := digits(s, 4, 2)
	return ok1 && ok2 && (h < 14 && m < 60 || h == 14 && m == 0)
}

func digits(s []byte, at, n int) (int, bool) {
	if len(s) < at+n {
		return 0, false
	}
	v := 0
	for _, c := range s[at : at+n] {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}
