package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// TestSample runs a sample of the attack, in which every kind of attempt is made at
// least once, against the program as it is built.
func TestSample(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole server is attacked")
	}
	binary, err := filepath.Abs(filepath.Join("..", "bin", "wardkeep"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("bin/wardkeep is not built: make build")
		}
		t.Skip("bin/wardkeep is not built: make build")
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-bin", binary, "-sample"}, &out); code != 0 {
		t.Errorf("exit %d\n%s", code, out.String())
	}
	t.Log(out.String())
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"more"}, {"-nonsense"}, {"-each", "x"}} {
		if code := run(t.Context(), args, &bytes.Buffer{}); code != 2 {
			t.Errorf("%v ends with %d", args, code)
		}
	}
}

func testWorld() *world { return newWorld("test", time.Now(), []string{"staff-0"}) }

// TestCanariesAreFound is the negative control of the detector: a canary is found however
// it is written, and nothing is found where there is none.
func TestCanariesAreFound(t *testing.T) {
	w := testWorld()
	word := w.patients[0].record("Condition").Elements["note"][0]
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("x" + word))
	_ = z.Close()
	percent := ""
	for _, c := range []byte(word) {
		percent += "%" + hex.EncodeToString([]byte{c})
	}
	zipped := unpack(answer{Body: packed.Bytes(), Header: http.Header{}})
	for name, text := range map[string]string{
		"plain": word, "upper case": strings.ToUpper(word), "within": "x" + word + "y", "percent": percent, "hex": hex.EncodeToString([]byte("a" + word)), "HTML": "&#x7a;" + word[1:], "JSON": `\u007a` + word[1:],
		"base64": base64.StdEncoding.EncodeToString([]byte(word)), "base64 by one": base64.StdEncoding.EncodeToString([]byte("a" + word)), "base64 by two": base64.StdEncoding.EncodeToString([]byte("ab" + word + "c")),
		"base64url": base64.RawURLEncoding.EncodeToString([]byte("ab?" + word)), "base64 in JSON": `{"data":"` + base64.StdEncoding.EncodeToString([]byte("a file "+word)) + `"}`, "gzip": string(zipped.Body),
	} {
		if !w.finds([]byte(text), word) {
			t.Errorf("%s: not found", name)
		}
	}
	if found := w.find([]byte("nothing " + mark + "aaaaaaaaaaaaaaaa 1999-01-01")); len(found) != 0 {
		t.Errorf("found %v in nothing", found)
	}
	if found := w.find([]byte("born " + w.patients[0].Birth)); len(found) == 0 || found[0].Element != "birthDate" {
		t.Error("a birth date was not found")
	}
}

// TestJudgements has answers of every kind judged.
func TestJudgements(t *testing.T) {
	w := testWorld()
	r := w.patients[0].record("Condition")
	note := r.Elements["note"][0]
	nobody := &caller{}
	a := func(status int, body string) answer {
		return answer{Status: status, Line: "x", Header: http.Header{}, Body: []byte(body)}
	}
	none, other := a(404, `{"id":"a"}`), a(403, "")
	for name, c := range map[string]struct {
		want want
		got  answer
		twin *answer
		ok   bool
	}{
		"refused": {refused, a(404, ""), nil, true}, "answered": {refused, a(200, "{}"), nil, false}, "not modified": {refused, a(304, ""), nil, false}, "failed": {silent, a(500, ""), nil, false},
		"refused with a leak": {refused, a(404, "no "+note), nil, false}, "nothing found": {blocked, a(200, `{"resourceType":"Bundle","total":0}`), nil, true},
		"counted": {blocked, a(200, `{"resourceType":"Bundle","total":1}`), nil, false}, "found": {blocked, a(200, `{"resourceType":"Bundle","entry":[{"resource":{}}]}`), nil, false},
		"only told": {blocked, a(200, `{"resourceType":"Bundle","entry":[{"search":{"mode":"outcome"}}]}`), nil, true}, "refused in a batch": {blocked, a(200, `{"resourceType":"Bundle","entry":[{"response":{"status":"404"}}]}`), nil, true},
		"done in a batch": {blocked, a(200, `{"resourceType":"Bundle","entry":[{"response":{"status":"204"}}]}`), nil, false}, "as what is not there": {silent, a(404, `{"id":"b"}`), &none, true}, "not as what is not there": {silent, a(404, ""), &other, false},
		"legitimate": {shown, a(200, note), nil, false}, "refused wrongly": {shown, a(403, ""), nil, false},
	} {
		try := &attempt{As: nobody, Target: r, Req: request{Method: "GET", Target: "/fhir/x"}, Want: c.want}
		if c.twin != nil {
			try.Twin = &try.Req
		}
		if got := w.judge(try, c.got, c.twin); got.OK != c.ok {
			t.Errorf("%s: %v, %s", name, got.OK, got.Why)
		}
	}
	doctor := &caller{Related: true, Ward: "ward-a"}
	doctor.Who.Kind, doctor.Who.Roles = "person", []string{"doctor"}
	if got := w.judge(&attempt{As: doctor, Target: r, Want: shown, Show: []string{note}, Req: request{}}, a(200, note), nil); !got.OK {
		t.Error(got.Why)
	}
	if got := w.judge(&attempt{As: doctor, Target: r, Want: shown, Show: []string{note}, Req: request{}}, a(200, "{}"), nil); got.OK {
		t.Error("what is not shown was not missed")
	}
}

