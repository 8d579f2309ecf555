package portal_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// fakeConsents keeps what is recorded; who may is the chart's to decide.
type fakeConsents struct {
	recorded []*fhir.Resource
	settled  []string
	list     []*fhir.Resource
	queries  []string
	refuses  error
}

func (f *fakeConsents) Record(_ context.Context, _ identity.Actor, res *fhir.Resource) error {
	if f.refuses == nil {
		f.recorded = append(f.recorded, res)
	}
	return f.refuses
}

func (f *fakeConsents) Settle(_ context.Context, _ identity.Actor, id, from, to, words string) error {
	if f.refuses == nil {
		f.settled = append(f.settled, strings.Join([]string{id, from, to, words}, " "))
	}
	return f.refuses
}

func (f *fakeConsents) List(_ context.Context, _ identity.Actor, query, page string) ([]*fhir.Resource, string, error) {
	f.queries = append(f.queries, query)
	if page == "" {
		return f.list, "more", nil
	}
	return nil, "", nil
}

func (f *fakeConsents) Count(context.Context, identity.Actor, string) (int, error) { return 3, nil }

func (f *fakeConsents) Authors(_ context.Context, _ identity.Actor, ids []string) (map[string]string, error) {
	return map[string]string{ids[0]: "u9"}, nil
}

func (f *fakeConsents) Kinds() []string { return []string{"hiv", "mental"} }

func (f *fakeConsents) Lacks(res *fhir.Resource) string {
	if res.ID() == "lacking" {
		return "Consent.performer"
	}
	return ""
}

func (f *fakeConsents) Practitioners(context.Context, []string) (map[string]string, error) {
	return map[string]string{"u9": "prac-9"}, nil
}

func (f *fakeConsents) Names(context.Context, []string) (map[string]string, error) {
	return map[string]string{"u9": "=Rosa Delgado"}, nil
}

// as signs in somebody of roles, who is a patient or not.
func withConsents(f *fakeConsents, patient, practitioner string, roles ...string) func(*portaltest.Stage, *portal.Config) {
	return func(s *portaltest.Stage, cfg *portal.Config) {
		cfg.Consents, cfg.Accesses = f, &fakeAccesses{list: []portal.Access{{Actor: "u9", At: s.Clock.Now()}}}
		cfg.Accounts = roleAccounts{s.Accounts, roles, patient, practitioner}
	}
}

type roleAccounts struct {
	portal.Accounts
	roles                 []string
	patient, practitioner string
}

func (a roleAccounts) Session(ctx context.Context, token string, active bool) (portal.Session, error) {
	s, err := a.Accounts.Session(ctx, token, active)
	s.Actor.Roles, s.Actor.PatientID, s.Actor.PractitionerID = a.roles, a.patient, a.practitioner
	return s, err
}

func consentOf(id, status, system, code, performer, more string) *fhir.Resource {
	res, err := fhir.Parse([]byte(fmt.Sprintf(`{"resourceType":"Consent","id":%q,"status":%q,"scope":{"text":"x"},"category":[{"coding":[{"system":%q,"code":%q}]}],"patient":{"reference":"Patient/%s"},`+
		`"performer":[{"reference":%q}],"dateTime":"2026-03-01T10:00:00Z","policyRule":{"text":"Why it is so."},%s}`, id, status, system, code, portaltest.Adaeze, performer, more)))
	if err != nil {
		panic(err)
	}
	return res
}

const deniesKind = `"provision":{"type":"deny","actor":[{"role":{"text":"x"},"reference":{"reference":"Practitioner/p","display":"Dr Priya Raman"}}],"securityLabel":[{"system":"` + chart.KindSystem + `","code":"mental"}]}`

var mine = "Patient/" + portaltest.Adaeze

