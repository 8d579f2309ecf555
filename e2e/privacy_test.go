package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// minor is a patient of the demo whose mother acts for her.
const minor = "p019"

// leave signs whoever is there out.
func (w *ward) leave() {
	w.t.Helper()
	w.b.Complaints()
	w.do(chromedp.Click(`form[action="/sign-out"] button`), chromedp.WaitVisible("#user"))
}

// press chooses or types by the keyboard alone, and sends the form.
func (w *ward) press(button string, pairs ...string) {
	w.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		w.do(chromedp.SendKeys(pairs[i], pairs[i+1]))
	}
	w.do(chromedp.SendKeys(button, "\r"))
}

// sees opens a page and says whether it is there.
func (w *ward) sees(path string) bool {
	w.t.Helper()
	w.do(chromedp.Navigate(w.s.base+path), chromedp.WaitVisible("h1"))
	return w.text("#gate-title") != "There is nothing here"
}

// TestPrivacyInBrowser is a patient who asks that a nurse sees nothing of her record, the
// officer who agrees, and the nurse before and after; and results that she does not want
// to see yet.
func TestPrivacyInBrowser(t *testing.T) {
	w := openWard(t, "12")
	chart := "/chart/" + critical
	nurse := w.beside()
	nurse.signIn("nurse")
	if !nurse.sees(chart) {
		t.Fatal("the nurse does not see the chart to begin with")
	}
	for _, path := range []string{chart + "/privacy", "/restrictions"} {
		nurse.open(path, "#gate-title")
		if got := nurse.text("#gate-title"); got != "This is not for you" {
			t.Errorf("a nurse at %s: %q", path, got)
		}
	}

	patient := w.beside()
	if _, err := patient.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	patient.comes("p.own", "--role", "patient", "--patient", critical)
	patient.open(chart+"/privacy", "#ask-title")
	if got := patient.text("main"); !strings.Contains(got, "Nothing is restricted") || !strings.Contains(got, "you see results as soon as they are filed") {
		t.Errorf("to begin with: %q", got)
	}
	patient.accessible("privacy")
	patient.look("privacy-begin")
	patient.do(chromedp.SendKeys("#what", "Everything"), chromedp.SendKeys("#who", "Daniel"))
	patient.open("/", "#q")
	patient.open(chart+"/privacy", "[data-kept]")
	if got := evaluate[string](patient, `document.querySelector("#who").selectedOptions[0].text + "/" + document.querySelector("#what").value`); !strings.HasPrefix(got, "Daniel Reyes") || !strings.HasSuffix(got, "/everything") {
		t.Errorf("what was chosen came back as %q", got)
	}
	patient.look("privacy-draft")
	patient.press(`form[action$="/privacy"] .primary`)
	patient.do(chromedp.WaitVisible("#waiting-title"))
	if patient.holds("data-kept") {
		t.Error("the draft outlives its sending")
	}
	patient.press(`form[action$="/privacy"] .primary`, "#what", "Mental", "#who", "Billing")
	patient.until(`document.querySelectorAll("#waiting-title ~ ul li").length == 2`)
	patient.accessible("privacy that waits")
	patient.look("privacy-waiting")

	if !nurse.sees(chart) {
		t.Error("what was not agreed to shuts the nurse out")
	}
	w.signIn("privacy")
	w.do(chromedp.Click(`a[href="/restrictions"]`), chromedp.WaitVisible("table.people"))
	w.accessible("restrictions")
	w.look("restrictions")
	if got := w.text("main"); !strings.Contains(got, "Daniel Reyes may not see: everything in the record") || !strings.Contains(got, "Astrid Lind") || strings.Contains(strings.ToUpper(got), strings.ToUpper(familyOf(w.s, critical))) {
		t.Errorf("the officer reads %q", got)
	}
	answer := func(which, how, words, until string) {
		t.Helper()
		w.open("/restrictions", "table.people")
		at := evaluate[string](w, fmt.Sprintf(`[...document.querySelectorAll("table.people th a")].find(a => a.innerText.includes(%q)).getAttribute("href")`, which))
		w.open(at, "#answer-title")
		w.do(chromedp.Click(fmt.Sprintf(`input[value=%q]`, how)))
		w.press(`form[action^="/restrictions/"] .primary`, "#words", words+" ")
		w.until(until)
	}
	answer("mental health", "rejected", "", `document.querySelector("#error") != null`)
	w.accessible("answer")
	w.b.Complaints() // of the 400
	w.look("restriction-answer")
	answer("mental health", "rejected", "Your insurer pays for it.", `location.pathname == "/restrictions"`)
	answer("everything in the record", "active", "", `location.pathname == "/restrictions"`)
	if got := w.text("main"); strings.Contains(got, "Daniel Reyes") {
		t.Errorf("answered, the list says %q", got)
	}
	w.open("/restrictions?show=active", "table.people")
	w.look("restrictions-active")
	table := evaluate[string](w, `fetch("/restrictions.csv?show=active").then(r => r.text())`)
	if !strings.Contains(table, critical) || !strings.Contains(table, "Daniel Reyes") || !strings.Contains(table, "Incomplete at") {
		t.Errorf("the table is %q", table)
	}
	w.open(chart, "#gate-title") // a chart is nothing of hers
	w.leave()
	if nurse.sees(chart) {
		t.Error("the nurse sees what is kept from her")
	}
	w.signIn("doctor")
	if !w.sees(chart) {
		t.Error("the doctor is shut out as well")
	}

	patient.open(chart+"/privacy", "#refused-title")
	if got := patient.text("main"); !strings.Contains(got, "The privacy office says: Your insurer pays for it.") || !strings.Contains(got, "Daniel Reyes may not see: everything in the record") {
		t.Errorf("answered, the patient reads %q", got)
	}
	patient.press(`form[action$="/results"] .primary`, "#kind", "Laboratory")
	patient.do(chromedp.WaitVisible(`#holds-title ~ ul button`))
	patient.accessible("privacy with all")
	patient.look("privacy-answered")
	patient.open(chart+"/results", "h1")
	if got := patient.text("main"); strings.Contains(got, "Act now") || !strings.Contains(got, "Other latest results") {
		t.Errorf("held, she reads %.200q", got)
	}
	patient.look("results-held")
	patient.open(chart+"/privacy", "#holds-title ~ ul button")
	patient.press("#holds-title ~ ul button")
	patient.do(chromedp.WaitNotPresent("#holds-title ~ ul"), chromedp.WaitVisible("#holds-title"))
	patient.open(chart+"/results", "h1")
	if got := patient.text("main"); !strings.Contains(got, "Act now") {
		t.Errorf("ended, she reads %.200q", got)
	}
	patient.open(chart+"/privacy", "#denials-title ~ ul button")
	patient.press("#denials-title ~ ul button")
	patient.do(chromedp.WaitNotPresent("#denials-title ~ ul"), chromedp.WaitVisible("#denials-title"))
	if !nurse.sees(chart) {
		t.Error("ended, it still shuts the nurse out")
	}
}

