package smart_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/smart"
)

// memory is identity.Records and identity.Audit.
type memory struct {
	clock  clock.Clock
	mu     sync.Mutex
	docs   map[string]identity.Doc
	words  map[string][]identity.Word
	short  map[string][]byte
	until  map[string]time.Time
	events []identity.Event
}

func (m *memory) Get(_ context.Context, typ, id string) (identity.Doc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	doc, ok := m.docs[typ+"/"+id]
	if !ok {
		return doc, fault.New(fault.NotFound, "memory", "")
	}
	return doc, nil
}

func (m *memory) Put(_ context.Context, e identity.Event, writes []identity.Write) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range writes {
		key := w.Type + "/" + w.ID
		if m.docs[key].Version != w.Expect {
			return fault.New(fault.Conflict, "memory", "")
		}
		m.docs[key] = identity.Doc{Type: w.Type, ID: w.ID, Body: bytes.Clone(w.Body), Version: w.Expect + 1}
		m.words[key] = append(w.Words, w.Unique...)
	}
	m.events = append(m.events, e)
	return nil
}

func (m *memory) Find(_ context.Context, typ, field string, value []byte) ([]identity.Doc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []identity.Doc
	for key, words := range m.words {
		for _, w := range words {
			if m.docs[key].Type == typ && w.Field == field && bytes.Equal(w.Value, value) {
				out = append(out, m.docs[key])
			}
		}
	}
	return out, nil
}

func (m *memory) List(_ context.Context, typ string) ([]identity.Doc, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []identity.Doc
	for _, doc := range m.docs {
		if doc.Type == typ {
			out = append(out, doc)
		}
	}
	return out, nil
}

func (m *memory) GetShort(_ context.Context, kind, id string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.short[kind+"/"+id]; ok && m.clock.Now().Before(m.until[kind+"/"+id]) {
		return v, nil
	}
	return nil, fault.New(fault.NotFound, "memory", "")
}

func (m *memory) PutShort(_ context.Context, kind, id string, value []byte, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.short[kind+"/"+id], m.until[kind+"/"+id] = bytes.Clone(value), until
	return nil
}

func (m *memory) DropShort(_ context.Context, kind, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.short, kind+"/"+id)
	return nil
}

func (m *memory) Append(_ context.Context, events ...identity.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, events...)
	return nil
}

func (m *memory) Permit(_ context.Context, a identity.Actor, _, _ string) error {
	if a.Kind == identity.KindSystem {
		return nil
	}
	return fault.New(fault.Denied, "memory", "")
}

const (
	issuer   = "https://ward.example"
	base     = issuer + "/fhir"
	back     = "https://app.example/back"
	password = "three quiet herons at noon"
)

var (
	ctx      = context.Background()
	operator = identity.System("operator", "operator")
)

// rig is the server on the real identity.
type rig struct {
	t       *testing.T
	clock   *clock.Manual
	records *memory
	people  *identity.Service
	server  *smart.Server
	person  identity.Person
	secret  string // of her second factor
	session identity.Grant
	stopped string // what a person was told instead of being led back

	mutual string              // address at which clients show certificates
	shown  []*x509.Certificate // by the next client
	named  string              // in headers, which are not believed
}

var rigTime = time.Date(2026, 3, 7, 8, 0, 10, 0, time.UTC)

func newRig(t *testing.T) *rig {
	t.Helper()
	c := clock.NewManual(rigTime)
	m := &memory{clock: c, docs: map[string]identity.Doc{}, words: map[string][]identity.Word{}, short: map[string][]byte{}, until: map[string]time.Time{}}
	check(t, m.Put(ctx, identity.Event{}, []identity.Write{{Type: identity.TypeSigning, ID: "id-token", Body: signing()}}))
	r := &rig{t: t, clock: c, records: m}
	r.restart()
	p, e, err := r.people.Provision(ctx, operator, identity.NewPerson{
		UserName: "doctor", Given: "Ana", Family: "Okafor", Roles: []string{"doctor"}, PractitionerID: "pr1",
	}, identity.Credentials{Password: password})
	check(t, err)
	r.person, r.secret = p, e.Secret
	r.signIn()
	return r
}

// restart makes a fresh process on what is stored.
func (r *rig) restart() {
	r.t.Helper()
	people, err := identity.New(identity.Config{
		Records: r.records, Audit: r.records, Gate: r.records, Clock: r.clock, MutualTLS: r.mutual != "",
		Narrowing: func(_ context.Context, typ, query string) error {
			if typ == "Observation" && strings.HasPrefix(query, "category=") {
				return nil
			}
			return fault.New(fault.Invalid, "rig", "A scope cannot be narrowed by that.")
		},
		Derive: func(password, salt []byte, c identity.Cost, size uint32) []byte {
			sum := sha256.Sum256(append(append([]byte{}, salt...), password...))
			return sum[:size]
		},
	})
	check(r.t, err)
	r.people = people
	r.server = smart.New(smart.Config{
		Clients: people, Issuer: issuer, FHIRBase: base, Clock: r.clock, Mutual: r.mutual,
		Certificates: func(*http.Request) []*x509.Certificate { return r.shown },
		MaySee: func(_ context.Context, _ identity.Actor, patient string) error {
			if patient != "p1" && patient != "p2" {
				return fault.New(fault.NotFound, "rig", "")
			}
			return nil
		},
		Stop: func(w http.ResponseWriter, _ *http.Request, words string) {
			r.stopped = words
			w.WriteHeader(http.StatusBadRequest)
		},
	})
}