// privacyFixtures are one of each thing that the page tells of, and must not.
func privacyFixtures() []*fhir.Resource {
	return []*fhir.Resource{
		consentOf("c-on", "active", chart.RequestSystem, "restriction", mine, deniesKind),
		consentOf("c-office", "active", "urn:x", "y", "RelatedPerson/r", `"provision":{"type":"deny"}`),
		consentOf("c-wait", "proposed", chart.RequestSystem, "restriction", mine, `"provision":{"type":"deny","purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HPAYMT"}]}`),
		consentOf("c-no", "rejected", chart.RequestSystem, "restriction", mine, `"extension":[{"url":"`+chart.AnswerExtension+`","valueString":"We need it to treat you."}],`+deniesKind),
		consentOf("c-hold", "active", chart.HoldSystem, chart.HoldAsked, mine, `"provision":{"type":"deny","period":{"end":"2026-03-20"},"dataPeriod":{"start":"2026-01-01"},"class":[{"code":"Observation"},{"code":"DiagnosticReport"},{"code":"ImagingStudy"},{"code":"Media"}]}`),
		consentOf("c-over", "active", chart.HoldSystem, chart.HoldAsked, mine, `"provision":{"type":"deny","period":{"end":"2026-03-06"}}`),
		consentOf("c-harm", "active", chart.HoldSystem, chart.HoldHarm, "Practitioner/p", `"provision":{"type":"deny"}`),
		consentOf("c-more", "active", "urn:x", "y", mine, `"provision":{"type":"permit","actor":[{"role":{"text":"x"},"reference":{"reference":"RelatedPerson/r","display":"Uncle Obi"}}]}`),
	}
}

func TestPrivacyPage(t *testing.T) {
	f := &fakeConsents{}
	with := func(change func(*portaltest.Stage, *portal.Config)) *visitor {
		v := visit(t, change)
		for _, res := range privacyFixtures() {
			v.stage.Chart.Replace(res)
		}
		return v.signIn()
	}
	v := with(withConsents(f, portaltest.Adaeze, "", "patient"))
	base := "/chart/" + portaltest.Adaeze + "/privacy"
	page := v.get(base).body
	for _, want := range []string{
		"Dr Priya Raman</bdi> may not see: mental health", "Everybody</bdi> may not see: everything in the record", "Billing, and the insurer</bdi> may not see", "does not count until", "We need it to treat you.",
		"All test results and measurements, of tests taken since 1 January 2026", "until the end of 20 March 2026", "Uncle Obi</bdi> may see", `<option value="Practitioner/prac-9">=Rosa Delgado</option>`, `<option value="kind/hiv">HIV</option>`, `value="DocumentReference/d-note"`, "Ask the front desk to change it",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, wrong := range []string{"c-over", "c-harm", "Why it is so.", `name="id" value="c-office"`, `name="id" value="c-no"`} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page says %q", wrong)
		}
	}
	proxy := with(withConsents(f, "", "", "proxy"))
	if page := proxy.get(base).body; !strings.Contains(page, "mental health") || strings.Contains(page, "<select") || strings.Contains(page, `name="id"`) {
		t.Error("a proxy is offered what is the patient's to do")
	}
	if a := proxy.post(base, "what", "everything", "who", "HPAYMT"); a.StatusCode < 400 || len(f.recorded) != 0 {
		t.Errorf("a proxy asks: %d", a.StatusCode)
	}
	if a := with(withConsents(f, "", "", "nurse")).get(base); a.StatusCode != 403 {
		t.Errorf("a nurse: %d", a.StatusCode)
	}

	if a := v.post(base, "what", "kind/mental", "who", "Practitioner/prac-9"); a.Header.Get("Location") != base || len(f.recorded) != 1 {
		t.Fatalf("asking: %d", a.StatusCode)
	}
	got := string(f.recorded[0].JSON())
	for _, want := range []string{`"status":"proposed"`, `"Practitioner/prac-9"`, `"code":"mental"`, `"performer":[{"reference":"` + mine} {
		if !strings.Contains(got, want) {
			t.Errorf("recorded is %s", got)
		}
	}
	for _, bad := range [][]string{{"what", "", "who", "HPAYMT"}, {"what", "everything"}, {"what", "Patient/other", "who", "HPAYMT"}, {"what", "everything", "who", "Practitioner/stranger"}} {
		if a := v.post(base, bad...); a.StatusCode != 400 || !strings.Contains(a.body, "Choose what should not be shown") || len(f.recorded) != 1 {
			t.Errorf("%v: %d", bad, a.StatusCode)
		}
	}
	if a := v.post(base+"/results", "kind", "hiv", "since", "2026-01-01", "until", "2026-03-20"); a.Header.Get("Location") != base || len(f.recorded) != 2 || !strings.Contains(string(f.recorded[1].JSON()), `"dataPeriod":{"start":"2026-01-01"}`) {
		t.Errorf("a hold: %d", a.StatusCode)
	}
	for _, until := range []string{"", "2026-03-06", "2028-01-01", "soon"} {
		if a := v.post(base+"/results", "kind", "", "since", "2026-01-01", "until", until); a.StatusCode != 400 || len(f.recorded) != 2 {
			t.Errorf("until %q: %d", until, a.StatusCode)
		}
	}
	if a := v.post(base+"/end", "id", "c-hold", "status", "active"); a.Header.Get("Location") != base || !slices.Equal(f.settled, []string{"c-hold active inactive "}) {
		t.Errorf("ending: %d %v", a.StatusCode, f.settled)
	}
	if a := v.post(base+"/end", "id", "c-no", "status", "rejected"); a.StatusCode != 404 || len(f.settled) != 1 {
		t.Errorf("ending what was refused: %d", a.StatusCode)
	}
	f.refuses = fault.New(fault.Denied, "test", "Not yours.")
	if a := v.post(base+"/end", "id", "c-on", "status", "active"); a.StatusCode != 403 || !strings.Contains(a.body, "Not yours.") {
		t.Errorf("refused: %d", a.StatusCode)
	}
	if a := v.post(base, "what", "everything", "who", "HPAYMT"); a.StatusCode != 403 || !strings.Contains(a.body, "Not yours.") || !strings.Contains(a.body, `value="everything" selected`) {
		t.Errorf("refused, the form forgets: %d", a.StatusCode)
	}
}

