package clinical

import (
	"regexp"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// timingCodes are the GTS abbreviations of Timing.code in words.
var timingCodes = map[string]string{
	"QD": "daily", "BID": "twice daily", "TID": "3 times daily", "QID": "4 times daily",
	"AM": "every morning", "PM": "every afternoon", "QOD": "every other day", "Q1H": "every hour", "Q2H": "every 2 hours",
	"Q3H": "every 3 hours", "Q4H": "every 4 hours", "Q6H": "every 6 hours", "Q8H": "every 8 hours", "BED": "at bedtime",
	"WK": "weekly", "MO": "monthly",
}

// events are the codes of Timing.repeat.when.
var events = map[string]string{
	"MORN": "in the morning", "NOON": "at noon", "AFT": "in the afternoon", "EVE": "in the evening", "NIGHT": "at night",
	"HS": "at bedtime", "WAKE": "on waking", "AC": "before meals", "ACM": "before breakfast", "ACD": "before lunch",
	"ACV": "before dinner", "C": "with meals", "CM": "with breakfast", "CD": "with lunch", "CV": "with dinner",
	"PC": "after meals", "PCM": "after breakfast", "PCD": "after lunch", "PCV": "after dinner",
	"PHS": "after going to sleep", "MORN.early": "in the early morning", "MORN.late": "in the late morning",
	"AFT.early": "in the early afternoon", "AFT.late": "in the late afternoon", "EVE.early": "in the early evening", "EVE.late": "in the late evening",
}

var weekdays = map[string]string{"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday"}

// frequency renders when a medicine is taken: from the structure if there is
// one, because free text may say something else, then from the text.
func (f *Formatter) frequency(d fhir.Node, ordered Moment) string {
	t := d.Get("timing")
	when := repeatWords(t.Get("repeat"))
	if when == "" {
		when = timingCodes[strings.ToUpper(codeOf(t.Get("code"), ""))]
	}
	if code := t.Get("code"); when == "" && (code.Get("text").Exists() || code.Get("coding").Exists()) {
		when = Spelled(Concept(t.Get("code")))
	}
	if when == "" {
		for e := range t.All("event") {
			when = join(", ", when, f.DateTimeOf(e))
		}
	}
	when = join(" ", when, f.bounds(t.Get("repeat"), ordered))
	need := d.Get("asNeeded")
	switch {
	case need.Text() == "true":
		when = join(" ", when, "as needed")
	case need.Get("coding").Exists() || need.Get("text").Exists():
		when = join(" ", when, "as needed for "+Spelled(Concept(need)))
	}
	return when
}

func repeatWords(r fhir.Node) string {
	count, period, unit := r.Get("frequency").Text(), r.Get("period").Text(), r.Get("periodUnit").Text()
	var out string
	if period != "" && unit != "" {
		if count == "" {
			count = "1"
		}
		if top := r.Get("frequencyMax").Text(); top != "" && top != count {
			count += " to " + top
		}
		out = rate(DoseNumber(count), DoseNumber(period), DoseNumber(r.Get("periodMax").Text()), DoseUnit(unit))
	}
	for w := range r.All("when") {
		out = join(", ", out, orElse(events[w.Text()], "at "+Plain(w.Text())))
	}
	if early := r.Get("offset").Text(); early != "" && out != "" {
		out += " (offset " + DoseNumber(early) + " minutes)"
	}
	for w := range r.All("dayOfWeek") {
		out = join(", ", out, "on "+weekdays[w.Text()])
	}
	for w := range r.All("timeOfDay") {
		if s := w.Text(); len(s) >= 5 {
			out = join(", ", out, "at "+Plain(s[:5]))
		}
	}
	if count := r.Get("count").Text(); count != "" {
		if most := r.Get("countMax").Text(); most != "" && most != count {
			count += " to " + most
		}
		out = join(", ", out, DoseNumber(count)+" times in all")
	}
	if long := r.Get("duration").Text(); long != "" {
		if most := r.Get("durationMax").Text(); most != "" && most != long {
			long = DoseNumber(long) + " to " + most
		}
		out = join(", ", out, "each over "+withUnit(DoseNumber(long), DoseUnit(r.Get("durationUnit").Text())))
	}
	return out
}

// bounds says how long a course lasts or when it ends: an order past its end
// must not read as one without end.
// A beginning on the day of the order goes without saying.
func (f *Formatter) bounds(r fhir.Node, ordered Moment) string {
	b := r.Get("bounds")
	switch kindOf(b) {
	case "duration":
		return "for " + Dose(b)
	case "range":
		return "for " + span(b.Get("low"), b.Get("high"))
	case "period":
		start, end := momentOf(b.Get("start")), momentOf(b.Get("end"))
		from, until := "", ""
		if start.Known() && !(ordered.Known() && f.Date(start) == f.Date(ordered)) {
			from = "from " + f.DateTime(start)
		}
		if end.Known() {
			until = "until " + f.DateTime(end)
		}
		return join(" ", from, until)
	}
	return ""
}

func rate(count, period, most, unit string) string {
	if most != "" && most != period {
		return times(count) + "every " + period + " to " + most + " " + unit + "s"
	}
	if period != "1" {
		if period == "2" && unit == "day" && count == "1" {
			return "every other day"
		}
		return times(count) + "every " + period + " " + unit + "s"
	}
	adverb, ok := map[string]string{"day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}[unit]
	if !ok {
		return times(count) + "every " + unit
	}
	switch count {
	case "1":
		return adverb
	case "2":
		return "twice " + adverb
	}
	return count + " times " + adverb
}

func times(count string) string {
	switch count {
	case "1":
		return ""
	case "2":
		return "twice "
	}
	return count + " times "
}

// spellings replaces, in free text, whole tokens that ISMP's list of
// error-prone abbreviations names. Case is ignored but for U.
var spellings = []struct {
	find *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(\d) 1/2\b`), "$1 and a half"},
	{regexp.MustCompile(`(^|[^\d/.])1/2\b`), "${1}half a"},
	{regexp.MustCompile(`(^|[^\d/.])1/4\b`), "${1}a quarter"},
	{regexp.MustCompile(`(\d)/(\d)`), "$1 over $2"},
	{regexp.MustCompile(`(?i)\bq\.?o\.?d\b\.?`), "every other day"},
	{regexp.MustCompile(`(?i)\bq\.?d\b\.?`), "daily"},
	{regexp.MustCompile(`(?i)\bb\.?i\.?d\b\.?`), "twice daily"},
	{regexp.MustCompile(`(?i)\bt\.?i\.?d\b\.?`), "3 times daily"},
	{regexp.MustCompile(`(?i)\bq\.?i\.?d\b\.?`), "4 times daily"},
	{regexp.MustCompile(`(\d)\s*(?:I\.?U\.?|U)\b`), "$1 units"},
	{regexp.MustCompile(`(?i)\bIU\b`), "units"},
	{regexp.MustCompile(`(\d)\s*(?:µg|μg|ug)\b`), "$1 mcg"},
	{regexp.MustCompile(`[µμ]g`), "mcg"},
	{regexp.MustCompile(`(?i)(\d)\s*cc\b`), "$1 mL"},
	{regexp.MustCompile(`(^|[^\d.,])\.(\d)`), "${1}0.$2"},
	{regexp.MustCompile(`(\d+)\.0+(\s|$)`), "$1$2"},
	{regexp.MustCompile(`\b(\d{1,3})(\d{3})\s?(mg|mcg|units|mL)\b`), "$1,$2 $3"},
	{regexp.MustCompile(`(?i)\b(\d+)\s*tabs?\b\.?`), "$1 tablet"},
	{regexp.MustCompile(`(?i)\btab\b`), "tablet"},
	{regexp.MustCompile(`(\d)(mg|mcg|g|mL|kg|units)\b`), "$1 $2"},
}

// Spelled writes out the error-prone abbreviations of a prescriber's free text.
func Spelled(s string) string {
	s = untagged(Plain(s))
	for _, rule := range spellings {
		s = rule.find.ReplaceAllString(s, rule.with)
	}
	return safe(s)
}
