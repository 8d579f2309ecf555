package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// growth is an app on the browser build of npm fhirclient, on pages of another
// site.
type growth struct {
	*ward
	base string
	id   string
}

const (
	growthScope = "launch launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs?category=laboratory"
	pageHead    = `<!doctype html><title>Growth</title><link rel="icon" href="data:,"><script src="/fhir-client.js"></script><pre id="out"></pre><script>
const say = (what) => { const out = document.getElementById("out"); out.textContent = JSON.stringify(what); out.dataset.done = "yes"; };`
	launchPage = pageHead + `
const q = new URLSearchParams(location.search);
FHIR.oauth2.authorize({clientId: q.get("client") || localStorage.client, scope: q.get("scope") || localStorage.scope, iss: q.get("iss"), redirectUri: "/back.html", pkceMode: "required"})
  .catch(e => say({error: String(e)}));</script>`
	backPage = pageHead + `
FHIR.oauth2.ready().then(async (client) => {
  window.client = client;
  const status = (path) => client.request(path).then(() => 200, e => e.status || e.statusCode || String(e));
  const found = await client.request("Observation?_count=200");
  say({
    patient: client.patient.id, user: client.getFhirUser(), scope: client.state.tokenResponse.scope, name: (await client.patient.read()).id,
    observations: (found.entry || []).length, subjects: [...new Set((found.entry || []).map(e => e.resource.subject.reference))],
    patients: ((await client.request("Patient")).entry || []).map(e => e.resource.id),
    stated: await status({url: "Patient/" + client.patient.id, headers: {"X-Purpose-Of-Use": "PATSFTY"}}), otherWork: await status({url: "Patient/" + client.patient.id, headers: {"X-Purpose-Of-Use": "HPAYMT"}}),
    other: await status("Patient/` + elsewhere + `"), condition: await status("Condition?patient=" + client.patient.id), vital: ((await client.request("Observation?category=vital-signs")).entry || []).length,
    write: await client.create({resourceType: "Observation", status: "final", code: {text: "x"}, subject: {reference: "Patient/" + client.patient.id}}).then(() => 201, e => e.status || String(e)),
    refreshed: await client.refresh().then(s => s.tokenResponse.access_token.slice(0, 4), e => String(e)), after: await status("Patient/" + client.patient.id),
  });
}).catch(e => say({error: String(e)}));</script>`
)

// openGrowth serves the app and registers it.
func openGrowth(t *testing.T) *growth {
	t.Helper()
	library := filepath.Join("clients", "node_modules", "fhirclient", "build", "fhir-client.js")
	if _, err := os.Stat(library); err != nil {
		lacks(t, "the client libraries are missing; scripts/test-deps.sh installs them")
	}
	w := openWard(t, "60")
	pages := http.NewServeMux()
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, text)
		}
	}
	pages.HandleFunc("/launch.html", page(launchPage))
	pages.HandleFunc("/back.html", page(backPage))
	pages.HandleFunc("/fhir-client.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, library) })
	site := httptest.NewServer(pages) // on 127.0.0.1: another site than localhost
	t.Cleanup(site.Close)
	g := &growth{ward: w, base: site.URL}
	out := must(t, "client", "add", "--dir", w.s.dir, "--name", "Growth chart", "--public", "--redirect", site.URL+"/back.html",
		"--origin", site.URL, "--launch-url", site.URL+"/launch.html", "--scope", growthScope, "--json")
	var c struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.ID == "" {
		t.Fatal(err, out)
	}
	g.id = c.ID
	return g
}

// growthSeen is what the app tells.
type growthSeen struct {
	Error, Patient, User, Scope, Name, Refreshed string
	Observations, Other, Condition, Vital        int
	Write, After, Stated, OtherWork              int
	Subjects, Patients                           []string
}

// told waits for what the app tells.
func (g *growth) told() growthSeen {
	g.t.Helper()
	g.do(chromedp.WaitVisible("#out[data-done]"))
	var seen growthSeen
	if err := json.Unmarshal([]byte(g.text("#out")), &seen); err != nil {
		g.t.Fatal(err, g.text("#out"))
	}
	g.b.Complaints() // the browser tells of what was refused
	return seen
}

// begin opens the app by itself.
func (g *growth) begin(scope string) {
	g.t.Helper()
	g.do(chromedp.Navigate(g.base + "/launch.html?client=" + g.id + "&iss=" + g.s.base + "/fhir&scope=" + strings.ReplaceAll(scope, " ", "%20")))
}

// reads checks that the app has seen what it was let, and been refused the rest.
func (g *growth) reads(patient string) {
	g.t.Helper()
	seen := g.told()
	if seen.Error != "" || seen.Patient != patient || seen.Name != patient || !strings.HasPrefix(seen.User, "Practitioner/") && !strings.Contains(seen.User, "/fhir/Practitioner/") {
		g.t.Fatalf("%+v", seen)
	}
	if len(seen.Patients) != 1 || seen.Patients[0] != patient || seen.Observations == 0 || len(seen.Subjects) != 1 || seen.Subjects[0] != "Patient/"+patient || seen.Vital != 0 {
		g.t.Errorf("it sees %+v", seen)
	}
	if seen.Other != http.StatusNotFound || seen.Condition != http.StatusForbidden || seen.Write != http.StatusForbidden {
		g.t.Errorf("it is refused otherwise: %+v", seen)
	}
	if seen.Stated != http.StatusOK || seen.OtherWork != http.StatusForbidden {
		g.t.Errorf("what it says it is for: %+v", seen)
	}
	if seen.Refreshed != "wka_" || seen.After != http.StatusOK {
		g.t.Errorf("it does not go on: %+v", seen)
	}
}

