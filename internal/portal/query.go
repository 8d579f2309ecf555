package portal

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// findSearches turns what was typed into the one box into searches: words are
// names, a date is the birth date, and a word with digits may be a number of
// the patient as well. Too little gives none.
func findSearches(typed string) []string {
	if len(typed) > 200 {
		return nil
	}
	var names, dates, numbers []string
	letters := 0
	for _, word := range strings.FieldsFunc(typed, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }) {
		if d := birthDates(word); len(d) > 0 {
			dates = append(dates, strings.Join(d, ","))
			continue
		}
		if strings.ContainsAny(word, "0123456789") {
			numbers = append(numbers, word)
		}
		names = append(names, word)
		letters += len([]rune(word))
	}
	if letters < 2 && len(dates) == 0 {
		return nil
	}
	tail := "&_sort=family,given&_count=" + strconv.Itoa(findLimit)
	var query []string
	for _, n := range names {
		query = append(query, "name="+url.QueryEscape(escaped(n)))
	}
	for _, d := range dates {
		query = append(query, "birthdate="+d)
	}
	searches := []string{}
	for _, n := range numbers {
		if len(n) >= 4 {
			searches = append(searches, "Patient?identifier="+url.QueryEscape(escaped(n))+tail)
		}
	}
	return append(searches, "Patient?"+strings.Join(query, "&")+tail)
}

// escaped protects the characters that separate values in FHIR searches.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(s)
}

// birthDates reads a date as people type it. Where day and month could be
// either, both are returned: a list too long is better than a patient missed.
func birthDates(word string) []string {
	for _, form := range []string{"2006-01-02", "02-Jan-2006", "2-Jan-2006", "02Jan2006", "2Jan2006", "2.1.2006"} {
		if t, err := time.Parse(form, word); err == nil {
			return []string{t.Format(time.DateOnly)}
		}
	}
	var found []string
	for _, form := range []string{"1/2/2006", "2/1/2006", "1-2-2006", "2-1-2006"} {
		if t, err := time.Parse(form, word); err == nil {
			if d := t.Format(time.DateOnly); len(found) == 0 || found[0] != d {
				found = append(found, d)
			}
		}
	}
	return found
}