func TestPaidInFullPage(t *testing.T) {
	f := &fakeConsents{}
	v := visit(t, withConsents(f, "", "", "billing"))
	v.stage.Chart.Replace(consentOf("c-paid", "active", chart.RequestSystem, chart.RequestPaid, mine, `"provision":{"type":"deny","purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HPAYMT"}],"data":[{"meaning":"related","reference":{"reference":"Encounter/e-gone","display":"Visit of 02-Mar-2026"}}]}`))
	v.signIn()
	base := "/chart/" + portaltest.Adaeze + "/paid"
	page := v.get(base).body
	if !strings.Contains(page, "Visit of 02-Mar-2026") || !strings.Contains(page, "Paid in full, not for the insurer</span>") || strings.Contains(page, `name="id"`) {
		t.Error("the list is wrong")
	}
	_, rest, _ := strings.Cut(page, `<option value="Encounter/`)
	visitID, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal("no visit is offered")
	}
	for _, bad := range [][]string{{"item", "Encounter/" + visitID}, {"paid", "yes"}, {"item", "Encounter/other", "paid", "yes"}} {
		if a := v.post(base, bad...); a.StatusCode != 422 || len(f.recorded) != 0 {
			t.Errorf("%v: %d", bad, a.StatusCode)
		}
	}
	if a := v.post(base, "item", "Encounter/"+visitID, "paid", "yes"); a.Header.Get("Location") != base || len(f.recorded) != 1 {
		t.Fatalf("recording: %d", a.StatusCode)
	}
	var got struct {
		Status    string
		Provision struct {
			Purpose []struct{ Code string }
			Data    []struct{ Meaning string }
		}
	}
	if err := json.Unmarshal(f.recorded[0].JSON(), &got); err != nil || got.Status != "active" || got.Provision.Purpose[0].Code != "HPAYMT" || got.Provision.Data[0].Meaning != "related" {
		t.Errorf("%+v %v", got, err)
	}
	if a := visit(t, withConsents(f, "", "", "nurse")).signIn().get(base); a.StatusCode != 403 {
		t.Errorf("a nurse: %d", a.StatusCode)
	}
	desk := visit(t, withConsents(f, "", "", "registration"))
	desk.stage.Chart.Replace(consentOf("c-paid", "active", chart.RequestSystem, chart.RequestPaid, mine, `"provision":{"type":"deny"}`))
	if page := desk.signIn().get(base).body; !strings.Contains(page, `name="id" value="c-paid"`) {
		t.Error("the front desk cannot end it")
	}
}

