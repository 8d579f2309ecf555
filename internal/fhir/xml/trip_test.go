package xml_test

import (
	"bytes"
	"compress/bzip2"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/xml"
)

func testdata(t *testing.T, pattern string) []string {
	t.Helper()
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(files) == 0 {
		t.Skipf("no test data %s: set WARDKEEP_TESTDATA", pattern)
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// plain is JSON without the order of members; numbers keep their digits. Line ends
// of narratives, and what stands around them, are those of XML.
func plain(t *testing.T, src []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(src)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, src)
	}
	narratives(v)
	return v
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func narratives(v any) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			narratives(child)
		}
	case map[string]any:
		for _, child := range v {
			narratives(child)
		}
		if div, ok := v["div"].(string); ok {
			v["div"] = strings.TrimSpace(lineEnds.Replace(div))
		}
	}
}

// tripped says what is wrong with the way of a resource to XML and back.
func tripped(t *testing.T, src []byte) string {
	t.Helper()
	for _, indent := range []bool{false, true} {
		there, err := xml.FromJSON(src, indent)
		if err != nil {
			return err.Error()
		}
		back, err := xml.ToJSON(there)
		if err != nil {
			return err.Error() + "\n" + string(there)
		}
		if !reflect.DeepEqual(plain(t, back), plain(t, src)) {
			return "another resource:\n" + string(src) + "\n" + string(there) + "\n" + string(back)
		}
		if _, err := fhir.Parse(back); err != nil {
			return string(fhir.Outcome(err))
		}
	}
	return ""
}

// TestExamplesRoundTrip: JSON, XML and JSON again are the same resource, for all
// that is R4 of the published examples and the validator's cases.
func TestExamplesRoundTrip(t *testing.T) {
	for pattern, least := range map[string]int{
		"r4-examples/*.json": 60, "validator-cases/*.json": 60, "fhirpath/*.json": 1,
	} {
		n := 0
		for _, name := range testdata(t, pattern) {
			res, err := fhir.Parse(read(t, name))
			if err != nil {
				continue // not R4: what the parser refuses is no matter of this test
			}
			n++
			if wrong := tripped(t, res.JSON()); wrong != "" {
				t.Errorf("%s: %.2000s", filepath.Base(name), wrong)
			}
		}
		t.Logf("%s: %d resources", pattern, n)
		if n < least {
			t.Errorf("%s: %d resources only", pattern, n)
		}
	}
}

// TestBundlesRoundTrip: the same for Bundles of thousands of records. All of them
// take a minute.
func TestBundlesRoundTrip(t *testing.T) {
	files := testdata(t, "synthea-120/*.bz2")
	if os.Getenv("WARDKEEP_PROVE") == "" {
		files = files[:min(4, len(files))]
	}
	entries := 0
	for _, name := range files {
		src, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(read(t, name))))
		if err != nil {
			t.Fatal(err)
		}
		entries += bytes.Count(src, []byte(`"fullUrl"`))
		if wrong := tripped(t, src); wrong != "" {
			t.Errorf("%s: %.2000s", filepath.Base(name), wrong)
		}
	}
	t.Logf("%d bundles, %d entries", len(files), entries)
	if entries < 1000 {
		t.Errorf("%d entries only", entries)
	}
}

