package main

import (
	"crypto/tls"
	"net/http"
	"regexp"
	"testing"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// TestHousesAreApart: what is of one house is a hole in the answer to anybody of the
// other, on whatever road, and none in an answer at home.
func TestHousesAreApart(t *testing.T) {
	w := testWorld()
	b := w.beside(neighbour)
	as := func(house string) *caller {
		c := &caller{Related: true, Ward: "ward-a"}
		c.Who = expect.Caller{Kind: "person", Roles: []string{"doctor"}, House: house}
		return c
	}
	home := &server{dialler: &dialler{tls: &tls.Config{}}, tenant: neighbour}
	for name, c := range map[string]struct {
		word string
		as   *caller
		ok   bool
	}{
		"theirs at ours": {w.patients[0].record("Condition").Elements["note"][0], as(neighbour), false}, "ours at theirs": {b.patients[0].record("Condition").Elements["note"][0], as(""), false},
		"theirs at home": {w.patients[0].record("Condition").Elements["note"][0], as(""), true}, "ours at home": {b.patients[0].record("Condition").Elements["note"][0], as(neighbour), true},
		"born there": {w.patients[0].Birth, as(neighbour), false}, "born here": {b.patients[0].Birth, as(neighbour), true},
	} {
		got := answer{Status: 200, Header: http.Header{}, Body: []byte("born " + c.word)}
		try := &attempt{As: c.as, Want: silent, At: home}
		for _, sees := range []*attempt{try, {As: &caller{}, Own: true, Sees: c.as, Want: silent}} {
			if v := w.judge(sees, got, nil); v.OK != c.ok {
				t.Errorf("%s: %v %s", name, v.OK, v.Why)
			}
			if v := b.judge(sees, got, nil); v.OK != c.ok {
				t.Errorf("%s, by the other world: %v %s", name, v.OK, v.Why)
			}
		}
	}
	for _, p := range b.patients {
		for _, q := range w.patients {
			if p.ID == q.ID || p.Birth == q.Birth || p.Family == q.Family {
				t.Errorf("%s and %s are one", p.ID, q.ID)
			}
		}
	}
}

// TestGarbledKeepsItsForm: what nobody made looks as what somebody did, or the two would
// be told apart by their form.
func TestGarbledKeepsItsForm(t *testing.T) {
	w := testWorld()
	for secret, form := range map[string]string{
		w.patients[0].ID: `^` + mark + `[a-z2-7]{16}$`, "b986ebdd-76e2-4de2-a4d7-ec8994c9a0df": `^[0-9a-f-]{36}$`, "44b392e44413ca8fe52b5ed39328198f": `^[0-9a-f]{32}$`, "123789": `^\d{6}$`, "wkr_7uC4eEzcqvhdW6gXaDsZz-_9": `^wkr_[\w-]{24}$`,
	} {
		if got := garbled(secret); got == secret || !regexp.MustCompile(form).MatchString(got) {
			t.Errorf("%s becomes %s", secret, got)
		}
	}
	x := &crossing{from: &attack{world: w}}
	q := get("Patient/%s", w.patients[0].ID).with("X-Of: " + w.patients[0].ID)
	if none := x.unknown(q); none == nil || len(w.find([]byte(none.Target+none.Header[0]))) != 0 {
		t.Error("a request for what nobody has asks for something")
	}
	if x.unknown(get("metadata")) != nil {
		t.Error("what names nothing was exchanged")
	}
}

// TestAlikeButForTheSecret: answers that differ in the secret alone are the same, and no
// others.
func TestAlikeButForTheSecret(t *testing.T) {
	says := func(text string) answer { return answer{Status: 404, Header: http.Header{}, Body: []byte(text)} }
	asked, other := request{Secret: "abc"}, request{Secret: "abd"}
	if why := differs(says("no abc"), says("no abd"), asked, other); why != "" {
		t.Error(why)
	}
	if differs(says("no abc"), says("never abd"), asked, other) == "" {
		t.Error("other words are not seen")
	}
}

func TestLeadsHome(t *testing.T) {
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDialler("127.0.0.1:1", "https://"+neighbour+".localhost:1", ca.pem())
	if err != nil {
		t.Fatal(err)
	}
	at := &server{dialler: d}
	for to, ok := range map[string]bool{"https://" + neighbour + ".localhost:1/x": true, "https://localhost:1/x": false} {
		if got := astray(&attempt{At: at}, answer{Header: http.Header{"Location": {to}}}); (got == "") != ok {
			t.Errorf("%s: %q", to, got)
		}
	}
}