func TestDecisionPages(t *testing.T) {
	f := &fakeConsents{}
	v := visit(t, withConsents(f, "", "prac-me", "doctor")).signIn()
	base := "/chart/" + portaltest.Adaeze + "/keep/DocumentReference/d-note"
	for path, want := range map[string]string{"/chart/" + portaltest.Adaeze + "/documents/d-note": `href="` + base + `"`, "/chart/" + portaltest.Adaeze + "/results": "/keep/Observation/", base: "Admission note"} {
		if page := v.get(path).body; !strings.Contains(page, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	good := []string{"harm", "life", "words", "She said that she would.", "days", "7", "from", "", "second", ""}
	change := func(name, value string) []string {
		out := slices.Clone(good)
		out[slices.Index(out, name)+1] = value
		return out
	}
	for what, bad := range map[string][]string{"no ground": change("harm", "convenience"), "no words": change("words", " "), "too long": change("days", "90"), "from staff": change("from", "Practitioner/x"), "a stranger looks": change("second", "Practitioner/x")} {
		if a := v.post(base, bad...); a.StatusCode != 400 || len(f.recorded) != 0 || what != "no words" && !strings.Contains(a.body, "She said that she would.") {
			t.Errorf("%s: %d", what, a.StatusCode)
		}
	}
	if a := v.post(base, good...); a.Header.Get("Location") != "/decisions" || len(f.recorded) != 1 || !strings.Contains(string(f.recorded[0].JSON()), `"Practitioner/prac-me"`) {
		t.Fatalf("deciding: %d", a.StatusCode)
	}
	for _, wrong := range []string{"/chart/" + portaltest.Adaeze + "/keep/Patient/" + portaltest.Adaeze, "/chart/" + portaltest.Adaeze + "/keep/Observation/nothing"} {
		if a := v.get(wrong); a.StatusCode != 404 {
			t.Errorf("%s: %d", wrong, a.StatusCode)
		}
	}
	row := func(id, by, more string) *fhir.Resource {
		return consentOf(id, "active", chart.HoldSystem, chart.HoldHarm, by, more+`"provision":{"type":"deny","period":{"end":"2026-03-10T10:00:00Z"},"data":[{"meaning":"instance","reference":{"reference":"Observation/x","display":"Result `+id+`"}}]}`)
	}
	v.stage.Chart.Replace(row("mine", "Practitioner/prac-me", ""))
	v.stage.Chart.Replace(row("second", "Practitioner/o", `"extension":[{"url":"urn:wardkeep:second-look","valueReference":{"reference":"Practitioner/prac-me"}}],`))
	v.stage.Chart.Replace(row("others", "Practitioner/o", ""))
	page := v.get("/decisions").body
	order := []string{"asked for a second look", "Result second", "My decisions", "Result mine", "Ends soon", "By other doctors", "The patient, and who acts for the patient, may not see: Result others"}
	for _, want := range order {
		before, after, ok := strings.Cut(page, want)
		if !ok {
			t.Errorf("%q does not follow; the page had %d more", want, len(before))
		}
		page = after
	}
	v.post("/decisions/end", "id", "others", "status", "active")
	if !slices.Equal(f.settled, []string{"others active inactive "}) {
		t.Errorf("%v", f.settled)
	}
	for _, role := range []string{"nurse", "patient"} {
		who := visit(t, withConsents(f, "", "prac-me", role)).signIn()
		if a, b := who.get(base), who.get("/decisions"); a.StatusCode != 403 || b.StatusCode != 403 || strings.Contains(who.get("/chart/"+portaltest.Adaeze+"/results").body, "/keep/") {
			t.Errorf("a %s: %d, %d", role, a.StatusCode, b.StatusCode)
		}
	}
}

func TestRestrictionsPages(t *testing.T) {
	f := &fakeConsents{list: append(privacyFixtures(), consentOf("lacking", "active", chart.HoldSystem, chart.HoldHarm, "Practitioner/p", `"provision":{"type":"deny"}`))}
	v := visit(t, withConsents(f, "", "", "privacy"))
	for _, res := range f.list {
		v.stage.Chart.Replace(res)
	}
	v.signIn()
	page := v.get("/restrictions?show=active&kind=harm").body
	for _, want := range []string{"=Rosa Delgado", "mental health", "In force", "<span class=\"number\">(3)</span>", "show=waiting", "Incomplete", portaltest.Adaeze, "page=more"} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	if q := f.queries[0]; !strings.Contains(q, "status=active") || !strings.Contains(q, "category=urn:wardkeep:hold|harm") || !strings.Contains(q, "scope:not=") {
		t.Errorf("asked for %q", q)
	}
	if strings.Contains(page, "OKONKWO") {
		t.Error("the list names the patient")
	}
	if page := v.get("/restrictions?show=lacking").body; !strings.Contains(page, "/restrictions/lacking") || strings.Contains(page, "/restrictions/c-on") {
		t.Error("what is incomplete is not told apart")
	}
	rows, err := csv.NewReader(strings.NewReader(v.get("/restrictions.csv?show=active").body)).ReadAll()
	if err != nil || len(rows) != 10 || rows[1][0] != "c-on" || rows[1][12] != "'=Rosa Delgado" {
		t.Errorf("%v %q", err, rows)
	}
	if a := v.get("/restrictions/c-wait"); !strings.Contains(a.body, `action="/restrictions/c-wait"`) {
		t.Error("what waits cannot be answered")
	}
	if a := v.get("/restrictions/c-on"); strings.Contains(a.body, "<form method=\"post\" action=\"/restrictions/") {
		t.Error("what was answered can be answered")
	}
	for _, bad := range [][]string{{"answer", "rejected"}, {"answer", "maybe", "words", "x"}} {
		if a := v.post("/restrictions/c-wait", bad...); a.StatusCode != 400 || len(f.settled) != 0 {
			t.Errorf("%v: %d", bad, a.StatusCode)
		}
	}
	if a := v.post("/restrictions/c-wait", "answer", "rejected", "words", "We need it."); a.StatusCode != 303 || !slices.Equal(f.settled, []string{"c-wait proposed rejected We need it."}) {
		t.Errorf("%d %v", a.StatusCode, f.settled)
	}
	other := visit(t, withConsents(f, "", "prac-me", "doctor")).signIn()
	for _, path := range []string{"/restrictions", "/restrictions.csv", "/restrictions/c-wait"} {
		if a := other.get(path); a.StatusCode != 403 {
			t.Errorf("a doctor at %s: %d", path, a.StatusCode)
		}
	}
}

// What a role may not see it is told just so, not that it failed.
func TestNotShownToARole(t *testing.T) {
	v := visit(t).signIn()
	for _, typ := range []string{"AllergyIntolerance", "Encounter", "Procedure"} {
		v.stage.Chart.Fail(portaltest.Quiet, typ, fault.New(fault.Denied, "test", ""))
	}
	for path, want := range map[string][]string{"": {"Allergies unavailable", "They are not shown to your role.", "<dd>Not shown to your role</dd>"}, "/history": {"Not shown to your role: visits, allergies, procedures."}, "/visits": {"Not shown to your role"}} {
		page := v.get("/chart/" + portaltest.Quiet + path).body
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("%q lacks %q", path, words)
			}
		}
		if strings.Contains(page, "could not be loaded") || strings.Contains(page, "missing from this list") || strings.Contains(page, "paper record") {
			t.Errorf("%q says that it failed", path)
		}
	}
	v.stage.Chart.Fail(portaltest.Quiet, "AllergyIntolerance", fault.New(fault.Unavailable, "test", ""))
	if page := v.get("/chart/" + portaltest.Quiet).body; !strings.Contains(page, "could not be loaded") || strings.Contains(page, "not shown to your role.") {
		t.Error("a failure is told as a refusal")
	}
}

