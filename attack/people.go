package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// person is an account of the hospital, enrolled and signed in as people are.
type person struct {
	s              *server
	User, Password string
	Secret         string   // of the authenticator
	Recovery       string   // a code that signs in once
	Spare          []string // further such codes
	Cookie         string   // of the session
	Practitioner   string
	Roles          []string
}

const form = "Content-Type: application/x-www-form-urlencoded"

// browser keeps cookies, and follows nothing by itself.
type browser struct {
	*line
	cookies map[string]string
}

func (s *server) browser() *browser { return &browser{&line{dialler: s.dialler}, map[string]string{}} }

func (b *browser) send(ctx context.Context, method, target string, values url.Values) (answer, error) {
	q := request{Method: method, Target: target}
	if values != nil {
		q = q.with(form)
		q.Body = values.Encode()
	}
	for name, value := range b.cookies {
		q = q.with("Cookie: " + name + "=" + value)
	}
	if len(q.Header) > 1 { // one header of cookies
		var all []string
		var rest []string
		for _, h := range q.Header {
			if v, ok := strings.CutPrefix(h, "Cookie: "); ok {
				all = append(all, v)
			} else {
				rest = append(rest, h)
			}
		}
		q.Header = rest
		if len(all) > 0 {
			q.Header = append(rest, "Cookie: "+strings.Join(all, "; "))
		}
	}
	a, err := b.do(ctx, q)
	if err != nil {
		return a, err
	}
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a, nil
}

// want sends, and fails unless the status is the one that is wanted.
func (b *browser) want(ctx context.Context, status int, method, target string, values url.Values) (answer, error) {
	a, err := b.send(ctx, method, target, values)
	if err == nil && a.Status != status {
		err = fmt.Errorf("%s %s: %d, not %d", method, strings.SplitN(target, "?", 2)[0], a.Status, status)
	}
	return a, err
}

var (
	recoveryText = regexp.MustCompile(`<ol class="recovery"[^>]*><li>([^<]+)</li>`)
	recoveries   = regexp.MustCompile(`<li>([a-z0-9-]{20,})</li>`)
)

var secretText = regexp.MustCompile(`<p class="secret"[^>]*>([^<]+)</p>`)

const password = "lantern harbor copper meadow"

// hire adds somebody, has him enrol, and attests. own is the record of which she is the
// patient, "" for none.
func (s *server) hire(ctx context.Context, user, practitioner string, roles, wards []string, own string) (*person, error) {
	var invited struct {
		Code string `json:"enrolment_code"`
	}
	args := []string{"user", "add", user, "--role", strings.Join(roles, ","), "--given", "Attack", "--family", "Er"}
	for _, w := range wards {
		args = append(args, "--ward", w)
	}
	if practitioner != "" {
		args = append(args, "--practitioner", practitioner)
	}
	if own != "" {
		args = append(args, "--patient", own)
	}
	if err := s.json(ctx, &invited, args...); err != nil {
		return nil, err
	}
	p := &person{s: s, User: user, Password: s.password(), Practitioner: practitioner, Roles: roles}
	b := s.browser()
	defer b.close()
	if _, err := b.want(ctx, 303, "POST", "/enrol", url.Values{"user": {user}, "code": {invited.Code}, "password": {s.password()}, "again": {s.password()}}); err != nil {
		return nil, err
	}
	a, err := b.want(ctx, 200, "GET", "/enrol/authenticator", nil)
	if err != nil {
		return nil, err
	}
	m := secretText.FindSubmatch(a.Body)
	if m == nil {
		return nil, fmt.Errorf("enrolment of %s shows no secret", user)
	}
	p.Secret = strings.ReplaceAll(string(m[1]), " ", "")
	if left := 30 - time.Now().Unix()%30; left < 3 { // a code ends with its step
		time.Sleep(time.Duration(left) * time.Second)
	}
	code, err := totp.GenerateCode(p.Secret, time.Now())
	if err != nil {
		return nil, err
	}
	if a, err = b.want(ctx, 200, "POST", "/enrol/authenticator", url.Values{"code": {code}}); err != nil {
		return nil, err
	}
	if m = recoveryText.FindSubmatch(a.Body); m == nil {
		return nil, fmt.Errorf("enrolment of %s shows no recovery codes", user)
	}
	p.Recovery = string(m[1])
	for _, m := range recoveries.FindAllSubmatch(a.Body, -1) {
		if string(m[1]) != p.Recovery {
			p.Spare = append(p.Spare, string(m[1]))
		}
	}
	_, err = s.run(ctx, "user", "attest", user, "--dir", s.dir, "--clearance", "2026-01-05", "--training", "2026-01-09", "--by", "Personnel office")
	return p, err
}

