package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// nurse is an app that the demo's nurse has let in, for one patient or for none.
func (s *server) nurse(scope, patient string) *api {
	s.t.Helper()
	return s.person("nurse", scope, patient)
}

// person is an app that somebody of the demo has let in, by the pages a browser would see.
func (s *server) person(user, scope, patient string) *api {
	s.t.Helper()
	out := must(s.t, "client", "add", "--dir", s.dir, "--name", "app", "--public", "--redirect", appBack, "--scope", scope, "--json")
	var c struct {
		ID    string `json:"client_id"`
		Token string `json:"token_url"`
	}
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		s.t.Fatal(err, out)
	}
	b := s.browser()
	b.signIn(user)
	a := &api{server: s, id: c.ID, entry: c.Token}
	a.take(redeemed(c.ID, b.letIn(b.asks(c.ID, scope), patient)))
	return a
}

const (
	appBack     = "http://127.0.0.1:1/back"
	appVerifier = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
)

// redeemed is what an app sends for its code.
func redeemed(id, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {appBack}, "code_verifier": {appVerifier}, "client_id": {id}}
}

// asks begins an authorization, and returns where the person answers.
func (b *pages) asks(id, scope string) (asking string) {
	b.t.Helper()
	sum := sha256.Sum256([]byte(appVerifier))
	page, _ := b.ask(http.MethodGet, "/oauth2/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {appBack}, "scope": {scope}, "state": {"s"}, "aud": {b.base + "/fhir"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode(), nil)
	asking = regexp.MustCompile(`/connect/[A-Za-z0-9_-]+`).FindString(page)
	if asking == "" {
		b.t.Fatalf("nothing is asked: %.600s", page)
	}
	return asking
}

// letIn allows all that is asked, and returns the app's code.
func (b *pages) letIn(asking, patient string) (code string) {
	b.t.Helper()
	page, _ := b.ask(http.MethodGet, asking+"/ask", nil)
	if patient != "" {
		page, _ = b.ask(http.MethodPost, asking+"/patient", url.Values{"patient": {patient}})
	}
	granted := url.Values{"answer": {"allow"}, "patient": {patient}}
	for _, m := range regexp.MustCompile(`name="grant" value="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		granted.Add("grant", m[1])
	}
	page, to := b.ask(http.MethodPost, asking+"/answer", granted)
	found := regexp.MustCompile(`[?&;]code=([A-Za-z0-9_-]+)`).FindStringSubmatch(to + page)
	if found == nil {
		b.t.Fatalf("no code: %s %.900s", to, page)
	}
	return found[1]
}

// pages is a browser as far as the pages of the portal need one.
type pages struct {
	*server
	*http.Client
}

func (s *server) browser() *pages {
	jar, _ := cookiejar.New(nil)
	return &pages{s, &http.Client{
		Jar: jar, Timeout: time.Minute, Transport: s.http.Transport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask returns a page, and where it leads.
func (b *pages) ask(method, path string, form url.Values) (page, to string) {
	b.t.Helper()
	req, _ := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.base)
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.Header.Get("Refresh") + resp.Header.Get("Location") + "\n" + string(text), resp.Header.Get("Location")
}

// signIn signs somebody of the demo in.
func (b *pages) signIn(user string) {
	b.t.Helper()
	var state struct {
		Accounts []struct {
			User     string `json:"user_name"`
			Password string `json:"password"`
			Secret   string `json:"totp_secret"`
		} `json:"accounts"`
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "demo.json"))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range state.Accounts {
		if a.User == user {
			b.ask(http.MethodPost, "/sign-in", url.Values{"user": {user}, "password": {a.Password}})
			for range 3 { // a code is good once: apps come in one after the other
				code := codeNow(b.t, a.Secret)
				used := time.Now()
				if _, to := b.ask(http.MethodPost, "/sign-in/code", url.Values{"code": {code}}); to == "/" {
					return
				}
				codeAfter(b.t, a.Secret, used)
			}
		}
	}
	b.t.Fatalf("%s does not come in", user)
}
