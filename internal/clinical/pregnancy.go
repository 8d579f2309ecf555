package clinical

import (
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// What a pregnancy is read from: LOINC's pregnancy status and estimated date of
// delivery. A status older than a pregnancy lasts says nothing of today.
const (
	loincPregnancy = "82810-3"
	loincDue       = "11778-8"
	term           = 40 * 7
	latest         = 43 * 7
)

// pregnant are the values that say so: SNOMED CT, and LOINC's answer.
var pregnant = map[string]bool{"77386006": true, "LA15173-0": true}

// Pregnancy says that a patient is pregnant and how many weeks, from the
// observations of it; "" if the newest of them does not say so.
func (f *Formatter) Pregnancy(list []*fhir.Resource, now time.Time) string {
	status, due := newestOf(list, loincPregnancy), newestOf(list, loincDue)
	at := momentOf(status.Get("effective"))
	is := false
	for c := range status.Get("value").All("coding") {
		is = is || pregnant[c.Get("code").Text()]
	}
	if !is || !at.Known() || f.day(now).Sub(at.at) > latest*24*time.Hour {
		return ""
	}
	if day := ParseMoment(due.Get("value").Text()); day.Exact() {
		days := term - int(day.at.Sub(f.day(now)).Hours()/24)
		if days > 0 && days <= latest {
			return "Pregnant, " + strconv.Itoa(days/7) + " weeks (due " + f.Date(day) + ")"
		}
	}
	return "Pregnant (recorded " + f.Date(at) + ")"
}

// newestOf is the newest observation of a test that was not entered in error.
func newestOf(list []*fhir.Resource, loinc string) fhir.Node {
	var best fhir.Node
	for _, r := range list {
		o := r.Root()
		switch status := o.Get("status").Text(); {
		case codeOf(o.Get("code"), "loinc.org") != loinc, status == "entered-in-error", status == "cancelled", status == "registered":
		case !best.Exists() || momentOf(o.Get("effective")).Time().After(momentOf(best.Get("effective")).Time()):
			best = o
		}
	}
	return best
}
