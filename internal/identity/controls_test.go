package identity_test

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestPasswordIsTakenAsItIs: no letter is dropped or changed, however long it is, and
// it is good until somebody changes it.
func TestPasswordIsTakenAsItIs(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x Quiet Heron ", 8) + "end"
	p, e, err := w.Provision(ctx, operator, identity.NewPerson{UserName: "ana", Family: "X"}, identity.Credentials{Password: long})
	must(t, err)
	ana := somebody{p, e.Secret}
	for name, typed := range map[string]string{
		"another case": strings.ToLower(long), "a space more": long + " ", "one before": " " + long,
		"cut at 64": long[:64], "cut at 72": long[:72], "another end": strings.TrimSuffix(long, "end") + "eNd",
	} {
		if _, err := w.trySignIn(ana, typed, ward); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		w.clock.Advance(time.Hour)
	}
	w.clock.Advance(5 * 365 * 24 * time.Hour)
	if _, err := w.trySignIn(ana, long, ward); err != nil {
		t.Errorf("five years later: %v", err)
	}
}

// TestLeakedPasswordsAreRefused: there are enough of the right length, and each that
// is tried is refused, when somebody enrols and when she changes it.
func TestLeakedPasswordsAreRefused(t *testing.T) {
	file, err := os.Open("common_passwords.txt.gz")
	must(t, err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	must(t, err)
	var leaked []string
	for lines := bufio.NewScanner(unpacked); lines.Scan(); {
		if text := strings.TrimSpace(lines.Text()); utf8.RuneCountInString(text) >= 8 {
			leaked = append(leaked, text)
		}
	}
	if len(leaked) < 3000 {
		t.Fatalf("only %d passwords", len(leaked))
	}
	w := newWorld(t)
	a := w.resume(w.signIn(w.add("ana.okafor", "nurse")))
	_, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "lee", Given: "Leonora", Family: "Lindqvist"})
	must(t, err)
	for i := 0; i < len(leaked); i += 50 {
		_, _, err := w.Provision(ctx, operator, identity.NewPerson{UserName: "bo", Family: "X"}, identity.Credentials{Password: leaked[i]})
		wantKind(t, err, fault.Unprocessable)
		if i%1000 == 0 { // tries with the old password count
			wantKind(t, w.SetPassword(ctx, a, goodPassword, leaked[i]), fault.Unprocessable)
			_, err := w.BeginEnrolment(ctx, "lee", inv.Code, leaked[i], ward)
			wantKind(t, err, fault.Unprocessable)
			w.clock.Advance(time.Hour)
			a.AuthTime = w.clock.Now()
		}
	}
	_, err = w.BeginEnrolment(ctx, "lee", inv.Code, "Leonora-Lindqvist", ward)
	wantKind(t, err, fault.Unprocessable)
	_, err = w.BeginEnrolment(ctx, "lee", inv.Code, goodPassword, ward)
	must(t, err)
}

// TestSecretsAreLong: what must not be guessed has 128 random bits or more, and is
// never the same.
func TestSecretsAreLong(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	typed := func(what, code string) {
		t.Helper()
		plain := strings.ReplaceAll(code, "-", "")
		if len(plain)*5 < 128 || seen[plain] {
			t.Errorf("%s: %d letters of 32, or seen before", what, len(plain))
		}
		seen[plain] = true
	}
	sent := func(what, token, prefix string) {
		t.Helper()
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, prefix))
		if err != nil || len(b) < 16 || seen[token] {
			t.Errorf("%s: %d bytes, or seen before: %v", what, len(b), err)
		}
		seen[token] = true
	}
	for range 3 {
		_, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "invited" + strings.Repeat("x", len(seen)), Family: "X"})
		must(t, err)
		typed("an invitation", inv.Code)
	}
	ana, codes := w.enrol("ana.okafor")
	for _, code := range codes {
		typed("a recovery code", code)
	}
	ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
	must(t, err)
	sent("a challenge", ch.Token, "")
	g := w.signIn(ana)
	sent("a session", g.Token, "")
	c, secret, err := w.AddClient(ctx, operator, "feed", readAll)
	must(t, err)
	sent("a secret", secret, "wks_")
	token, err := w.IssueToken(ctx, c, nil, ward)
	must(t, err)
	sent("a token", token.Text, "wkt_")
}

