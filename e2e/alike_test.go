package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// probe is a request in which {id} is the record asked for.
type probe struct{ method, path, header, body string }

// way is one way to ask for what one may not see.
type way struct {
	name            string
	by              *api
	status          int // of the answer
	probe           probe
	denied, unknown []string // what {id} is
	// told: the answer shows something, and so leaves when it is done. What its time
	// tells of the hidden beside it is reported, not judged.
	told bool
	held time.Duration // the last byte of the request is sent later by that
}

// judged are the bounds: how well the best classifier may do on what is denied and
// what is unknown, and how well it has to do when one of them takes a millisecond more.
const (
	mostTold  = 0.55
	leastSeen = 0.75
)

// TestDeniedAndUnknownAreAlike asks for what is denied and for what there is not, in
// turn, in every way there is to ask. The answers must be equal. When proving, 5000
// pairs of each way are timed, too; else it is 20, and time is not looked at.
func TestDeniedAndUnknownAreAlike(t *testing.T) {
	w := seclude(t)
	w.reasons()
	pairs := 20
	if proving() {
		pairs = 5000
	}
	if n, err := strconv.Atoi(os.Getenv("WARDKEEP_PAIRS")); err == nil {
		pairs = n
	}
	only := regexp.MustCompile(os.Getenv("WARDKEEP_WAYS"))
	for _, y := range w.ways() {
		if !only.MatchString(y.name) {
			continue
		}
		t.Run(y.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			denied, unknown := y.measure(t, w.server, pairs)
			if proving() && !t.Failed() {
				judge(t, denied, unknown, y.told)
			}
		})
	}
}

// measure asks pairs, which is first being chance, on one connection.
func (y way) measure(t *testing.T, s *server, pairs int) (denied, unknown []float64) {
	t.Helper()
	conn, token, first := s.wire(t), "", ""
	ask := func(id string) float64 {
		status, said, took, err := conn.ask(y.probe, token, id, y.held)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = said
		}
		if status != y.status || said != first {
			t.Fatalf("%d, want %d; the answers differ:\n%s\n%s", status, y.status, first, said)
		}
		return float64(took)
	}
	token = y.by.renewed()
	for i := range min(pairs/10, 200) { // to warm up
		ask(y.denied[i%len(y.denied)])
		ask(y.unknown[i%len(y.unknown)])
	}
	for i := range pairs {
		if i%2000 == 1999 { // it is good for five minutes
			token = y.by.renewed()
		}
		d, u := y.denied[rand.IntN(len(y.denied))], y.unknown[rand.IntN(len(y.unknown))]
		if rand.IntN(2) == 0 {
			denied = append(denied, ask(d))
			unknown = append(unknown, ask(u))
		} else {
			unknown = append(unknown, ask(u))
			denied = append(denied, ask(d))
		}
	}
	return denied, unknown
}

// judge holds two lists of times to the bounds, and tells at which delay the
// measurement would see a difference.
func judge(t *testing.T, denied, unknown []float64, reported bool) {
	t.Helper()
	told := max(area(denied, unknown), learned(denied, unknown))
	var seen []string
	for _, d := range []time.Duration{20, 50, 100, 200, 500, 1000} {
		d *= time.Microsecond
		got := max(area(denied, later(unknown, d)), learned(denied, later(unknown, d)))
		seen = append(seen, fmt.Sprintf("%v %.3f", d, got))
		if d == time.Millisecond && got < leastSeen {
			t.Errorf("a millisecond would not be seen: %.3f", got)
		}
	}
	t.Logf("%d pairs: threshold %.3f, learned %.3f; medians %v %v, 95%% %v %v; more by %s", len(denied), area(denied, unknown), learned(denied, unknown),
		quantile(denied, 0.5), quantile(unknown, 0.5), quantile(denied, 0.95), quantile(unknown, 0.95), strings.Join(seen, ", "))
	if told > mostTold && !reported {
		t.Errorf("time tells what is denied from what is unknown with %.3f", told)
	}
}

// secluded is a hospital in which as many records as there are of anything are closed
// to each program.
type secluded struct {
	*server
	t testing.TB

	all, lab, kept *api // programs
	nurses, app    *api // apps of a nurse, for all her patients and for one

	marked, open, kin []string // patients: with a mark, open to all, whose Consent keeps all from a program
	notes, scans      []string // Observations and Binaries of those with a mark
	vital             []string // Observations outside the granular scope
	keptNotes         []string
	named             map[string][]string // open Observations that name a hidden one, or one there is not
	nobody            []string            // ids of nothing
	jobs              []string            // of the first program
}

// seclusion is how many there are of anything.
const seclusion = 250