// TestKeptBackInBrowser is a doctor who keeps a document from a patient, who is told
// that something is kept, and no more; and a visit that is paid in full.
func TestKeptBackInBrowser(t *testing.T) {
	w := openWard(t, "12")
	chart := "/chart/" + critical
	patient := w.beside()
	if _, err := patient.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	patient.comes("p.own", "--role", "patient", "--patient", critical)
	patient.open(chart+"/documents", ".lines a")
	document := evaluate[string](patient, `document.querySelector(".lines a").getAttribute("href")`)
	if patient.holds("Keep from the patient") || patient.holds("kept back") || !patient.sees(document) {
		t.Fatal("the patient does not see the document to begin with")
	}

	w.signIn("doctor")
	w.open(document, `a[href*="/keep/"]`)
	w.do(chromedp.Click(`a[href*="/keep/"]`), chromedp.WaitVisible("#words"))
	keep := w.path()
	w.accessible("decision")
	w.look("decision")
	w.do(chromedp.Click(`input[value="life"]`), chromedp.SendKeys("#words", "She said that she would harm herself."))
	w.open("/", "#q")
	w.open(keep, "[data-kept]")
	if got := evaluate[string](w, `document.querySelector("#words").value`); got != "She said that she would harm herself." {
		t.Errorf("the words came back as %q", got)
	}
	w.press("form.act .primary", "#days", "3 days")
	w.do(chromedp.WaitVisible("#mine-title"))
	if got := w.text("main"); !strings.Contains(got, "Ends soon") || !strings.Contains(got, "endanger somebody") {
		t.Errorf("the doctor's list says %q", got)
	}
	w.accessible("decisions")
	w.look("decisions")
	w.open(document, "h1")
	if got := w.text("#gate-title"); got != "" {
		t.Errorf("the doctor loses what she keeps: %q", got)
	}
	other := w.beside()
	other.signIn("nurse")
	other.open("/decisions", "#gate-title")
	other.open(keep, "#gate-title")
	other.leave()

	if patient.sees(document) {
		t.Error("the patient sees what is kept")
	}
	patient.b.Complaints() // of the 404
	patient.open(chart+"/privacy", "#ask-title")
	if got := patient.text("body"); !strings.Contains(got, "something is kept back here until") || strings.Contains(got, "harm herself") {
		t.Errorf("the patient reads %q", got)
	}
	patient.look("privacy-kept")
	other.signIn("privacy")
	other.open("/restrictions?show=active&kind=harm", "table.people")
	other.do(chromedp.Click("table.people th a"), chromedp.WaitVisible("#what-title"))
	if got := other.text("main"); !strings.Contains(got, "harm herself") || !strings.Contains(got, "Amara Okafor") || other.holds("answer-title") {
		t.Errorf("the officer reads %q", got)
	}
	other.accessible("restriction")
	other.look("restriction-harm")
	other.leave()
	w.open("/decisions", "#mine-title")
	w.press("#mine-title ~ ul button")
	w.do(chromedp.WaitNotPresent("#mine-title"))
	if !patient.sees(document) {
		t.Error("ended, it is still kept")
	}
	other.paid(chart)
}

