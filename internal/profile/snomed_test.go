package profile

import (
	"strings"
	"testing"
)

// TestECL: expressions of every kind that the language has are taken, those that
// are none are not.
func TestECL(t *testing.T) {
	for _, good := range []string{
		"404684003", "404684003 |Clinical finding|", "*", "<< 404684003", "<404684003|Clinical finding|", ">! 404684003", "<<! 404684003", "!!> 404684003",
		"^ 700043003 |Example problem list|", "<< (^ 700043003)", "^ [referencedComponentId, mapTarget] 447562003", "^*",
		"< 19829001 AND < 301867009", "< 19829001 OR < 301867009 OR < 404684003", "(< 19829001 MINUS << 301867009) AND ^ 700043003", "<19829001,<301867009",
		"< 19829001: 116676008 = 79654002", "< 404684003 : 363698007 = << 39057004 , 116676008 = << 415582006",
		"< 404684003: {363698007 = << 39057004, 116676008 = << 415582006}, {363698007 = << 53085002}",
		"< 373873005: [1..3] 127489000 = < 105590001", "< 404684003: [1..*] {[0..1] 363698007 = *}", "< 91723000: R 363698007 = < 125605004",
		"< 373873005: 3264475007 >= #250, 774160008 = \"PANADOL\"", "< 373873005: 859999999102 = true",
		"<< 125605004 . 363698007", "< 19829001. < 47429007. 363698007",
		`< 64572001 {{ D term = "heart }} att", type = syn }}`, "<< 73211009 {{ +HISTORY-MOD }}", "< 64572001 {{ term = (\"a\" \"b\") }} {{ C active = 1 }}",
		"< 404684003: (363698007 = << 39057004 OR 116676008 = *) AND 246075003 = *", "< 404684003: (<< 47429007) = *", "descendantOf 404684003 /* all */",
		"LOINC#54486-6", "< 404684003: 363698007 != (< 39057004 AND < 53085002)", "ANY", "< 404684003:\n 363698007 = *",
	} {
		if badECL(good) {
			t.Errorf("refused: %s", good)
		}
	}
	for _, bad := range []string{
		"", "234234 << 234234", "<<", "< 404684003 AND", "AND 404684003", "(404684003", "404684003)", "< 404684003:", "< 404684003: 363698007", "< 404684003: 363698007 =",
		"404684003 |Clinical finding", "12345", "heart attack", "< 404684003: {363698007 = *", "404684003 404684003", "< 404684003 {{ term = \"x\" }", "^", "<<<< 404684003",
	} {
		if !badECL(bad) {
			t.Errorf("taken: %s", bad)
		}
	}
	// What would take too much work is not judged.
	for _, deep := range []string{strings.Repeat("(", 10_000), "404684003:" + strings.Repeat("(", 5_000) + "x"} {
		if badECL(deep) {
			t.Errorf("%d brackets were judged", len(deep))
		}
	}
}

func TestConceptIdentifiers(t *testing.T) {
	for _, good := range []string{
		"404684003", "138875005", "39695211000001102", "35901911000001104", "276885007", "900000000000207008", "16217701000119102", "322236009",
		"=== 404684003 : 363698007 = 39057004", "404684003 + 73211009", "404684003 |Clinical finding|",
	} {
		if badConcept(good) {
			t.Errorf("refused: %s", good)
		}
	}
	for _, bad := range []string{"1", "2", "404684004", "404684030", "048176007", "1000000000000000000", "heart", "2532532011", "12345"} {
		if !badConcept(bad) {
			t.Errorf("taken: %s", bad)
		}
	}
}