// TestApps has an app of others started by itself and from a chart, in a real
// browser: it reads what it was granted, and is refused the rest.
func TestApps(t *testing.T) {
	g := openGrowth(t)
	g.standalone()
	g.fromChart()
	g.declines()
	g.ends()
}

func (g *growth) standalone() {
	g.t.Helper()
	g.begin(strings.TrimPrefix(growthScope, "launch "))
	g.do(chromedp.WaitVisible("#user"))
	g.signIn("nurse") // comes back to what the app asks
	if got := g.path(); !strings.HasPrefix(got, "/connect/") {
		g.t.Fatalf("after signing in: %s", got)
	}
	g.accessible("choose")
	g.look("choose")
	family := strings.ToLower(familyOf(g.s, critical))
	g.seek(family[:min(4, len(family))])
	g.do(chromedp.Click(`button[name=patient][value="`+critical+`"]`), chromedp.WaitVisible(`button[value="allow"]`))
	g.accessible("connect")
	g.look("connect")
	text := g.text("main")
	for _, want := range []string{"Growth chart", strings.TrimPrefix(g.base, "http://"), "See test results and measurements of this patient, only where category is laboratory", "Stay connected"} {
		if !strings.Contains(text, want) {
			g.t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	g.do(chromedp.Click(`button[value="allow"]`))
	g.reads(critical)
}

// seek sends the form by which a patient is found, and waits for the page that answers:
// elements of the page before it are gone then.
func (g *growth) seek(name string) {
	g.t.Helper()
	g.do(chromedp.SendKeys("#q", name), chromedp.Submit("#q"))
	g.until(`location.pathname.endsWith("/find") && document.readyState === "complete"`)
	g.do(chromedp.WaitVisible(`button[name=patient][value="` + critical + `"]`))
}

func (g *growth) fromChart() {
	g.t.Helper()
	g.do(chromedp.Evaluate[chromedp.Void](`localStorage.client = "` + g.id + `"; localStorage.scope = "` + growthScope + `"; sessionStorage.clear()`))
	g.open("/chart/"+critical+"/apps", "#banner")
	g.accessible("chart apps")
	g.look("chart-apps")
	g.do(chromedp.Click(".choice button"), chromedp.WaitVisible(`button[value="allow"]`))
	if got := g.text("main"); !strings.Contains(strings.ToUpper(got), strings.ToUpper(familyOf(g.s, critical))) {
		g.t.Errorf("the page does not say for whom: %s", got)
	}
	g.do(chromedp.Click(`button[value="allow"]`))
	g.reads(critical)
}

func (g *growth) declines() {
	g.t.Helper()
	g.do(chromedp.Evaluate[chromedp.Void](`sessionStorage.clear()`))
	g.begin("launch/patient patient/Patient.rs")
	g.do(chromedp.WaitVisible(`button[value="decline"]`), chromedp.Click(`button[value="decline"]`))
	if seen := g.told(); !strings.Contains(seen.Error, "declined") {
		g.t.Errorf("%+v", seen)
	}
}

// ends has the person see and end the app's access: a second later its token is
// dead, and so is its refresh token.
func (g *growth) ends() {
	g.t.Helper()
	const results = "patient/Observation.rs?category=laboratory"
	g.begin("launch/patient offline_access patient/Patient.rs " + results)
	g.do(chromedp.WaitVisible("#q"))
	g.seek(strings.ToLower(familyOf(g.s, critical)))
	g.do(chromedp.Click(`button[value="`+critical+`"]`), chromedp.WaitVisible(`button[value="allow"]`), chromedp.Click(`button[value="allow"]`))
	g.told()
	token := evaluate[string](g.ward, `window.client ? client.state.tokenResponse.access_token : ""`)
	if token == "" {
		g.t.Fatal("the app has no token")
	}
	a := &api{server: g.s, token: token}
	if got := a.do("GET", "/fhir/Patient/"+critical, nil); got.status != http.StatusOK {
		g.t.Fatal(got.status)
	}
	g.open("/apps", "#apps-title")
	g.accessible("apps")
	g.look("apps")
	if n := evaluate[int](g.ward, `document.querySelectorAll(".app").length`); n != 3 {
		g.t.Errorf("%d apps are listed", n)
	}
	// By keyboard she takes the results away, and leaves the rest.
	const search = "/fhir/Observation?category=laboratory&_count=1"
	if got := a.do("GET", search, nil); got.status != http.StatusOK {
		g.t.Fatalf("before: %d", got.status)
	}
	g.do(chromedp.Focus(`.app input[value="`+results+`"]`), chromedp.KeyEvent(" "), chromedp.Focus(`.app form[action$="/narrow"] button`), chromedp.KeyEvent(kb.Enter))
	g.until(`document.readyState === "complete" && !document.querySelector(".app").querySelector('input[value="` + results + `"]')`)
	if got := a.do("GET", search, nil); got.status != http.StatusForbidden {
		g.t.Errorf("what was taken away is read: %d", got.status)
	}
	if got := a.do("GET", "/fhir/Patient/"+critical, nil); got.status != http.StatusOK {
		g.t.Errorf("what was left is refused: %d", got.status)
	}
	const end = `.app form[action$="/end"] button`
	for n := 3; n > 0; n-- {
		g.do(chromedp.WaitVisible(end), chromedp.Click(end), chromedp.Sleep(300*time.Millisecond))
	}
	if n := evaluate[int](g.ward, `document.querySelectorAll(".app").length`); n != 0 {
		g.t.Errorf("%d apps are left", n)
	}
	time.Sleep(time.Second)
	if got := a.do("GET", "/fhir/Patient/"+critical, nil); got.status != http.StatusUnauthorized {
		g.t.Errorf("an ended app reads: %d", got.status)
	}
}