// Sections that a role never reaches are not offered, and an overview of nothing leads on.
func TestSectionsInReach(t *testing.T) {
	v := visit(t).signIn()
	const base = "/chart/" + portaltest.Quiet
	if page := v.get(base + "/details").body; !strings.Contains(page, base+`/medications"`) {
		t.Fatal("a nurse is not offered the medications, so the rest shows nothing")
	}
	v.stage.Chart.Beyond = []string{"AllergyIntolerance", "Condition", "MedicationRequest", "MedicationAdministration", "Observation", "Coverage"}
	page := v.get(base + "/details").body
	for path, offered := range map[string]bool{`"`: false, `/results"`: false, `/vitals"`: false, `/medications"`: false, `/problems"`: false, `/allergies"`: false, `/visits"`: true, `/documents"`: true, `/details"`: true} {
		if strings.Contains(page, `href="`+base+path) != offered {
			t.Errorf("%s: offered is not %v", path, offered)
		}
	}
	if a := v.get(base); a.StatusCode != 303 || a.Header.Get("Location") != base+"/visits" {
		t.Errorf("the overview: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	v.stage.Chart.Beyond = append(v.stage.Chart.Beyond, "Encounter", "DocumentReference", "Procedure", "Immunization", "DiagnosticReport")
	if a := v.get(base); a.Header.Get("Location") != base+"/details" {
		t.Errorf("the overview of who reaches nothing else leads to %q", a.Header.Get("Location"))
	}
}