func (r *rig) signIn() {
	r.t.Helper()
	o := identity.Origin{Source: "10.0.0.7"}
	ch, err := r.people.Begin(ctx, "doctor", password, o)
	check(r.t, err)
	code, err := totp.GenerateCode(r.secret, r.clock.Now())
	check(r.t, err)
	r.session, err = r.people.Finish(ctx, ch.Token, code, o)
	check(r.t, err)
	r.clock.Advance(31 * time.Second)
}

// actor is the doctor at work.
func (r *rig) actor() identity.Actor { return r.session.Session.Actor }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// app is a registered program that acts for people.
type app struct {
	*rig
	identity.Client
	secret   string
	verifier string
	scope    string
	patient  string // that the person chooses
}

const allWords = "launch launch/patient openid fhirUser profile offline_access online_access "

func (r *rig) app(scope string, change func(*identity.NewClient)) *app {
	r.t.Helper()
	asked, err := identity.ParseAsked(scope)
	check(r.t, err)
	n := identity.NewClient{
		Name: "Growth", Scopes: asked.Scopes, Words: asked.Words, Auth: identity.AuthNone, RedirectURIs: []string{back},
		LaunchURL: "https://app.example/launch", Origins: []string{"https://app.example"},
	}
	if change != nil {
		change(&n)
	}
	c, secret, err := r.people.RegisterClient(ctx, operator, n)
	check(r.t, err)
	return &app{rig: r, Client: c, secret: secret, verifier: rand.Text() + rand.Text(), scope: scope, patient: "p1"}
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// request is what the app asks, before it is made wrong.
func (a *app) request() url.Values {
	scope := strings.TrimPrefix(a.scope, "launch ") // standalone
	return url.Values{
		"response_type": {"code"}, "client_id": {a.ID}, "redirect_uri": {back}, "scope": {scope}, "state": {"s t/ate"},
		"aud": {base}, "code_challenge": {challenge(a.verifier)}, "code_challenge_method": {"S256"}, "nonce": {"n-1"},
	}
}

// sent is where a browser is led by a request: to the page of a person (its id),
// back to the app (the parameters), or nowhere.
func (r *rig) sent(q url.Values) (id string, params url.Values) {
	r.t.Helper()
	r.stopped = ""
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/oauth2/authorize?"+q.Encode(), nil))
	return r.led(w)
}

func (r *rig) led(w *httptest.ResponseRecorder) (id string, params url.Values) {
	r.t.Helper()
	to := w.Header().Get("Location")
	if id, ok := strings.CutPrefix(to, issuer+"/connect/"); ok {
		return id, nil
	}
	u, err := url.Parse(to)
	check(r.t, err)
	if to != "" && !strings.HasPrefix(to, back+"?") {
		r.t.Fatalf("led to %s", to)
	}
	return "", u.Query()
}

// agree has the person let the app do all it may, and returns the code.
func (a *app) agree(id string) string {
	a.t.Helper()
	if a.clock.Now().After(a.session.Session.Expires) {
		a.signIn()
	}
	q, err := a.server.Question(ctx, a.actor(), id)
	check(a.t, err)
	d := identity.Decision{Allow: true, Granted: q.Granted}
	if q.Choose {
		d.Patient = a.patient
	}
	to, err := a.server.Answer(ctx, a.actor(), id, d)
	check(a.t, err)
	u, err := url.Parse(to)
	check(a.t, err)
	params := u.Query()
	if params.Get("state") != "s t/ate" || params.Get("iss") != issuer || params.Get("code") == "" {
		a.t.Fatalf("answered %s", to)
	}
	return params.Get("code")
}

func (a *app) code() string {
	a.t.Helper()
	id, params := a.sent(a.request())
	if id == "" {
		a.t.Fatalf("refused: %v %s", params, a.stopped)
	}
	return a.agree(id)
}

// tokens is an answer of the token endpoint.
type tokens struct {
	status  int
	Error   string `json:"error"`
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Patient string `json:"patient"`
}

func (a *app) send(path string, form url.Values, out any) int {
	a.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.secret != "" {
		r.SetBasicAuth(a.Client.ID, a.secret)
	}
	w := httptest.NewRecorder()
	a.server.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		check(a.t, json.Unmarshal(w.Body.Bytes(), out))
	}
	return w.Code
}

func (a *app) redeem(code string, change ...string) tokens {
	a.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {a.verifier}}
	if a.secret == "" {
		form.Set("client_id", a.Client.ID)
	}
	for i := 0; i+1 < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	var out tokens
	out.status = a.send("/oauth2/token", form, &out)
	return out
}

func (a *app) refresh(token string, change ...string) tokens {
	return a.redeem("", append([]string{"grant_type", "refresh_token", "code", "", "refresh_token", token}, change...)...)
}

// who is the actor of a token, or why there is none.
func (r *rig) who(token string) (identity.Actor, error) {
	return r.people.Authenticate(ctx, token, identity.Origin{})
}

// alive reports whether a token opens anything, a second after what happened.
func (r *rig) alive(token string) bool {
	r.t.Helper()
	r.clock.Advance(time.Second)
	_, err := r.who(token)
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		r.t.Fatal(err)
	}
	return err == nil
}
