package xml_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/xml"
)

func TestToJSON(t *testing.T) {
	const src = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<Patient xmlns="http://hl7.org/fhir">
  <id value="a"/>
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">A &lt; B<br/></div></text>
  <contained><Organization><id value="o"/><name value="O &amp; P"/></Organization></contained>
  <active value="true"/>
  <name><given value="Ada"/><given id="g"><extension url="http://x"><valueDecimal value="1.00"/></extension></given></name>
  <birthDate value="1815-12-10"><extension url="http://y"><valueDateTime value="1815-12-10T05:00:00Z"/></extension></birthDate>
  <multipleBirthInteger value="2"/>
  <managingOrganization id="m"><reference value="#o"/></managingOrganization>
</Patient>`
	const want = `{"resourceType":"Patient","id":"a",` +
		`"text":{"status":"generated","div":"\u003cdiv xmlns=\"http://www.w3.org/1999/xhtml\"\u003eA \u0026lt; B\u003cbr/\u003e\u003c/div\u003e"},` +
		`"contained":[{"resourceType":"Organization","id":"o","name":"O \u0026 P"}],"active":true,` +
		`"name":[{"given":["Ada",null],"_given":[null,{"id":"g","extension":[{"url":"http://x","valueDecimal":1.00}]}]}],` +
		`"birthDate":"1815-12-10","_birthDate":{"extension":[{"url":"http://y","valueDateTime":"1815-12-10T05:00:00Z"}]},` +
		`"multipleBirthInteger":2,"managingOrganization":{"id":"m","reference":"#o"}}`
	got, err := xml.ToJSON([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := fhir.Parse(got); err != nil {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	const head = `<Patient xmlns="http://hl7.org/fhir">`
	for name, src := range map[string]string{
		"document type":     `<!DOCTYPE x [<!ENTITY a "b">]>` + head + `</Patient>`,
		"entity":            head + `<language value="&a;"/></Patient>`,
		"instruction":       head + `<?php x ?></Patient>`,
		"charset":           `<?xml version="1.0" encoding="ISO-8859-1"?>` + head + `</Patient>`,
		"other namespace":   `<Patient xmlns="http://example.org"/>`,
		"no namespace":      `<Patient/>`,
		"no resource":       `<HumanName xmlns="http://hl7.org/fhir"/>`,
		"unknown element":   head + `<zodiac value="x"/></Patient>`,
		"base of a choice":  head + `<deceased value="true"/></Patient>`,
		"unknown attribute": head + `<active value="true" x="y"/></Patient>`,
		"value on complex":  head + `<name value="x"/></Patient>`,
		"id as element":     head + `<name><id value="x"/></name></Patient>`,
		"injected number":   head + `<multipleBirthInteger value='1,"active":true'/></Patient>`,
		"injected boolean":  head + `<active value='true,"x":1'/></Patient>`,
		"empty primitive":   head + `<active/></Patient>`,
		"text":              head + `Ada</Patient>`,
		"two roots":         head + `</Patient>` + head + `</Patient>`,
		"cut off":           head + `<name>`,
		"wrong end":         head + `</Person>`,
		"bare html":         head + `<text><status value="generated"/><div>x</div></text></Patient>`,
		"prefixed html":     head + `<text><status value="generated"/><h:div xmlns:h="http://www.w3.org/1999/xhtml">x</h:div></text></Patient>`,
		"two contained":     head + `<contained><Patient/><Patient/></contained></Patient>`,
		"deep":              head + strings.Repeat(`<extension url="a">`, 100) + strings.Repeat(`</extension>`, 100) + `</Patient>`,
		"nothing":           ``,
	} {
		got, err := xml.ToJSON([]byte(src))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, gives %s", name, err, got)
		}
	}
	if _, err := xml.ToJSON(make([]byte, 17<<20)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("large: %v", err)
	}
}

// TestNoValues shows that a fault does not quote the input.
func TestNoValues(t *testing.T) {
	_, err := xml.ToJSON([]byte(`<Patient xmlns="http://hl7.org/fhir"><Secret value="Lovelace`))
	if err == nil || strings.Contains(err.Error(), "Secret") || strings.Contains(err.Error(), "Lovelace") {
		t.Errorf("fault: %v", err)
	}
}

// TestExamples reads the published examples that are valid R4.
func TestExamples(t *testing.T) {
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, "fhirpath", "*example*.xml"))
	if err != nil || len(files) == 0 {
		t.Skip("no test data fhirpath: set WARDKEEP_TESTDATA")
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := xml.ToJSON(src)
		if err == nil {
			_, err = fhir.Parse(got)
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}

func FuzzToJSON(f *testing.F) {
	f.Add([]byte(`<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>`))
	f.Add([]byte(`<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text></Patient>`))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := xml.ToJSON(src)
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Errorf("no JSON: %s", got)
		}
	})
}
