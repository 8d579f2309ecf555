package portal_test

import (
	"flag"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

var update = flag.Bool("update", false, "write the golden files")

// visitor is a browser without scripts.
type visitor struct {
	t      *testing.T
	stage  *portaltest.Stage
	client *http.Client
}

func visit(t *testing.T, change ...func(*portaltest.Stage, *portal.Config)) *visitor {
	t.Helper()
	s, err := portaltest.NewStage(5*time.Minute, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return visitorOf(t, s)
}

// visitorOf is a browser of its own at a stage that is there.
func visitorOf(t *testing.T, s *portaltest.Stage) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := *s.Server.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{t, s, &client}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (v *visitor) do(method, path string, form url.Values, headers ...string) answer {
	v.t.Helper()
	req, err := http.NewRequest(method, v.stage.Server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (v *visitor) get(path string) answer { v.t.Helper(); return v.do("GET", path, nil) }
func (v *visitor) post(path string, pairs ...string) answer {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return v.do("POST", path, form)
}

func (v *visitor) signIn() *visitor {
	v.t.Helper()
	if a := v.post("/sign-in", "user", portaltest.User, "password", portaltest.Password); a.StatusCode != 303 {
		v.t.Fatalf("first step: %d", a.StatusCode)
	}
	if a := v.post("/sign-in/code", "code", "123 456"); a.StatusCode != 303 || a.Header.Get("Location") != "/" {
		v.t.Fatalf("second step: %d", a.StatusCode)
	}
	return v
}

func TestSignInTellsNothingApart(t *testing.T) {
	v := visit(t)
	wrongName := v.post("/sign-in", "user", "nobody", "password", portaltest.Password)
	wrongWord := v.post("/sign-in", "user", portaltest.User, "password", "guess")
	if wrongName.StatusCode != 401 || wrongName.StatusCode != wrongWord.StatusCode || wrongName.body != wrongWord.body {
		t.Errorf("a wrong name (%d) and a wrong password (%d) can be told apart", wrongName.StatusCode, wrongWord.StatusCode)
	}
	if strings.Contains(wrongName.body, "nobody") {
		t.Error("the page repeats what was typed")
	}
	if a := v.post("/sign-in", "user", "throttled", "password", "x"); a.StatusCode != 429 || !strings.Contains(a.body, "Too many attempts") {
		t.Errorf("throttled: %d", a.StatusCode)
	}
	if a := v.get("/sign-in/code"); a.StatusCode != 303 {
		t.Errorf("the second step without the first: %d", a.StatusCode)
	}
	v.post("/sign-in", "user", portaltest.User, "password", portaltest.Password)
	if a := v.post("/sign-in/code", "code", "000000"); a.StatusCode != 401 || !strings.Contains(a.body, "sign-in did not work") {
		t.Errorf("wrong code: %d", a.StatusCode)
	}
}

func TestCookies(t *testing.T) {
	v := visit(t)
	a := v.post("/sign-in", "user", portaltest.User, "password", portaltest.Password)
	b := v.post("/sign-in/code", "code", portaltest.Code)
	for _, line := range append(a.Header.Values("Set-Cookie"), b.Header.Values("Set-Cookie")...) {
		for _, want := range []string{"__Host-wk", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"} {
			if !strings.Contains(line, want) {
				t.Errorf("cookie lacks %s", want)
			}
		}
	}
}

// everywhere is every address that shows something of a patient.
func everywhere() []string {
	var all []string
	for _, p := range pages {
		if p.path != "/chart/nobody" {
			all = append(all, p.path)
		}
	}
	return append(all, "/chart/"+portaltest.Adaeze+"/documents/d-scan/file")
}

func TestNothingWithoutASession(t *testing.T) {
	v := visit(t)
	for _, path := range everywhere() {
		if a := v.get(path); a.StatusCode != 303 || a.Header.Get("Location") != "/sign-in" || strings.Contains(a.body, "OKONKWO") {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := v.post("/find", "q", "okonkwo"); a.StatusCode != 303 {
		t.Errorf("find: %d", a.StatusCode)
	}
	if n := len(v.stage.Chart.Views); n != 0 {
		t.Errorf("%d views were asked for", n)
	}
}

func TestLockedShowsNothing(t *testing.T) {
	v := visit(t).signIn()
	chart := "/chart/" + portaltest.Adaeze
	if a := v.post("/lock", "back", chart+"/results"); !regexp.MustCompile(`^/lock\?mark=[0-9a-f]{16}&back=` + chart + `/results$`).MatchString(a.Header.Get("Location")) {
		t.Fatalf("lock led to %q", a.Header.Get("Location"))
	}
	before := len(v.stage.Chart.Views)
	for _, path := range everywhere() {
		if a := v.get(path); a.StatusCode != 303 || !strings.HasPrefix(a.Header.Get("Location"), "/lock") {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	if a := v.do("GET", chart, nil, "Wk-Live", "1"); a.StatusCode != 401 || a.Header.Get("HX-Redirect") == "" || a.body != "" {
		t.Errorf("a page refreshing itself: %d", a.StatusCode)
	}
	if a := v.get("/lock?back=" + chart); strings.Contains(a.body, "OKONKWO") || !strings.Contains(a.body, "Joy Miller") {
		t.Error("the lock page shows the wrong things")
	}
	if len(v.stage.Chart.Views) != before {
		t.Error("a locked session reached the chart")
	}
	if a := v.post("/unlock", "password", "guess", "back", chart); a.StatusCode != 401 {
		t.Errorf("a wrong password unlocks: %d", a.StatusCode)
	}
	if a := v.post("/unlock", "password", portaltest.Password, "back", "https://elsewhere.example/"); a.Header.Get("Location") != "/" {
		t.Errorf("unlocking leads to %q", a.Header.Get("Location"))
	}
	if a := v.get(chart); a.StatusCode != 200 {
		t.Errorf("unlocked: %d", a.StatusCode)
	}
}

// TestRefreshingIsNoWork holds that a page that keeps itself up to date does not
// keep the session awake.
func TestRefreshingIsNoWork(t *testing.T) {
	v := visit(t).signIn()
	chart := "/chart/" + portaltest.Adaeze
	for range 5 {
		v.stage.Clock.Advance(50 * time.Second)
		if a := v.do("GET", chart, nil, "Wk-Live", "1"); a.StatusCode != 200 {
			t.Fatalf("live: %d", a.StatusCode)
		}
	}
	v.stage.Clock.Advance(50 * time.Second)
	if a := v.do("GET", chart, nil, "Wk-Live", "1"); a.StatusCode != 401 {
		t.Errorf("after five minutes without a hand: %d", a.StatusCode)
	}
}

func TestWorkKeepsAwake(t *testing.T) {
	v := visit(t).signIn()
	for range 10 {
		v.stage.Clock.Advance(4 * time.Minute)
		if a := v.post("/awake"); a.StatusCode != 204 {
			t.Fatalf("awake: %d", a.StatusCode)
		}
	}
	v.stage.Clock.Advance(5 * time.Minute)
	if a := v.get("/ward"); !strings.HasPrefix(a.Header.Get("Location"), "/lock") {
		t.Errorf("idle: %d", a.StatusCode)
	}
}

func TestSignOut(t *testing.T) {
	v := visit(t).signIn()
	v.post("/sign-out")
	if a := v.get("/ward"); a.Header.Get("Location") != "/sign-in" {
		t.Errorf("signed out: %d", a.StatusCode)
	}
}

var (
	titles = regexp.MustCompile(`<title>([^<]*)</title>`)
	links  = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	known  = regexp.MustCompile(`^(/|/ward|/find|/lock|/unlock|/theme|/sign-in|/sign-out|/assets/[\w.-]+|/icon/\w+|#\w+|/chart/[\w.-]+(/[\w.-]+){0,3})$`)
)

// TestNoPatientInTitlesAndAddresses goes through all pages: titles, links and
// the policy that lets no inline script or style run.
func TestNoPatientInTitlesAndAddresses(t *testing.T) {
	v := visit(t).signIn()
	for _, path := range everywhere() {
		a := v.get(path)
		if a.StatusCode != 200 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "base-uri 'none'; frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %q", path, csp)
		}
		if strings.HasSuffix(path, "/file") {
			continue
		}
		if title := titles.FindStringSubmatch(a.body); title == nil || !regexp.MustCompile(`^(Chart · \w+|Find a patient|My ward) · Wardkeep$`).MatchString(title[1]) {
			t.Errorf("%s: title %q", path, title)
		}
		for _, l := range links.FindAllStringSubmatch(a.body, -1) {
			if !known.MatchString(l[1]) {
				t.Errorf("%s: leads to %q", path, l[1])
			}
		}
		if !strings.Contains(a.body, "Synthetic") {
			t.Errorf("%s does not say that it is synthetic", path)
		}
	}
}

func TestDeniedAndUnknownLookAlike(t *testing.T) {
	v := visit(t).signIn()
	v.stage.Chart.Fail(portaltest.Quiet, "", fault.New(fault.NotFound, "test", ""))
	denied, unknown := v.get("/chart/"+portaltest.Quiet), v.get("/chart/nobody")
	if denied.StatusCode != 404 || unknown.StatusCode != 404 || strings.ReplaceAll(denied.body, portaltest.Quiet, "nobody") != unknown.body {
		t.Error("a hidden patient can be told from none")
	}
	v.stage.Chart.Fail(portaltest.Quiet, "", fault.New(fault.Unavailable, "test", ""))
	if a := v.get("/chart/" + portaltest.Quiet); a.StatusCode != 503 || !strings.Contains(a.body, "downtime pack") {
		t.Errorf("unavailable: %d", a.StatusCode)
	}
}

func TestCrossOriginIsRefused(t *testing.T) {
	v := visit(t).signIn()
	if a := v.do("POST", "/find", url.Values{"q": {"okonkwo"}}, "Sec-Fetch-Site", "cross-site"); a.StatusCode != 403 {
		t.Errorf("cross-site form: %d", a.StatusCode)
	}
}

func TestDocuments(t *testing.T) {
	v := visit(t).signIn()
	base := "/chart/" + portaltest.Adaeze + "/documents/"
	if a := v.get(base + "d-note"); !strings.Contains(a.body, "Potassium 6.1 mmol per L") {
		t.Error("a text is not shown")
	}
	if a := v.get(base + "d-scan/file"); a.Header.Get("Content-Type") != "image/png" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("image: %v", a.Header)
	}
	if a := v.get(base + "d-pdf/file"); a.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(a.body, "%PDF") {
		t.Errorf("PDF: %v", a.Header)
	}
	for _, name := range []string{"d-scan", "d-pdf"} {
		h := v.get(base + name + "/file").Header
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) || h.Get("Content-Disposition") != "inline; filename=document" {
				t.Errorf("%s without %s, or by a name: %v", name, want, h)
			}
		}
	}
	if a := v.get(base + "d-odd/file"); a.StatusCode != 404 {
		t.Errorf("an unknown format is sent: %d", a.StatusCode)
	}
	if a := v.get("/chart/" + portaltest.Quiet + "/documents/d-note"); a.StatusCode != 404 {
		t.Errorf("another patient's document is shown: %d", a.StatusCode)
	}
}

func TestPartsThatFailSaySo(t *testing.T) {
	v := visit(t).signIn()
	a := v.get("/chart/" + portaltest.Sealed)
	for _, want := range []string{"Allergies unavailable", "your role does not reach this part", "could not be loaded. It is not known"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, wrong := range []string{"No known allergies", "Allergies not recorded", "No medications recorded", "No laboratory results"} {
		if strings.Contains(a.body, wrong) {
			t.Errorf("the page says %q", wrong)
		}
	}
}

// TestNoWardIsNoFact: a stay may be kept from the reader, so that what is not found is not
// told as a fact.
func TestNoWardIsNoFact(t *testing.T) {
	page := visit(t).signIn().get("/chart/" + portaltest.Dead).body
	if !strings.Contains(page, "<dd>No ward known</dd>") || strings.Contains(page, "Not on a ward") {
		t.Error("the banner says more than is known")
	}
}

// TestGoldenPages keeps what nurses read under review.
func TestGoldenPages(t *testing.T) {
	v := visit(t).signIn()
	asset := regexp.MustCompile(`(?m)^<(link rel="stylesheet"|script).*\n`)
	for _, name := range []string{"overview", "results", "vitals", "medications", "allergies", "history"} {
		path := "/chart/" + portaltest.Adaeze
		if name != "overview" {
			path += "/" + name
		}
		got := asset.ReplaceAllString(v.get(path).body, "")
		file := filepath.Join("testdata", name+".golden.html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs; run with -update and read the difference", file)
		}
	}
}