const (
	celebrity = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"CEL"}]},`
	labTests  = `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],`
	vitals    = `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],`
)

// seclude makes and serves one.
func seclude(t *testing.T) *secluded {
	t.Helper()
	w := &secluded{t: t, server: startDemoIn(t, []string{"WARDKEEP_SEARCH_IN_URLS=all"}, "", "--patients", "12")}
	w.all, w.lab, w.kept = w.client("system/*.cruds"), w.client("system/Observation.cruds?category=laboratory system/Patient.r"), w.client("system/*.cruds")
	w.furnish(w.kept.id, w.ward())
	w.nurses = w.nurse("openid offline_access user/Patient.rs user/Observation.rs", "")
	for range 4 {
		w.jobs = append(w.jobs, path.Base(w.all.order("/fhir/Patient?_count=1")))
	}
	w.app = w.nurse("launch/patient offline_access patient/Patient.rs patient/Observation.rs", critical)
	return w
}

// reasons checks that each is denied what is said and no more, and that an answer to
// what is open is not taken for one to what is not.
func (w *secluded) reasons() {
	w.t.Helper()
	for i, c := range []struct {
		by     *api
		path   string
		status int
	}{
		{w.all, "Patient/" + w.open[0], 200}, {w.all, "Patient/" + w.kin[0], 200}, {w.all, "Observation/" + w.vital[0], 200}, {w.all, "Patient/" + w.marked[0], 404},
		{w.lab, "Observation/" + w.keptNotes[0], 200}, {w.lab, "Observation/" + w.vital[0], 404}, {w.kept, "Patient/" + w.open[0], 200}, {w.kept, "Patient/" + w.kin[0], 404},
		{w.nurses, "Patient/" + w.open[0], 200}, {w.nurses, "Patient/" + w.kin[0], 404}, {w.app, "Patient/" + critical, 200}, {w.app, "Patient/" + w.open[0], 404},
	} {
		if got := c.by.do("GET", "/fhir/"+c.path, nil); got.status != c.status {
			w.t.Fatalf("%d: %s: %d, want %d", i, c.path, got.status, c.status)
		}
	}
	conn := w.wire(w.t)
	p := probe{"GET", "/Observation?_id={id}", "", ""}
	_, open, _, err := conn.ask(p, w.all.token, w.vital[0], 0)
	_, none, _, err2 := conn.ask(p, w.all.token, w.nobody[0], 0)
	if err != nil || err2 != nil || open == none {
		w.t.Fatal("what is open looks like what there is not", err, err2)
	}
}

// ward is the Location of the nurse's ward.
func (w *secluded) ward() string {
	w.t.Helper()
	got := w.all.do("GET", "/fhir/Encounter?status=in-progress&subject=Patient/"+critical, nil)
	at := regexp.MustCompile(`(Location/[^"]+)","display":"Ward`).FindStringSubmatch(string(got.body))
	if at == nil {
		w.t.Fatalf("%s is on no ward: %d", critical, got.status)
	}
	return at[1]
}

// furnish imports what is in it. Those who are open to programs are on a ward.
func (w *secluded) furnish(program, ward string) {
	w.t.Helper()
	var text strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	patient := func(extra string) string {
		id := randomID()
		put(`{"resourceType":"Patient","id":%q,%s"identifier":[{"system":"urn:mrn","value":%q}],"name":[{"family":"Brown","given":["Ada"]}],"birthDate":"1980-02-03"}`, id, extra, id)
		return id
	}
	code := ""
	note := func(of, extra string) string {
		id := randomID()
		put(`{"resourceType":"Observation","id":%q,%s"identifier":[{"system":"urn:obs","value":%q}],"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}`+code+`]},"subject":{"reference":"Patient/%s"},"valueQuantity":{"value":4.2}}`, id, extra, id, of)
		return id
	}
	put(`{"resourceType":"Device","id":"program","identifier":[{"system":"urn:wardkeep:client","value":%q}]}`, program)
	w.named = map[string][]string{}
	for range seclusion {
		hidden, open, kin := patient(celebrity), patient(""), patient("")
		w.marked, w.open, w.kin = append(w.marked, hidden), append(w.open, open), append(w.kin, kin)
		w.nobody = append(w.nobody, randomID())
		put(`{"resourceType":"Encounter","id":%q,"status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/%s"},"location":[{"location":{"reference":%q}}]}`, randomID(), open, ward)
		code = `,{"system":"urn:c","code":"crowd"}`
		closed := note(hidden, labTests)
		code = ""
		w.notes = append(w.notes, closed)
		w.vital = append(w.vital, note(open, vitals))
		w.keptNotes = append(w.keptNotes, note(kin, labTests))
		for of, target := range map[string]string{"hidden": closed, "none": randomID()} {
			w.named[of] = append(w.named[of], note(open, labTests+`"hasMember":[{"reference":"Observation/`+target+`"}],`))
		}
		scan := randomID()
		w.scans = append(w.scans, scan)
		put(`{"resourceType":"Binary","id":%q,"contentType":"text/plain","securityContext":{"reference":"Patient/%s"},"data":"aGVsbG8="}`, scan, hidden)
		put(`{"resourceType":"Consent","id":%q,"status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},`+
			`"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/%s"},"policyRule":{"text":"house"},`+
			`"provision":{"type":"deny","actor":[{"role":{"text":"recipient"},"reference":{"reference":"Device/program"}}]}}`, randomID(), kin)
	}
	for _, one := range []string{"crowd", "alone"} {
		code = `,{"system":"urn:c","code":"` + one + `"}`
		note(w.open[0], "")
	}
	file := filepath.Join(w.t.TempDir(), "all.ndjson")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if s := importFiles(w.t, w.dir, []string{file}); len(s.Refused) > 0 {
		w.t.Fatalf("the import refuses %s", s.Refused[0])
	}
}

// randomID is an id as the server makes them.
func randomID() string {
	const hex = "0123456789abcdef"
	b := []byte("xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx")
	for i := range b {
		if b[i] == 'x' {
			b[i] = hex[rand.IntN(16)]
		}
	}
	return string(b)
}
