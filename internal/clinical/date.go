package clinical

import (
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

const (
	dayForm    = "02-Jan-2006"
	minuteForm = "15:04"
	longForm   = "2 January 2006"
)

// Moment is a FHIR date, dateTime or instant with the precision it was given.
type Moment struct {
	at    time.Time // start of what is known
	until time.Time // end of what is known, exclusive
	form  moment
}

type moment byte

const (
	momentNone moment = iota
	momentYear
	momentMonth
	momentDay
	momentTime
)

// ParseMoment reads the text of a date, dateTime or instant. What is not one
// gives a Moment that is not known.
func ParseMoment(s string) Moment {
	switch len(s) {
	case 4:
		if t, err := time.Parse("2006", s); err == nil {
			return Moment{t, t.AddDate(1, 0, 0), momentYear}
		}
	case 7:
		if t, err := time.Parse("2006-01", s); err == nil {
			return Moment{t, t.AddDate(0, 1, 0), momentMonth}
		}
	case 10:
		if t, err := time.Parse(time.DateOnly, s); err == nil {
			return Moment{t, t.AddDate(0, 0, 1), momentDay}
		}
	default:
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return Moment{t, t, momentTime}
		}
	}
	return Moment{}
}

// Instant returns the moment of a time.
func Instant(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	return Moment{t, t, momentTime}
}

// placed puts a date without a time where the facility's day begins. Sorted by
// midnight in Greenwich, a result of today would stand behind one of last night.
func (f *Formatter) placed(m Moment) Moment {
	if m.form == momentNone || m.form == momentTime {
		return m
	}
	at := func(t time.Time) time.Time {
		y, month, d := t.Date()
		return time.Date(y, month, d, 0, 0, 0, 0, f.zone)
	}
	return Moment{at(m.at), at(m.until), m.form}
}

// Known reports whether there is a date at all.
func (m Moment) Known() bool { return m.form != momentNone }

// Time returns the first instant the moment may mean: for sorting and plots.
func (m Moment) Time() time.Time { return m.at }

// Exact reports whether the moment is at least a whole calendar day.
func (m Moment) Exact() bool { return m.form >= momentDay }

// Date renders a moment as `07-Mar-2026`; "Approx" stands before what is less
// precise than a day. A date without a time has no zone and is never shifted.
func (f *Formatter) Date(m Moment) string {
	switch m.form {
	case momentYear:
		return "Approx " + m.at.Format("2006")
	case momentMonth:
		return "Approx " + m.at.Format("Jan-2006")
	case momentDay:
		return m.at.Format(dayForm)
	case momentTime:
		return m.at.In(f.zone).Format(dayForm)
	}
	return NotRecorded
}

// DateTime renders a moment as `07-Mar-2026 14:05` in the facility's zone, and
// as its date alone if no time was given.
func (f *Formatter) DateTime(m Moment) string {
	if m.form != momentTime {
		return f.Date(m)
	}
	return f.Date(m) + " " + f.Clock(m.at)
}

// Clock renders the time of day, `14:05`. In the hour that a clock change
// repeats it adds the offset, so that two different times never read alike.
func (f *Formatter) Clock(t time.Time) string {
	local := t.In(f.zone)
	if f.repeats(t) {
		return local.Format(minuteForm + " (UTC-07:00)")
	}
	return local.Format(minuteForm)
}

// repeats reports whether the wall clock shows the time of t twice.
func (f *Formatter) repeats(t time.Time) bool {
	_, own := t.In(f.zone).Zone()
	for _, near := range []time.Time{t.Add(-4 * time.Hour), t.Add(4 * time.Hour)} {
		_, other := near.In(f.zone).Zone()
		if other == own {
			continue
		}
		twin := t.Add(time.Duration(own-other) * time.Second)
		if _, back := twin.In(f.zone).Zone(); back == other {
			return true
		}
	}
	return false
}

// Scale is how far apart the moments of an axis lie.
type Scale byte

const (
	ScaleHours Scale = iota
	ScaleDays
	ScaleYears
)

// Tick renders a moment for an axis: `14:05`, `07-Mar` or `Mar-2026`.
func (f *Formatter) Tick(m Moment, scale Scale) string {
	if m.form < momentDay {
		return f.Date(m)
	}
	at := m.at
	if m.form == momentTime {
		at = at.In(f.zone)
	}
	switch {
	case scale == ScaleHours && m.form == momentTime:
		return f.Clock(m.at)
	case scale == ScaleYears:
		return at.Format("Jan-2006")
	}
	return at.Format("02-Jan")
}

// LongDate renders a moment for patients and letters, `7 March 2026`.
func (f *Formatter) LongDate(m Moment) string {
	switch m.form {
	case momentYear:
		return "about " + m.at.Format("2006")
	case momentMonth:
		return "about " + m.at.Format("January 2006")
	case momentDay:
		return m.at.Format(longForm)
	case momentTime:
		return m.at.In(f.zone).Format(longForm)
	}
	return strings.ToLower(NotRecorded)
}

// AsOf renders the line of live pages.
func (f *Formatter) AsOf(t time.Time) string { return "as of " + f.Clock(t) }

// DateOf renders the date of an element; an element that says why it is absent
// reads "Unknown".
func (f *Formatter) DateOf(n fhir.Node) string { return f.absentOr(n, f.Date) }

// DateTimeOf is DateOf with the time of day.
func (f *Formatter) DateTimeOf(n fhir.Node) string { return f.absentOr(n, f.DateTime) }

func (f *Formatter) absentOr(n fhir.Node, render func(Moment) string) string {
	m := ParseMoment(n.Text())
	switch {
	case m.Known():
		return render(m)
	case n.Exists():
		return Unknown
	}
	return NotRecorded
}

// Period renders a Period, `07-Mar-2026 14:05 to 08-Mar-2026 09:00`.
func (f *Formatter) Period(n fhir.Node) string {
	start, end := ParseMoment(n.Get("start").Text()), ParseMoment(n.Get("end").Text())
	switch {
	case start.Known() && end.Known():
		return f.DateTime(start) + " to " + f.DateTime(end)
	case start.Known():
		return "Since " + f.DateTime(start)
	case end.Known():
		return "Until " + f.DateTime(end)
	}
	return NotRecorded
}

// momentOf reads a choice of dateTime, instant, Period (its start) or Timing
// (its first event).
func momentOf(n fhir.Node) Moment {
	if m := ParseMoment(n.Text()); m.Known() {
		return m
	}
	if m := ParseMoment(n.Get("start").Text()); m.Known() {
		return m
	}
	return ParseMoment(n.Get("event").Text())
}

// Year renders the year of a moment, for headings.
func (f *Formatter) Year(m Moment) string {
	switch m.form {
	case momentNone:
		return "Date not recorded"
	case momentTime:
		return m.at.In(f.zone).Format("2006")
	}
	return m.at.Format("2006")
}