// TestWaysIn: these are all the calls that hand out a session, and the page that says
// how people come in names each way.
func TestWaysIn(t *testing.T) {
	grant := reflect.TypeFor[identity.Grant]()
	var ways []string
	for m := range reflect.TypeFor[*identity.Service]().Methods() {
		for out := range m.Type.Outs() {
			if out == grant {
				ways = append(ways, m.Name)
			}
		}
	}
	want := []string{
		"EndOthers", "Finish", "RenewUpstream", "Rotate", "SignInPasskey", "SignInUpstream", "StepUp", "Unlock", "UnlockPasskey",
	}
	if slices.Sort(ways); !slices.Equal(ways, want) {
		t.Errorf("sessions come of %q, want %q", ways, want)
	}
	text, err := os.ReadFile("../../docs/controls.md")
	must(t, err)
	for _, way := range ways {
		if !strings.Contains(string(text), "`"+way+"`") {
			t.Errorf("docs/controls.md does not name %s", way)
		}
	}
}

// TestSameSubjectElsewhere: a name that one provider gives is not the same name given
// by another.
func TestSameSubjectElsewhere(t *testing.T) {
	w := newWorld(t)
	w.config.Providers = []string{"lakeside", "hillside"}
	w.Service = w.another()
	ana := w.newcomer()
	w.vouch(ana)
	_, err := w.SignInUpstream(ctx, w.vouched(), ward)
	must(t, err)
	_, err = w.SignInUpstream(ctx, w.vouched(func(u *identity.Upstream) { u.Provider, u.Issuer = "hillside", "https://evil.example" }), ward)
	wantKind(t, err, fault.Denied)
	people, err := w.People(ctx, operator)
	must(t, err)
	if len(people) != 2 || people[0].ID == people[1].ID {
		t.Errorf("%+v", people)
	}
}

// TestFailedProofsAreTold: each proof of identity that fails, of people and of programs,
// is an entry of the audit log, with what failed, and holds nothing of what was tried.
func TestFailedProofsAreTold(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	must(t, w.Lock(ctx, g.Token))
	_, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "bo", Family: "X"})
	must(t, err)
	secret, _, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	signs := w.signing(t, identity.NewClient{JWKS: keySet(t, "ec")})
	const wrong = "wrong zephyrine wrong"
	for name, c := range map[string]struct {
		action, detail string
		try            func() error
	}{
		"password":  {"login", "password", func() error { _, err := w.trySignIn(ana, wrong, ward); return err }},
		"unlocking": {"unlock", "password wrong", func() error { _, err := w.Unlock(ctx, g.Token, wrong, ward); return err }},
		"invitation": {"enrol", "invitation", func() error {
			_, err := w.BeginEnrolment(ctx, "bo", strings.Repeat("0", len(inv.Code)), goodPassword, ward)
			return err
		}},
		"secret":    {"token", "client not authenticated", func() error { _, err := w.AuthenticateClient(ctx, secret.ID, wrong, ward); return err }},
		"nobody's":  {"token", "client not authenticated", func() error { _, err := w.AuthenticateClient(ctx, "nobody", wrong, ward); return err }},
		"assertion": {"token", "assertion: malformed", func() error { _, err := w.AuthenticateAssertion(ctx, wrong, []string{tokenURL}, ward); return err }},
		"another's word": {"token", "assertion: aud", func() error {
			_, err := w.AuthenticateAssertion(ctx, w.assertion(signs.ID).sign(t), []string{"https://x"}, ward)
			return err
		}},
	} {
		before := len(w.records.events)
		if err := c.try(); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		told := slices.ContainsFunc(w.records.events[before:], func(e identity.Event) bool {
			return e.Action == c.action && e.Outcome == identity.Failure && strings.Contains(e.Detail, c.detail) && e.Source == ward.Source && e.RequestID == ward.RequestID
		})
		if !told || strings.Contains(fmt.Sprint(w.records.events[before:]), "zephyrine") {
			t.Errorf("%s is told as %+v", name, w.records.events[before:])
		}
		w.clock.Advance(time.Minute) // throttles forget
	}
}
