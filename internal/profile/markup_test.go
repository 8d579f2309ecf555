package profile_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

func TestActiveMarkup(t *testing.T) {
	v := profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{})})
	for text, bad := range map[string]bool{
		"<script>x</script>": true, "a <IFRAME src=x>": true, "<svg/onload=x>": true,
		"Hb < 7 and > 5": false, "<b>bold</b>": false, "a<b and c>d": false, "<scripture>": false, "<script": false, "": false,
	} {
		src := `{"resourceType":"Patient","name":[{"family":"x","text":"` + text + `"}]}`
		if text == "" {
			src = `{"resourceType":"Patient"}`
		}
		res, err := fhir.Parse([]byte(src))
		check(t, err)
		r := validate(t, v, res)
		if r.OK() == bad {
			t.Errorf("%q: %v", text, found(r, "error"))
		}
		if bad && (!strings.Contains(r.Issues[0].Path, "Patient.name[0].text") || strings.Contains(r.Issues[0].Text, text)) {
			t.Errorf("%q: %+v", text, r.Issues[0])
		}
	}
}