// TestExamples reads the published examples that are valid R4, and compares them
// with their JSON where that is there. The XML is that of a suite, which altered
// some of it.
func TestExamples(t *testing.T) {
	twins, same := 0, 0
	for _, name := range testdata(t, filepath.Join("fhirpath", "*example*.xml")) {
		got, err := xml.ToJSON(read(t, name))
		if err == nil {
			_, err = fhir.Parse(got)
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		if wrong := tripped(t, got); wrong != "" {
			t.Errorf("%s: %.2000s", filepath.Base(name), wrong)
		}
		twin := filepath.Join(filepath.Dir(name), "..", "r4-examples", strings.TrimSuffix(filepath.Base(name), ".xml")+".json")
		if src, err := os.ReadFile(twin); err == nil {
			twins++
			if reflect.DeepEqual(plain(t, got), plain(t, src)) {
				same++
			}
		}
	}
	t.Logf("%d of %d are their twins", same, twins)
	if same < 3 {
		t.Errorf("%d of %d are their twins only", same, twins)
	}
}

func TestFromJSON(t *testing.T) {
	const src = `{"birthDate":"1815-12-10","name":[{"given":["Ada",null,"x"],"_given":[null,{"id":"g","extension":[{"valueDecimal":1.00,"url":"http://x"}]},null]}],` +
		`"contained":[{"resourceType":"Organization","name":"O & <P>\t\"\n","id":"o"}],"managingOrganization":{"reference":"#o","id":"m"},"resourceType":"Patient",` +
		`"_active":{"extension":[{"url":"http://y","valueBoolean":true}]},"text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a&nbsp;b&amp;c&#65;&nowhere;<br/></div>","status":"generated"},"id":"a"}`
	const want = `<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="a"/>` +
		`<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a&#160;b&amp;c&#65;&amp;nowhere;<br/></div></text>` +
		`<contained><Organization><id value="o"/><name value="O &amp; &lt;P&gt;&#9;&quot;&#10;"/></Organization></contained>` +
		`<active><extension url="http://y"><valueBoolean value="true"/></extension></active>` +
		`<name><given value="Ada"/><given id="g"><extension url="http://x"><valueDecimal value="1.00"/></extension></given><given value="x"/></name>` +
		`<birthDate value="1815-12-10"/><managingOrganization id="m"><reference value="#o"/></managingOrganization></Patient>`
	if _, err := fhir.Parse([]byte(src)); err != nil {
		t.Fatal(string(fhir.Outcome(err)))
	}
	got, err := xml.FromJSON([]byte(src), false)
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	for _, text := range []string{`\ufffe`, "\uffff"} {
		if _, err := xml.FromJSON([]byte(`{"resourceType":"Patient","name":[{"family":"`+text+`"}]}`), false); !errors.Is(err, xml.ErrCharacter) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTypeOf(t *testing.T) {
	for src, want := range map[string]string{
		"\uFEFF<?xml version='1.0'?><!-- a --><Binary xmlns='http://hl7.org/fhir'>": "Binary",
		"<Binary/>": "", "<html/>": "", "": "", "<!DOCTYPE a><Binary xmlns='http://hl7.org/fhir'/>": "",
		"<f:Patient xmlns:f='http://hl7.org/fhir'/>": "Patient",
	} {
		if got := xml.TypeOf([]byte(src)); got != want {
			t.Errorf("%q: %q", src, got)
		}
	}
}

// FuzzToJSON: what is read is JSON, and what is R4 of it comes back the same.
func FuzzToJSON(f *testing.F) {
	f.Add([]byte(`<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>`))
	f.Add([]byte(`<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text></Patient>`))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := xml.ToJSON(src)
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("no JSON: %s", got)
		}
		res, err := fhir.Parse(got)
		if err != nil {
			return
		}
		if wrong := tripped(t, res.JSON()); wrong != "" {
			t.Error(wrong)
		}
	})
}

// FuzzFromJSON: what the parser takes can be written, is well formed, and reads
// as the same.
func FuzzFromJSON(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>a&nbsp;<!-- & --></div>"}}`))
	f.Add([]byte(`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"x","valueString":"\u0085"}]}]}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := fhir.Parse(src); err != nil {
			return
		}
		there, err := xml.FromJSON(src, false)
		if errors.Is(err, xml.ErrCharacter) {
			return
		}
		if err != nil {
			t.Fatalf("%v: %s", err, src)
		}
		back, err := xml.ToJSON(there)
		if err != nil {
			t.Fatalf("%v: %s", err, there)
		}
		again, err := xml.FromJSON(back, false)
		if err != nil || string(again) != lineEnds.Replace(string(there)) { // those of a narrative
			t.Errorf("%v\n%s\n%s", err, there, again)
		}
	})
}

func BenchmarkXML(b *testing.B) {
	var json []byte
	for i := range 2000 {
		json = fmt.Appendf(json, `,{"resource":{"resourceType":"Observation","id":"o%d","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Body Height"}],"text":"Body Height"},"subject":{"reference":"Patient/a"},"effectiveDateTime":"2020-01-01T12:00:00Z","valueQuantity":{"value":171.50,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}}`, i)
	}
	json = append(append([]byte(`{"resourceType":"Bundle","type":"collection","entry":[`), json[1:]...), `]}`...)
	text, err := xml.FromJSON(json, false)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(json)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := xml.FromJSON(json, false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := xml.ToJSON(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
