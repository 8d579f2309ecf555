package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestEmergencyInBrowser is a nurse who treats a patient of another ward: from the
// refusal to the chart in three interactions, by a passkey; and the officer who is
// told of it at once and closes the review.
func TestEmergencyInBrowser(t *testing.T) {
	w := openWard(t, "12", "WARDKEEP_STEP_UP_LIFE=30s") // so that it need not wait five minutes
	officer := w.beside()
	officer.signIn("privacy")
	officer.open("/", "#q")
	if got := officer.text(".appbar nav"); !strings.Contains(got, "Emergencies") || strings.ContainsAny(got, "0123456789") {
		t.Errorf("before anything happened: %q", got)
	}

	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("a.lind", "nurse", "ward-maternity")
	mrn := mrnOf(w.s, critical)
	w.do(chromedp.SendKeys("#q", mrn), chromedp.WaitVisible("#found .whole button"))
	if got := w.text("#found"); !strings.Contains(got, "Nobody found whom you may see") {
		t.Errorf("she is refused: %q", got)
	}
	w.accessible("refused")
	w.look("refused")
	time.Sleep(31 * time.Second) // the sign-in is no fresh proof any more
	began := time.Now()
	w.do(chromedp.Click("#found .whole button"), chromedp.WaitVisible(".located"))
	if got := w.text(".located"); !strings.Contains(strings.ToUpper(got), strings.ToUpper(familyOf(w.s, critical))) || !strings.Contains(got, mrn) {
		t.Errorf("found: %q", got)
	}
	if !w.holds("data-for=\"session\"") {
		t.Error("she is not asked to prove who she is")
	}
	w.accessible("located")
	w.look("located")
	w.do(chromedp.Click(`button[value="treatment"]`), chromedp.WaitVisible(".emergency"))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("from the refusal to the chart took %s", took)
	}
	if got := w.path(); got != "/chart/"+critical {
		t.Fatalf("opened %s", got)
	}
	if got := w.text(".emergency"); !strings.Contains(got, "Emergency access") || !strings.Contains(got, "It is reviewed") {
		t.Errorf("the chart says %q", got)
	}
	w.accessible("emergency chart")
	w.look("emergency-chart")
	w.open("/chart/"+critical+"/results", ".emergency")

	officer.open("/", "#q")
	if got := officer.text(".appbar .waiting"); got != "1" {
		t.Errorf("the officer is told of %q", got)
	}
	officer.do(chromedp.Click(`.appbar a[href="/emergencies"]`), chromedp.WaitVisible(".people"))
	officer.accessible("reviews")
	officer.look("reviews")
	officer.do(chromedp.Click(".people a"), chromedp.WaitVisible("#finding-title"))
	if got := officer.text("main"); !strings.Contains(got, "Astrid Lind") || !strings.Contains(got, "I am treating this patient now") {
		t.Errorf("the review says %q", got)
	}
	if got := officer.text(".seen"); !strings.Contains(got, "chart: overview") || !strings.Contains(got, "chart: results") {
		t.Errorf("what she opened: %q", got)
	}
	officer.accessible("review")
	officer.look("review")
	officer.do(chromedp.Click(`input[value="justified"]`), chromedp.Submit("#text"), chromedp.WaitVisible(".error"))
	if got := officer.text(".error"); !strings.Contains(got, "still open") {
		t.Errorf("a review of a chart that is open: %q", got)
	}
	officer.b.Complaints() // the browser tells of the 409
	w.do(chromedp.Click(".emergency button"), chromedp.WaitVisible("#q"))
	officer.do(chromedp.Click(`input[value="justified"]`), chromedp.Submit("#text"), chromedp.WaitVisible(".empty"))
	if officer.holds(`class="waiting"`) {
		t.Error("a closed review waits")
	}
	w.open("/chart/"+critical, "#gate-title")
	w.b.Complaints() // the browser tells of the 404
	w.accessible("gate with a way")
	w.look("gate-emergency")
	w.do(chromedp.Click(`a[href="/emergency/`+critical+`"]`), chromedp.WaitVisible(".opening"))
	w.accessible("emergency")
	w.look("emergency")
	w.do(chromedp.Click(`button[value="other"]`), chromedp.WaitVisible(".opening > .error:not([hidden])"))
	if got := w.text(".opening > .error"); !strings.Contains(got, "Write in a few words") {
		t.Errorf("another reason without a note: %q", got)
	}
	w.b.Complaints() // and of the 400
	w.do(chromedp.SendKeys(".opening input[name=note]", "transport team"), chromedp.Click(`button[value="other"]`), chromedp.WaitVisible(".emergency"))

	officer.open("/locate", "#gate-title")
	if got := officer.text("#gate-title"); got != "This is not for you" {
		t.Errorf("the officer at the locator: %q", got)
	}
}

// TestShiftInBrowser is a charge nurse who puts a float nurse on her ward in two clicks,
// and ends it again; the float nurse's page follows.
func TestShiftInBrowser(t *testing.T) {
	w := openWard(t, "12")
	float := w.beside()
	float.signIn("c.oconnell") // of surgery
	float.open("/chart/"+critical, "#gate-title")
	float.b.Complaints() // the browser tells of the 404

	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("m.holt", "nurse,charge", "ward-medicine")
	w.open("/ward", "#ward-title")
	w.do(chromedp.Click(".shiftlink a"), chromedp.WaitVisible("#assign-title"))
	w.accessible("shift")
	w.look("shift")
	w.do(chromedp.Click(`button[aria-label^="O'Connell, Colm"]`))
	w.until(`document.querySelector("#here-title")?.parentElement.innerText.includes("O'Connell")`)
	w.look("shift-assigned")
	float.open("/chart/"+critical, "#banner")
	w.do(chromedp.Click(`button[aria-label="End now: O'Connell, Colm"]`))
	w.until(`document.querySelector("#here-title")?.parentElement.innerText.includes("Nobody besides")`)
	time.Sleep(time.Second)
	float.open("/chart/"+critical, "#gate-title")
	float.b.Complaints()

	float.open("/ward/ward-medicine/staff", "#gate-title")
	if got := float.text("#gate-title"); got != "This is not for you" {
		t.Errorf("a nurse at the staff of the shift: %q", got)
	}
	float.b.Complaints()
	w.open("/ward/ward-surgery/staff", "#gate-title")
	w.b.Complaints()
}

// joins adds somebody on the staff, who enrols with a passkey and signs in.
func (w *ward) joins(user, roles, wards string) {
	w.t.Helper()
	w.comes(user, "--role", roles, "--ward", wards)
}

// mrnOf asks the API for a patient's medical record number.
func mrnOf(s *server, patient string) string {
	s.t.Helper()
	got := s.client("system/Patient.rs").do(http.MethodGet, "/fhir/Patient/"+patient, nil)
	var p struct {
		Identifier []struct {
			Value string `json:"value"`
			Type  struct {
				Coding []struct {
					Code string `json:"code"`
				} `json:"coding"`
			} `json:"type"`
		} `json:"identifier"`
	}
	if err := json.Unmarshal(got.body, &p); err != nil {
		s.t.Fatal(err)
	}
	for _, id := range p.Identifier {
		if len(id.Type.Coding) > 0 && id.Type.Coding[0].Code == "MR" {
			return id.Value
		}
	}
	s.t.Fatalf("%s has no number (%d)", patient, got.status)
	return ""
}
