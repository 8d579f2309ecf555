package xml_test

import (
	"errors"
	"fmt"
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
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A &lt; B<br/></div>"},` +
		`"contained":[{"resourceType":"Organization","id":"o","name":"O & P"}],"active":true,` +
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
		"nothing":           ``,
		"value twice":       head + `<active value="true" value="false"/></Patient>`,
		"element twice":     head + `<active value="true"/><active value="false"/></Patient>`,
		"prefix of nobody":  `<f:Patient/>`,
		"late declaration":  head + `<?xml version="1.0"?></Patient>`,
		"not UTF-8":         head + "<!-- \xff --></Patient>",
		"open comment":      head + `<!-- `,
		"open tag":          head + `<name`,
		"open attribute":    head + `<active value="true>`,
	} {
		got, err := xml.ToJSON([]byte(src))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, gives %s", name, err, got)
		}
	}
	// Parse refuses what has the form of JSON and not that of R4.
	for name, src := range map[string]string{
		"a list in pieces": head + `<name><family value="a"/></name><active value="true"/><name><family value="b"/></name></Patient>`,
		"two of a choice":  head + `<deceasedBoolean value="true"/><deceasedDateTime value="2020"/></Patient>`,
		"empty value":      head + `<language value=""/></Patient>`,
		"empty element":    head + `<name/></Patient>`,
	} {
		got, err := xml.ToJSON([]byte(src))
		if err == nil {
			_, err = fhir.Parse(got)
		}
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, gives %s", name, err, got)
		}
	}
}

// TestBounds: what would take much more memory or stack than it has bytes.
func TestBounds(t *testing.T) {
	const head = `<Patient xmlns="http://hl7.org/fhir">`
	div := `<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">` + strings.Repeat(`<b>`, 150) + strings.Repeat(`</b>`, 150) + `</div></text>`
	var names strings.Builder
	for i := range 100 {
		fmt.Fprintf(&names, ` xmlns:n%d='"'`, i)
	}
	for name, src := range map[string]string{
		"deep":       head + strings.Repeat(`<extension url="a">`, 100) + strings.Repeat(`</extension>`, 100) + `</Patient>`,
		"deep html":  head + div + `</Patient>`,
		"attributes": `<Patient xmlns="http://hl7.org/fhir"` + names.String() + `/>`,
		"hidden":     `<!-- ' --><![CDATA["]]><?xml "?><Patient` + names.String() + `/>`,
		"elements":   head + strings.Repeat(`<b/>`, 2<<20) + `</Patient>`,
		"long":       head + strings.Repeat(" ", 16<<20) + `</Patient>`,
		"longest":    `<Bundle xmlns="http://hl7.org/fhir">` + strings.Repeat(" ", 64<<20) + `</Bundle>`,
	} {
		if _, err := xml.ToJSON([]byte(src)); !fault.Is(err, fault.TooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhiteSpace: a line end in an attribute is a space, unless it is a reference.
func TestWhiteSpace(t *testing.T) {
	got, err := xml.ToJSON([]byte("<Patient xmlns='http://hl7.org/fhir'\n\txml:base=''/>"))
	if err == nil {
		t.Errorf("xml:base: %s", got)
	}
	got, err = xml.ToJSON([]byte("<Patient xmlns='http://hl7.org/fhir'><name><text\nvalue='a\r\nb\tc&#10;d&#x9;&lt;'/></name></Patient>"))
	if want := `{"resourceType":"Patient","name":[{"text":"a b c\nd\t<"}]}`; err != nil || string(got) != want {
		t.Errorf("%v: %s", err, got)
	}
}

// TestPlaces: a fault names line, column and element.
func TestPlaces(t *testing.T) {
	const src = "<Patient xmlns='http://hl7.org/fhir'>\n <name><given value='a'/></name>\n <name><given value='b'/><zodiac/></name></Patient>"
	_, err := xml.ToJSON([]byte(src))
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Issues) != 1 || f.Issues[0].Expression != "Patient.name[1]" || !strings.Contains(f.Issues[0].Text, "line 3, column 35") {
		t.Errorf("%+v", f)
	}
}

// TestNoValues shows that a fault does not quote the input.
func TestNoValues(t *testing.T) {
	_, err := xml.ToJSON([]byte(`<Patient xmlns="http://hl7.org/fhir"><Secret value="Lovelace`))
	if err == nil || strings.Contains(err.Error(), "Secret") || strings.Contains(err.Error(), "Lovelace") {
		t.Errorf("fault: %v", err)
	}
}