// paid is billing at a visit that the patient has paid for in full.
func (w *ward) paid(chart string) {
	w.t.Helper()
	w.signIn("billing")
	w.open(chart, "#banner")
	if got := w.text("#banner"); !strings.Contains(got, "They are not shown to your role") || strings.Contains(got, "could not be loaded") {
		w.t.Errorf("the banner of a clerk says %q", got)
	}
	if got := w.path(); got != chart+"/visits" {
		w.t.Errorf("a chart opens for billing at %s", got)
	}
	w.look("billing")
	visits := func() int {
		w.open(chart+"/visits", "h1")
		return evaluate[int](w, `document.querySelectorAll("[aria-label=Visits] li").length`)
	}
	before := visits()
	w.open(chart+"/paid", "#new-title")
	w.accessible("paid")
	w.look("paid-begin")
	w.do(chromedp.Click("input[name=paid]"))
	w.press("form.act .primary", "#item", "Visit")
	w.do(chromedp.WaitVisible("#paid-title ~ ul"))
	if got := w.text("main"); !strings.Contains(got, "Visit of ") || w.holds(`name="id"`) {
		w.t.Errorf("billing reads %q", got)
	}
	w.accessible("paid and recorded")
	w.look("paid")
	if after := visits(); before < 2 || after != before-1 {
		w.t.Errorf("%d visits, then %d", before, after)
	}
	w.open(chart+"/privacy", "#gate-title")
	w.leave()
	w.signIn("registration")
	w.opensFor(chart+"/paid", "#paid-title ~ ul button")
	w.look("paid-desk")
	w.press("#paid-title ~ ul button")
	w.do(chromedp.WaitNotPresent("#paid-title ~ ul"))
	w.look("overview-desk")
}

// TestRequestsOfMinorsInBrowser is a mother who acts for her daughter: she reads what was
// recorded for her, and nothing of what the daughter asked for herself.
func TestRequestsOfMinorsInBrowser(t *testing.T) {
	w := openWard(t, "20")
	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.comes("p.mother", "--role", "proxy")
	id := strings.TrimSpace(strings.Split(must(t, "user", "list", "--dir", w.s.dir, "--json"), "p.mother")[0])
	id = id[strings.LastIndex(id, `"id"`):]
	id = strings.Split(id, `"`)[3]
	all := w.s.client("system/*.cruds")
	got := all.do(http.MethodGet, "/fhir/RelatedPerson/"+minor+"-proxy", nil)
	text := strings.Replace(string(got.body), `"active":true`, `"active":true,"identifier":[{"system":"urn:wardkeep:account","value":"`+id+`"}]`, 1)
	if got := all.do(http.MethodPut, "/fhir/RelatedPerson/"+minor+"-proxy", strings.NewReader(text)); got.status != http.StatusOK {
		t.Fatalf("%d %.300s", got.status, got.body)
	}
	asked := `{"resourceType":"Consent","status":"proposed","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"urn:wardkeep:request","code":"restriction"}]}],` +
		`"patient":{"reference":"Patient/` + minor + `"},"performer":[{"reference":"Patient/` + minor + `"}],"dateTime":"2026-01-01","policyRule":{"text":"x"},"provision":{"type":"deny","securityLabel":[{"system":"urn:wardkeep:kind","code":"reproductive"}]}}`
	if got := all.do(http.MethodPost, "/fhir/Consent", strings.NewReader(asked)); got.status != http.StatusCreated {
		t.Fatalf("%d %.300s", got.status, got.body)
	}
	w.open("/chart/"+minor+"/privacy", "#denials-title")
	page := w.text("main")
	if !strings.Contains(page, "may not see: everything in the record") {
		t.Errorf("the mother does not read what keeps the father out: %q", page)
	}
	if strings.Contains(page, "contraception") || strings.Contains(page, "not answered") || w.holds("<select") {
		t.Errorf("the mother reads %q", page)
	}
	w.accessible("privacy of a minor")
	w.look("privacy-proxy")
}
