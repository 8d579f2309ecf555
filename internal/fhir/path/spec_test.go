package path_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

// TestSpecification holds results against the sections of
// http://hl7.org/fhirpath (3.0) that define them. "error" is an error, "" the
// empty collection; items are joined by a comma.
func TestSpecification(t *testing.T) {
	n := parse(t, ada)
	env := &path.Env{Now: time.Date(2026, 2, 25, 14, 31, 39, 96e6, time.FixedZone("", 11*3600))}
	for section, cases := range specification {
		for src, want := range cases {
			e, err := path.Compile(src)
			got := "error"
			if err == nil {
				if c, err := e.Eval(env, n); err == nil {
					got = joined(c)
				}
			}
			if got != want {
				t.Errorf("%s: %s is %q, want %q", section, src, got, want)
			}
		}
	}
}

func joined(c path.Collection) string {
	var out []string
	for _, v := range c {
		out = append(out, v.Text())
	}
	return strings.Join(out, ",")
}

var specification = map[string]map[string]string{
	"Singleton": {
		"active and gender":                  "",
		"active and name.first()":            "true",
		"active and name":                    "error",
		"name.given + 'x'":                   "error",
		"name.first().family + ', ' + 'Ada'": "Lovelace, Ada",
	},
	"Filtering": {
		"(3 | 1 | 2).sort()":                                        "1,2,3",
		"(3 | 1 | 2).sort($this desc)":                              "3,2,1",
		"('3' | '1' | '10').sort()":                                 "1,10,3",
		"name.sort(family desc, given.first()).given":               "Ada,Augusta,Ada",
		"name.sort(family).given":                                   "Ada,Ada,Augusta",
		"(1 | 'a').sort()":                                          "error",
		"coalesce({}, {}, 3, 1/0)":                                  "3",
		"name.repeatAll(given).count()":                             "3",
		"'abc'.repeatAll(replace('a', 'A'))":                        "error",
		"(1 | 2).select($this + 1)":                                 "2,3",
		"(5 | 6).select($index)":                                    "0,1",
		"name.where($index = 1).given":                              "Ada",
		"(1 | 2 | 3).aggregate($total & $this.toString(), '')":      "123",
		"name.ofType(HumanName).count()":                            "2",
		"descendants().ofType(string).where($this = 'Ada').count()": "2",
	},
	"Conversion": {
		"'true'.toBoolean()": "true", "'Y'.toBoolean()": "true", "1.0.toBoolean()": "true", "'hello'.toBoolean()": "", "2.toBoolean()": "",
		"'1'.toInteger()": "1", "'+7'.toInteger()": "7", "'st'.toInteger()": "", "42L.toInteger()": "42", "3000000000L.toInteger()": "",
		"'3000000000'.toLong()": "3000000000", "true.toLong()": "1", "'x'.convertsToLong()": "false",
		"'1.50'.toDecimal()": "1.50", "'1e3'.toDecimal()": "", "'.5'.toDecimal()": "", "'1.'.toDecimal()": "",
		"'14:34:28'.toTime()": "14:34:28", "'10:00'.toTime()": "10:00", "'25:00'.toTime()": "",
		"@2012-01-01T12:30:00Z.toDate()": "2012-01-01", "'2012-13'.toDate()": "", "'2012-02-30'.toDate()": "",
		"'4 days'.toQuantity()": "4 days", "'10 \\'mm[Hg]\\''.toQuantity()": "10 'mm[Hg]'", "true.toQuantity()": "1.0 '1'",
		"52 'cm'.toQuantity('m')": "0.52 'm'", "45.toQuantity('m')": "", "24 'm'.toQuantity('kg')": "", "1 'a'.toQuantity('d')": "365.25 'd'",
		"7 days.toQuantity('wk')": "1 'wk'", "182.5 days.toQuantity('a')": "0.5 'a'", "42.toQuantity()": "42 '1'",
		"1 year.toQuantity('a') = 1 'a'": "true", "1 year.toQuantity('month')": "12 month",
		"3.14.toString()": "3.14", "(53 'km').toString()": "53 'km'", "(4 days).toString()": "4 days", "@T11:45.toString()": "11:45",
		"@2020-01-01T10:00:00.000+10:00.toString()": "2020-01-01T10:00:00.000+10:00",
		"name.first().convertsToString()":           "false", "{}.convertsToString()": "", "name.given.toString()": "error",
		"iif(1, 'true', 'false')": "true", "iif({}, 1)": "", "{}.select(iif(true, 1))": "",
	},
	"Strings": {
		"'abcdefg'.indexOf('bc')": "1", "'äbc'.indexOf('b')": "1", "'abc abc'.lastIndexOf('a')": "4", "'0123'.lastIndexOf('')": "4",
		"'abcdefg'.substring(3)": "defg", "'abcdefg'.substring(1, 2)": "bc", "'abcdefg'.substring(6, 2)": "g", "'abc'.substring(3)": "",
		"'äöü'.length()": "3", "'äb'.toChars()": "ä,b", "'abc'.contains('')": "true", "'1'.contains(1)": "error",
		"'N8000123123'.matches('^N[0-9]{8}$')": "false", "'N8000123123'.matches('N[0-9]{8}')": "true", "'N8000123123'.matchesFull('N[0-9]{8}')": "false",
		"'a\\nb'.matches('^b', 'm')": "true", "'a\\nb'.matches('^b', '')": "false", "'a\\nB'.matches('^b', 'im')": "true", "'a'.matches('a', 'x')": "error",
		"'a'.matches('(?=a)')": "error", "'xb'.matchesFull('a)|(?:b')": "error", "'aaabaa'.replaceMatches('aa', '\"aa\"')": "\"aa\"ab\"aa\"",
		"'11/30/1972'.replaceMatches('\\\\b(?<month>\\\\d{1,2})/(?<day>\\\\d{1,2})/(?<year>\\\\d{2,4})\\\\b', '${day}-${month}-${year}')": "30-11-1972",
		"'A,,C'.split(',')": "A,,C", "('A' | 'B').join()": "AB", "{}.join(',')": "", "('' | 'a').join(',')": ",a", "'a b' ~ 'a\\tb'": "true", "'a  b' ~ 'a b'": "false",
		"'ABC' & {} & 'DEF'": "ABCDEF", "'ABC' + {} + 'DEF'": "", "'\\u0061\\u00e9'": "aé",
		"'x'.encode('rot13')": "", "'!'.decode('base64')": "error", "'zz'.decode('hex')": "error",
	},
	"Math": {
		"(-5.5 'mg').abs()": "5.5 'mg'", "1.1.ceiling()": "2", "(-1.1).ceiling()": "-1", "(-2.1).floor()": "-3", "2.7 'cm'.floor()": "2 'cm'",
		"100.log(10)": "2", "16.log(2)": "4", "2.power(3)": "8", "2.5.power(2)": "6.25", "(-1).power(0.5)": "", "2L.power(40)": "1099511627776", "2.power(40)": "",
		"3.14159.round(3)": "3.142", "(-0.5).round()": "-1", "2.5.round()": "3", "1.round(-1)": "error", "81.sqrt()": "9", "(-1).sqrt()": "", "(-1.56).truncate()": "-1",
		"5 div 2": "2", "5.5 div 0.7": "7", "5L div 2": "2", "5 mod 2": "1", "5.5 mod 0.7": "0.6", "(-5) div 2": "-2", "(-5) mod 2": "-1", "5 mod 0": "", "1 / 0": "", "1 / 3 * 3": "0.9999999999999999999999999999",
		"1 + 5L": "6", "5L + 4.5": "9.5", "2147483647 + 1": "", "9223372036854775807L + 1L": "", "2147483647 * 2": "", "1.10 + 1": "2.10", "-(1 | 2)": "error", "-'a'": "error",
		"12 'cm' * 3 'cm'": "36 'cm2'", "10 'm/s' * 10 's'": "100 'm'", "3 * 2 'cm'": "6 'cm'", "12 day * 45 'm'": "", "12 'cm2' / 3 'cm'": "4 'cm'", "60 / 1 's'": "60 '/s'", "60 's' / 2": "30 's'", "6 days / 2": "3 days",
		"3 'm' + 3 'cm'": "303 'cm'", "3 'cm' + 3 'm'": "303 'cm'", "2 + 2 'cm'": "", "2 + 2 '1'": "4 '1'", "2 minutes + 60 seconds": "180 seconds", "60 's' + 2 minutes": "180 seconds",
		"1 'wk' + 2 days": "9 days", "1 year + 12 months": "", "3 'd' + 1 'wk'": "10 'd'", "3 'm' - 3 'cm'": "297 'cm'", "1 week + 14 days": "21 days",
		"(1 'cm' | 2 'cm').sum()": "3 'cm'", "(1.0 | 2.0).avg()": "1.5", "(5 | 3).min()": "3", "('a' | 'c').max()": "c", "(1 | 'a').sum()": "error", "{}.sum()": "", "(@2012 | @2013).max()": "2013",
	},
	"Equality": {
		"1 'cm' = 10.0 'mm'": "true", "1 'cm' = 1 'm'": "false", "1 'cm' = 1 's'": "", "23 'Cel' = 73.4 '[degF]'": "true", "1 'h' = 3600 's'": "true", "1 hour = 3600 's'": "true",
		"1 year = 1 'a'": "", "1 year = 12 months": "true", "1 year = 12 'mo'": "", "1 week = 7 'd'": "true", "23 = 23 '1'": "true", "1 year = 365 days": "true", "1 month = 30 days": "true",
		"2.1 'cm' ~ 21 'mm'": "true", "21 'mm' ~ 2 'cm'": "true", "1 '[in_i]' ~ 2.5 'cm'": "true", "1 year ~ 1 'a'": "true", "1 year ~ 12 'mo'": "true", "1 year ~ 11 months": "true",
		"@2012-01 = @2012": "", "@2012 ~ @2012-01": "false", "@2012-01-01T10:30:31.0 = @2012-01-01T10:30:31": "true", "@T10:30 = @T10:30:00": "",
		"(1 | 2) = (2 | 1)": "false", "(1 | 2) ~ (2 | 1)": "true", "name = name": "true", "name[0] = name[1]": "false", "1 = '1'": "false", "'a' != {}": "", "active = true": "true",
		"@2012-01-01T00:00:00Z = @2012-01-01T00:00:00-00:00": "true", "@2012-01-01T23:00:00-05:00 = @2012-01-02T04:00:00Z": "true",
		"@2012-01-01T00:00:00 < @2012-01-03T00:00:00Z": "true", "@2012-01-01T00:00:00 < @2012-01-01T05:00:00Z": "",
		"1 year > 1 'a'": "", "10 seconds > 1 's'": "true", "6 months > 1 year": "false", "1 < 'a'": "error", "@2012 < @T10": "error", "'a' < 'B'": "false",
		"1 'mg'.comparable(2 'mg')": "true", "1.comparable(2)": "true", "1 year.comparable(1 'a')": "false", "1 'Cel'.comparable(1 '[degF]')": "true", "1 'mg'.comparable({})": "",
	},
	"Time": {
		"@1973-12-25 + 7.9 days": "1974-01-01", "@2019-03-01 + 24 months": "2021-03-01", "@2026-01-31 + 1 month": "2026-02-28", "@2024-02-29 + 1 year": "2025-02-28",
		"@2026-01-01T13:00:00 + 30 minutes": "2026-01-01T13:30:00", "@1973-12-25T00:00:00.000+10:00 + 42.53 seconds": "1973-12-25T00:00:42.530+10:00",
		"@T23:30:00 + 1 hour": "00:30:00", "@T01:00:00 + 48 hour": "01:00:00", "@T00:30:00 - 1 hour": "23:30:00", "@T01:00:00 + 1 day": "error", "@2026-01-01 + 1 hour": "error",
		"@2014 + 24 months": "2016", "@2014 + 23 months": "2015", "@2016 + 365 days": "2017", "@2014 + 11 months": "2014", "@2026-02 + 5 weeks": "2026-03", "@2026-02 + 4 weeks": "2026-02",
		"@2014 - 24 months": "2012", "@2014 - 1 month": "2014", "@2026-02 - 1 day": "2026-02", "@9999-12-31 + 1 day": "error", "@0001-01-01 - 1 month": "error", "@2024-01-01 + 1 'a'": "error", "@2024-01-01 + 1 'cm'": "error",
		"now()": "2026-02-25T14:31:39.096+11:00", "today()": "2026-02-25", "timeOfDay()": "14:31:39.096", "now() = now()": "true",
		"@2012-01-01T12:30:40.002-07:00.secondOf()": "40", "@2012-01-01T12:30:00.002-07:00.millisecondOf()": "2", "@2012-01-01T12:30:00.000-07:00.timezoneOffsetOf()": "-7.0",
		"@2012-01-01T12:30:00.000+08:45.timezoneOffsetOf()": "8.75", "@2012-01-01T12:30:00.000-07:00.dateOf()": "2012-01-01", "@2012-01-01T12:30:00.000-07:00.timeOf()": "12:30:00.000",
		"@2012.monthOf()": "", "birthDate.yearOf()": "1815", "@T10:30.hourOf()": "10", "@T10:30.yearOf()": "",
		"@2025-01-02.duration(@2025-01-07, 'week')": "0", "@2025-01-01.duration(@2025-09-01, 'year')": "0", "@2024-02-29.duration(@2025-02-28, 'year')": "1", "@2025-09-01.duration(@2024-09-01, 'month')": "-12",
		"@2025-01-02.difference(@2025-01-07, 'week')": "1", "@2024-12-01.difference(@2025-09-01, 'year')": "1", "@T10:59.difference(@T11:00, 'hour')": "1", "@2025.duration(@2026, 'day')": "", "@2025.duration(@2026, 'hour')": "error",
		"@2024.lowBoundary()": "2024-01-01", "@2024-02.highBoundary()": "2024-02-29", "@T10.highBoundary()": "10:59:59.999", "@2014-01-01T08:05+08:00.highBoundary(12)": "2014-01-01T08:05+08:00", "100.precision()": "0", "1.lowBoundary('a')": "error", "'a'.lowBoundary()": "error",
	},
	"Types": {
		"(1 | 'a' | @2012).type().name": "Integer,String,Date", "name.first().type().baseType": "FHIR.Element", "birthDate.type().namespace": "FHIR", "type().baseType": "FHIR.DomainResource",
		"1 is System.Integer": "true", "1 is Quantity": "false", "1 'mg' is Quantity": "true", "$this is DomainResource": "true", "$this is Resource": "true", "birthDate is Element": "true",
		"active is Boolean": "false", "active as boolean": "true", "name as HumanName": "error", "name.is(HumanName)": "error", "1 is Unicorn": "error", "gender is code": "",
		"@2012 is Date": "true", "@2012T is DateTime": "true", "1L is Long": "true", "contact is BackboneElement": "",
	},
	"Utility": {
		"name.given.defineVariable('g').select(%g.count())":        "3,3,3",
		"defineVariable('a', 1).defineVariable('a', 2)":            "error",
		"defineVariable('context')":                                "error",
		"defineVariable('a', 1).select(%a) | 2":                    "1,2",
		"(defineVariable('a', 1) | %a).count()":                    "error",
		"name.select(defineVariable('n').given.select(%n.family))": "Lovelace,Lovelace",
		"%nothing":  "error",
		"%`us-zip`": "[0-9]{5}(-[0-9]{4}){0,1}",
		"%'ext-a'":  "http://hl7.org/fhir/StructureDefinition/a",
		"%resource.id & %context.id & %rootResource.id": "aaa",
		"name[1].given[0].pathname()":                   "Patient.name[1].given[0]",
		"birthDate.pathname()":                          "Patient.birthDate[0]", "birthDate.pathname(true)": "Patient.birthDate", "'a'.pathname()": "",
		"name.given.trace('x', $this & '!').count()": "3",
		"1 is Integer and 'a' in ('a' | 'b')":        "true",
		"('a' | 'b') contains 'c'":                   "false",
		"{} in (1 | 2)":                              "",
		"name.`given`.first()":                       "Ada",
		"name.given[1 + 1]":                          "Ada",
		"name[5]":                                    "", "name[-1]": "", "name['a']": "error",
		"true xor {}": "", "{} implies true": "true", "false implies 1/0": "true", "true and 1": "true",
	},
	"FHIR": {
		"deceased":                  "1852-11-27",
		"deceasedDateTime":          "",
		"deceased.ofType(dateTime)": "1852-11-27",
		"birthDate.hasValue()":      "true", "name.hasValue()": "false", "gender.hasValue()": "false", "name.given.hasValue()": "false", "birthDate.getValue() is System.Date": "true",
		"Patient.birthDate": "1815-12-10", "DomainResource.id": "a", "Resource.id": "a", "Observation.id": "",
		"checkModifiers().id": "a", "name.first().checkModifiers('http://x').family": "Lovelace",
		"text.div.htmlChecks()": "", "name.first().htmlChecks()": "error",
		"'Patient/b'.resolve()": "", "extension('http://x')": "",
	},
	"Syntax": {
		"": "error", "1 +": "error", "(1": "error", "name.": "error", "name..given": "error", "name given": "error", "'abc": "error", "'\\q'": "error", "@2012-13-01": "error", "@T24:00": "error",
		"1 and": "error", "foo()": "error", "exists(1, 2)": "error", "where()": "error", "$foo": "error", "%": "error", "2147483648": "error", "name.given()": "error", "{1}": "error", "a ? b": "error",
		"1 // comment": "1", "/* a */ 2 /* b */": "2", "1 /* no end": "error", "name.text.div": "", "'a'.contains('a')": "true", "contains": "", "as": "", "is(Patient)": "true", "true.not()": "false",
		"Patient { id: 'x' }": "error", "007": "7", "1.50": "1.50", "5 'mg'": "5 'mg'", "1 weeks": "1 weeks", "name.exists() = true": "true", "-1.abs()": "-1", "(-1).abs()": "1", "1 | 1 | 2": "1,2",
	},
}