func TestAstray(t *testing.T) {
	for to, ok := range map[string]bool{
		"/chart/x": true, "https://localhost:1/x": true, appRedirect + "?code=1": true, "https://evil.example.org/": false, "//evil.example.org": false, `/\evil.example.org`: false, "https://app.example.org.evil.org/back?x": false,
	} {
		if got := astray(&attempt{}, answer{Header: http.Header{"Location": {to}}}); (got == "") != ok {
			t.Errorf("%s: %q", to, got)
		}
	}
	if astray(&attempt{}, answer{Header: http.Header{"Access-Control-Allow-Origin": {"*"}}}) == "" {
		t.Error("pages of all origins were let in")
	}
	if _, err := url.Parse(appRedirect); err != nil {
		t.Fatal(err)
	}
}

func TestNarrower(t *testing.T) {
	for _, c := range []struct {
		s, have string
		ok      bool
	}{
		{"system/Patient.r", "system/*.rs", true}, {"system/*.read", "system/*.rs", true}, {"system/*.*", "system/*.rs", false}, {"system/Patient.c", "system/Patient.rs", false}, {"user/Patient.r", "system/*.rs", false},
		{"system/Observation.rs", "system/Observation.rs?category=laboratory", false},
	} {
		if narrower(c.s, c.have) != c.ok {
			t.Errorf("%s within %s: %v", c.s, c.have, !c.ok)
		}
	}
}

// TestGuardsBear: each guard that hides something hides it from somebody who is there, and
// who would see it without; such as say nothing hide nothing.
func TestGuardsBear(t *testing.T) {
	named, _ := relatedStaff()
	w := newWorld("test", time.Now(), named)
	a := &attack{world: w, cast: &cast{}}
	as := func(kind, role, id, ward string, related bool) *caller {
		p := &person{Practitioner: id, Roles: []string{role}}
		return &caller{Who: expect.Caller{Kind: kind, Roles: p.Roles, Scopes: []string{"user/*.cruds"}, Names: namesOf(w, p, related)}, Role: role, Related: related, Ward: ward, person: p}
	}
	all := []*caller{
		as("app", "doctor", "staff-0", "ward-a", true), as("app", "doctor", "staff-1", "ward-c", false), as("app", "nurse", "staff-2", "ward-a", true), as("app", "nurse", "staff-3", "ward-c", false),
		as("app", "billing", "staff-10", "", true), as("app", "proxy", "staff-18", "", true),
	}
	research := *all[0]
	research.Who.Purpose = "HRESCH"
	for i, p := range []string{"own record of a doctor", "own record of a nurse who is a patient"} {
		own := as("app", []string{"doctor", "nurse"}[i], "x", "ward-a", true)
		own.own = w.guardedAs(p).ID
		all = append(all, own)
	}
	for _, p := range w.guarded {
		hides := false
		for _, c := range append(all, &research) {
			for _, r := range p.Records {
				hides = hides || a.bears(c, r)
			}
		}
		idle := p.kind == "consent-new" || p.kind == "proxy-revoked" || p.kind == "consent-idle" && strings.Contains(p.Why, "deny")
		if hides == idle {
			t.Errorf("%s hides something: %v", p.Why, hides)
		}
	}
}