// signIn opens a session. Each code works once, and that of the enrolment is used: a
// recovery code comes before the authenticator shows another.
func (p *person) signIn(ctx context.Context) error { return p.signInWith(ctx, "") }

// signInWith is signIn with a cookie of a session that was there before.
func (p *person) signInWith(ctx context.Context, before string) error {
	b := p.s.browser()
	defer b.close()
	if before != "" {
		b.cookies[sessionCookie] = before
	}
	if _, err := b.want(ctx, 303, "POST", "/sign-in", url.Values{"user": {p.User}, "password": {p.Password}}); err != nil {
		return err
	}
	if _, err := b.want(ctx, 200, "POST", "/sign-in/code", url.Values{"code": {p.Recovery}}); err != nil {
		return fmt.Errorf("%s: %w", p.User, err)
	}
	p.Cookie = b.cookies[sessionCookie]
	return nil
}

const sessionCookie = "__Host-wk"

func (p *person) browser() *browser {
	b := p.s.browser()
	b.cookies[sessionCookie] = p.Cookie
	return b
}

// app is a program that acts for people.
type app struct {
	s           *server
	ID          string
	Redirect    string
	Scope       string
	Description string
}

func (s *server) addApp(ctx context.Context, name, redirect, scope string) (*app, error) {
	var c struct {
		ID string `json:"client_id"`
	}
	err := s.json(ctx, &c, "client", "add", "--name", name, "--public", "--redirect", redirect, "--origin", "https://app.example.org", "--scope", scope)
	return &app{s: s, ID: c.ID, Redirect: redirect, Scope: scope}, err
}

// grant is what an app was given.
type grant struct {
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token"`
	Scope    string `json:"scope"`
	Identity string `json:"id_token"`
	Patient  string `json:"patient"`
	Code     string `json:"-"`
	Verify   string `json:"-"`
}

var (
	grantValue = regexp.MustCompile(`name="grant" value="([^"]*)"`)
	refreshTo  = regexp.MustCompile(`^0; url=(.*)$`)
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorization is the address that begins an authorization in order.
func (a *app) authorization(scope, verifier string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {a.Redirect}, "scope": {scope}, "state": {rand.Text()},
		"aud": {a.s.base + "/fhir"}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
}

// code has a person let the app in, and returns the code it is answered with.
func (a *app) code(ctx context.Context, p *person, scope, patient, verifier string) (string, error) {
	b := p.browser()
	defer b.close()
	got, err := b.want(ctx, 303, "GET", "/oauth2/authorize?"+a.authorization(scope, verifier).Encode(), nil)
	if err != nil {
		return "", err
	}
	at := strings.TrimPrefix(got.Header.Get("Location"), a.s.base)
	page, err := b.want(ctx, 200, "GET", at+"/ask", nil)
	if err == nil && patient != "" {
		page, err = b.want(ctx, 200, "POST", at+"/patient", url.Values{"patient": {patient}})
	}
	if err != nil {
		return "", err
	}
	values := url.Values{"answer": {"allow"}}
	if patient != "" {
		values.Set("patient", patient)
	}
	for _, m := range grantValue.FindAllSubmatch(page.Body, -1) {
		values.Add("grant", html.UnescapeString(string(m[1])))
	}
	done, err := b.want(ctx, 200, "POST", at+"/answer", values)
	if err != nil {
		return "", err
	}
	m := refreshTo.FindStringSubmatch(done.Header.Get("Refresh"))
	if m == nil {
		return "", fmt.Errorf("%s is not led back", p.User)
	}
	to, err := url.Parse(m[1])
	if err != nil || to.Query().Get("code") == "" {
		return "", fmt.Errorf("%s is led back without a code", p.User)
	}
	return to.Query().Get("code"), nil
}

// let is the whole flow: code and PKCE, and the tokens for it.
func (a *app) let(ctx context.Context, p *person, scope, patient string) (*grant, error) {
	verifier := rand.Text() + rand.Text()
	code, err := a.code(ctx, p, scope, patient, verifier)
	if err != nil {
		return nil, err
	}
	b := a.s.browser()
	defer b.close()
	got, err := b.want(ctx, 200, "POST", "/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {a.ID}, "code": {code}, "redirect_uri": {a.Redirect}, "code_verifier": {verifier},
	})
	if err != nil {
		return nil, err
	}
	g := &grant{Code: code, Verify: verifier}
	return g, json.Unmarshal(got.Body, g)
}
