package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// lacks skips a test for want of something, or fails it where nothing may be
// wanting.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// ward is a browser in front of a running server.
type ward struct {
	t     *testing.T
	s     *server
	b     *portaltest.Browser
	axe   string
	shots string // folder for pictures, "" for none
	name  string // part of a patient's name that no title and no address may have
}

func openWard(t *testing.T, patients string, env ...string) *ward {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	if _, err := os.Stat("../internal/portal/assets/dist/manifest.json"); err != nil {
		lacks(t, "assets are not built: npm --prefix web ci && npm --prefix web run build")
	}
	axe, err := os.ReadFile("../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		lacks(t, "axe-core is not installed: npm --prefix web ci")
	}
	b, err := portaltest.NewBrowser(t.Context(), t.TempDir())
	if errors.Is(err, portaltest.ErrNoBrowser) {
		lacks(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &ward{t: t, shots: os.Getenv("WARDKEEP_SHOTS"), s: startDemoIn(t, env, "", "--patients", patients), b: b, axe: string(axe)}
}

func (w *ward) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := w.b.Run(steps...); err != nil {
		at, _ := portaltest.Ask[string](w.b, "location.pathname + ': ' + document.querySelector('main')?.innerText.slice(0, 300)")
		w.t.Fatalf("%v at %s", err, at)
	}
}

func (w *ward) open(path, until string) {
	w.t.Helper()
	w.do(chromedp.Navigate(w.s.base+path), chromedp.WaitVisible(until))
}

func evaluate[T any](w *ward, script string) T {
	w.t.Helper()
	v, err := portaltest.Ask[T](w.b, script)
	if err != nil {
		w.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits for what a page that is on its way will say: what the page before says
// must not be taken for it. While there is neither, the script fails.
func (w *ward) until(script string) {
	w.t.Helper()
	for range 100 {
		if holds, err := portaltest.Ask[bool](w.b, script); err == nil && holds {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("not within 5 s: %s: %q", script, w.text("main"))
}

func (w *ward) path() string { w.t.Helper(); return evaluate[string](w, "location.pathname") }
func (w *ward) text(at string) string {
	w.t.Helper()
	return evaluate[string](w, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", at))
}
func (w *ward) holds(text string) bool {
	w.t.Helper()
	return evaluate[bool](w, fmt.Sprintf("document.documentElement.outerHTML.toLowerCase().includes(%q)", strings.ToLower(text)))
}

// look checks what holds for every page, and takes pictures if they are wanted.
func (w *ward) look(name string) {
	w.t.Helper()
	if got := w.text(".demo"); got != "Synthetic – not for care" {
		w.t.Errorf("%s: does not say that it is synthetic, but %q", name, got)
	}
	where := strings.ToLower(evaluate[string](w, "document.title + ' ' + location.href"))
	if w.name != "" && strings.Contains(where, strings.ToLower(w.name)) {
		w.t.Errorf("%s: the title or the address names the patient", name)
	}
	for _, c := range w.b.Complaints() {
		if !strings.HasPrefix(c, "debug: ") && !strings.HasPrefix(c, "info: ") {
			w.t.Errorf("%s: console: %s", name, c)
		}
	}
	if w.shots == "" {
		return
	}
	for _, width := range []int64{390, 1440} {
		size := w.b.Size(width, 900)
		time.Sleep(300 * time.Millisecond) // plots draw themselves anew
		file := filepath.Join(w.shots, fmt.Sprintf("%s-%d.png", name, width))
		if err := errors.Join(size, w.b.Screenshot(file, false), w.b.Screenshot(strings.Replace(file, ".png", "-whole.png", 1), true)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// accessible wants axe-core silent.
func (w *ward) accessible(name string) {
	w.t.Helper()
	found, err := w.b.Axe(w.axe)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range found {
		w.t.Errorf("%s: %s", name, v)
	}
}

// demoAccount is what a demo account signs in with.
type demoAccount struct {
	User     string `json:"user_name"`
	Password string `json:"password"`
	Secret   string `json:"totp_secret"`
}

func (w *ward) account(user string) demoAccount {
	w.t.Helper()
	var state struct {
		Accounts []demoAccount `json:"accounts"`
	}
	text, err := os.ReadFile(filepath.Join(w.s.dir, "demo.json"))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range state.Accounts {
		if a.User == user {
			return a
		}
	}
	w.t.Fatalf("the demo has no %s", user)
	return demoAccount{}
}

// signIn signs a demo account in and returns its password.
func (w *ward) signIn(user string) string {
	w.t.Helper()
	a := w.account(user)
	w.enter(user, a.Password, a.Secret, time.Time{})
	return a.Password
}

// enter signs somebody in who has used no code since then.
func (w *ward) enter(user, password, secret string, used time.Time) {
	w.t.Helper()
	w.open("/sign-in", "#user")
	w.look("sign-in")
	w.do(chromedp.SendKeys("#user", user), chromedp.SendKeys("#password", password), chromedp.Submit("#password"), chromedp.WaitVisible("#code"))
	w.do(chromedp.SendKeys("#code", codeAfter(w.t, secret, used)), chromedp.Submit("#code"), chromedp.WaitVisible("#q"))
}

// familyOf asks the API for a patient's family name.
func familyOf(s *server, patient string) string {
	s.t.Helper()
	got := s.client("system/Patient.rs").do(http.MethodGet, "/fhir/Patient/"+patient, nil)
	var p struct {
		Name []struct {
			Family string `json:"family"`
		} `json:"name"`
	}
	if err := json.Unmarshal(got.body, &p); err != nil || len(p.Name) == 0 || p.Name[0].Family == "" {
		s.t.Fatalf("%s has no name (%d)", patient, got.status)
	}
	return p.Name[0].Family
}
