package fhirhttp_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// attachment is the JSON of one, of a PDF by its type.
func attachment(content string) string {
	return `{"contentType":"application/pdf","data":"` + base64.StdEncoding.EncodeToString([]byte(content)) + `"}`
}

// TestFilesAreWhatTheyAreSaidToBe: by whatever road a file comes, and wherever in a
// resource it is, its content is held against its type.
func TestFilesAreWhatTheyAreSaidToBe(t *testing.T) {
	const pdf, page = "%PDF-1.7\n%\xe2\xe3\n", "<html><script>alert(1)</script>%PDF-1.7"
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	report := func(file string) string {
		return `{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/ann"},"presentedForm":[{"contentType":"text/plain","data":"YQ=="},` + file + `]}`
	}
	binary := func(file string) string {
		return `{"resourceType":"Binary",` + file[1:]
	}
	for _, c := range []struct {
		place, typ string
		body       func(file string) string
	}{
		{"Binary.data", "Binary", binary},
		{"DiagnosticReport.presentedForm[1].data", "DiagnosticReport", report},
		{"DocumentReference.content[0].attachment.data", "DocumentReference", func(f string) string {
			return `{"resourceType":"DocumentReference","status":"current","content":[{"attachment":` + f + `}]}`
		}},
		{"Media.content.data", "Media", func(f string) string { return `{"resourceType":"Media","status":"completed","content":` + f + `}` }},
		{"Patient.photo[0].data", "Patient", func(f string) string { return `{"resourceType":"Patient","photo":[` + f + `]}` }},
		{"Communication.payload[0].content.data", "Communication", func(f string) string {
			return `{"resourceType":"Communication","status":"completed","payload":[{"contentAttachment":` + f + `}]}`
		}},
		{"Patient.extension[0].value.data", "Patient", func(f string) string {
			return `{"resourceType":"Patient","extension":[{"url":"https://example.org/x","valueAttachment":` + f + `}]}`
		}},
		{"Patient._birthDate.extension", "Patient", func(f string) string {
			return `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"https://example.org/x","valueAttachment":` + f + `}]}}`
		}},
		{"List.contained[0].data", "List", func(f string) string {
			return `{"resourceType":"List","status":"current","mode":"working","contained":[` + strings.Replace(binary(f), "{", `{"id":"c",`, 1) + `],"entry":[{"item":{"reference":"#c"}}]}`
		}},
		{"Bundle.entry[0].resource.data", "Bundle", func(f string) string {
			return `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + binary(f) + `}]}`
		}},
	} {
		r.do(201, "POST", "/"+c.typ, c.body(attachment(pdf)))
		text := r.do(422, "POST", "/"+c.typ, c.body(attachment(page))).Body.String()
		if place := `"expression":["` + c.place + `"]`; !strings.Contains(text, place) && c.place != "Patient._birthDate.extension" || strings.Contains(text, "alert") {
			t.Errorf("%s: %s", c.place, text)
		}
	}
	// Other roads.
	r.do(422, "POST", "/Binary", page, "Content-Type: application/pdf")
	r.do(422, "PUT", "/Binary/b", page, "Content-Type: Application/PDF; a=1")
	r.do(422, "POST", "/Binary", pdf, "Content-Type: image/png")
	r.do(422, "POST", "/Binary", `<Binary xmlns="http://hl7.org/fhir"><contentType value="image/png"/><data value="YQ=="/></Binary>`, sendXML)
	r.do(201, "POST", "/Binary", pdf, "Content-Type: application/pdf")
	r.do(201, "PUT", "/DiagnosticReport/d", strings.Replace(report(attachment(pdf)), "{", `{"id":"d",`, 1))
	r.do(422, "PUT", "/DiagnosticReport/d", strings.Replace(report(attachment(page)), "{", `{"id":"d",`, 1))
	r.do(422, "PATCH", "/DiagnosticReport/d", `[{"op":"replace","path":"/presentedForm/1/contentType","value":"image/png"}]`, "Content-Type: application/json-patch+json")
	r.do(200, "PATCH", "/DiagnosticReport/d", `[{"op":"replace","path":"/status","value":"amended"}]`, "Content-Type: application/json-patch+json")
	r.do(422, "POST", "", entries("transaction", entry("POST", "Binary", "", binary(attachment(page)), "")))
	r.do(200, "POST", "", entries("transaction", entry("POST", "Binary", "", binary(attachment(pdf)), "")))
	if text := r.do(200, "POST", "", entries("batch", entry("POST", "Binary", "", binary(attachment(page)), ""))).Body.String(); !strings.Contains(text, `"422`) {
		t.Errorf("in a batch: %s", text)
	}
	r.do(422, "POST", "/Patient", `{"resourceType":"Patient","photo":[{"contentType":"image/png","url":"Data:image/png;base64,AAAA"}]}`)
	r.do(201, "POST", "/Patient", `{"resourceType":"Patient","photo":[{"contentType":"image/png","url":"https://example.org/data:"}]}`)
}

func TestImportedFilesAreWhatTheyAreSaidToBe(t *testing.T) {
	line := func(id, content string) string {
		return `{"resourceType":"Binary","id":"` + id + `",` + attachment(content)[1:]
	}
	r, source := importing(t, texts(map[string]string{"/b": line("good", "%PDF-1.7") + "\n" + line("bad", "<html>%PDF-1.7") + "\n"}))
	r.jobs.Start(context.Background())
	stored, outcomes := r.imports(r.order("POST", "/$import", importOrder("Binary "+source+"/b"), "Content-Type: application/json"))
	if !slices.Equal(stored, []string{"Binary 1"}) || len(outcomes) != 1 || !strings.Contains(outcomes[0], "Binary.data") {
		t.Errorf("%v %v", stored, outcomes)
	}
	r.do(200, "GET", "/Binary/good", "")
	r.do(404, "GET", "/Binary/bad", "")
}
