package e2e_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTenants: whatever north hands out is at south as if nobody had ever made it, and
// does its work at north afterwards.
func TestTenants(t *testing.T) {
	e := openEstate(t)
	t.Run("people", e.people)
	t.Run("programs", e.programs)
	t.Run("certificates", e.certificates)
	t.Run("providers", e.providers)
	t.Run("names", e.names)
	t.Run("commands", e.commands)
	t.Run("one out of service", e.outOfService)
}

// as runs f for both servers under the test given.
func (e *estate) as(t *testing.T) (north, south *tenantServer) {
	for _, s := range []*tenantServer{e.north, e.south} {
		one := *s.server
		one.t = t
		s.server = &one
	}
	return e.north, e.south
}

var passing = regexp.MustCompile(`"(id|diagnostics)":"[^"]*"|data-[a-z-]+="[^"]*"|value="[^"]*"|class="number">[^<]*`)

// unknown wants south to answer what north handed out as it answers what nobody did.
func unknown(t *testing.T, what string, send func(secret string) answer, stolen, nonsense string) {
	t.Helper()
	if stolen == "" || stolen == nonsense {
		t.Fatalf("%s: nothing to steal", what)
	}
	got, none := send(stolen), send(nonsense)
	plain := func(a answer, secret string) string {
		return strings.ReplaceAll(passing.ReplaceAllString(string(a.body), ""), secret, "")
	}
	if got.status != none.status || plain(got, stolen) != plain(none, nonsense) {
		t.Errorf("%s: %d %.300s\nwhat nobody made: %d %.300s", what, got.status, got.body, none.status, none.body)
	}
	if got.status < 300 && !strings.Contains(string(got.body), `"active":false`) {
		t.Errorf("%s: %d %.300s", what, got.status, got.body)
	}
}

// holdsOnly reports whether an answer is about one of the two.
func holdsOnly(a answer, one, other string) bool {
	text := strings.ToLower(string(a.body))
	return strings.Contains(text, one) && !strings.Contains(text, other)
}

// garbled is a secret of the same form that nobody made.
func garbled(secret string) string {
	turn := func(r rune) rune {
		switch {
		case r == 'z' || r == 'Z' || r == '9':
			return r - 3
		case 'a' <= r && r < 'z' || 'A' <= r && r < 'Z' || '0' <= r && r < '9':
			return r + 1
		}
		return r
	}
	at := len(secret) / 2
	return secret[:at] + strings.Map(turn, secret[at:])
}

func (e *estate) people(t *testing.T) {
	north, south := e.as(t)
	const user = "a.lind"
	invitation, other := north.invited(user), south.invited(user)
	enrol := func(code string) answer {
		return south.call("POST", "/enrol", url.Values{"user": {user}, "code": {code}, "password": {"lantern harbor copper"}, "again": {"lantern harbor copper"}})
	}
	unknown(t, "an invitation", enrol, invitation, garbled(invitation))
	ada, her := north.enrols(user, invitation), south.enrols(user, other)
	for range 6 { // who guesses at one is not slowed at the other
		north.call("POST", "/sign-in", url.Values{"user": {user}, "password": {"wrong"}})
	}
	if !her.comesIn(user, "") {
		t.Fatal("south's nurse does not come in")
	}
	twin := &person{pages: south.browser(), password: her.password}
	if (&person{pages: south.browser(), password: ada.password}).comesIn(user, her.recovery[1]) {
		t.Error("north's password opens south")
	}
	if twin.comesIn(user, ada.recovery[0]) {
		t.Error("a recovery code of north opens south")
	}
	if !twin.comesIn(user, her.recovery[2]) {
		t.Error("south's own does not (the control)")
	}
	for deadline := time.Now().Add(30 * time.Second); !ada.comesIn(user, ada.recovery[0]); time.Sleep(3 * time.Second) {
		if time.Now().After(deadline) {
			t.Fatal("north's nurse does not come in")
		}
	}
	page := func(cookies string) answer { return south.call("GET", "/ward", nil, "Cookie", cookies) }
	unknown(t, "a session", page, ada.cookies(), garbled(ada.cookies()))
	if got := north.call("GET", "/chart/p1", nil, "Cookie", ada.cookies()); got.status != 200 || !holdsOnly(got, "north", "south") {
		t.Errorf("her own page: %d", got.status)
	}
	if got := page(her.cookies()); got.status != 200 || !holdsOnly(got, "south", "north") {
		t.Errorf("hers at south: %d", got.status)
	}
	south.call("POST", "/sign-out", url.Values{}, "Cookie", ada.cookies())
	if got := north.call("GET", "/ward", nil, "Cookie", ada.cookies()); got.status != 200 {
		t.Errorf("signing out at south ends the session at north: %d", got.status)
	}
	for _, s := range []*tenantServer{north, south} {
		ask := s.call("POST", "/passkey/ask", url.Values{"for": {"sign-in"}})
		if !strings.Contains(string(ask.body), `"rpId":"`+s.name+`.localhost"`) {
			t.Errorf("passkeys of %s: %s", s.name, ask.body)
		}
	}
	e.apps(t, ada, her)
}

// app registers an app of people.
func (s *tenantServer) app() (id string) {
	s.t.Helper()
	var c struct {
		ID string `json:"client_id"`
	}
	out := must(s.t, "client", "add", "--dir", s.dir, "--name", "app", "--public", "--redirect", appBack, "--scope", "launch/patient patient/*.rs openid fhirUser offline_access", "--json")
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		s.t.Fatal(err)
	}
	return c.ID
}

func (e *estate) apps(t *testing.T, ada, her *person) {
	north, south := e.as(t)
	const scope = "launch/patient patient/*.rs openid fhirUser offline_access"
	id, other := north.app(), south.app()
	asking := ada.asks(id, scope)
	unknown(t, "what an app asks", func(at string) answer { return south.call("GET", at+"/ask", nil, "Cookie", her.cookies()) }, asking, garbled(asking))
	code := ada.letIn(asking, "p1")
	redeem := func(code string) answer { return south.call("POST", "/oauth2/token", redeemed(other, code)) }
	unknown(t, "a code", redeem, code, garbled(code))
	unknown(t, "an app", func(id string) answer { return south.call("POST", "/oauth2/token", redeemed(id, code)) }, id, garbled(id))
	a := &api{server: north.server, id: id, entry: north.base + "/oauth2/token"}
	a.take(redeemed(id, code))
	if got := a.do("GET", "/fhir/Patient/p1", nil); got.status != 200 || !strings.Contains(string(got.body), "Of-north") {
		t.Errorf("the app at its own: %d %s", got.status, got.body)
	}
	read := func(token string) answer {
		return south.call("GET", "/fhir/Patient/p1", nil, "Authorization", "Bearer "+token)
	}
	unknown(t, "an app's token", read, a.token, garbled(a.token))
	refresh := func(token string) answer {
		return south.call("POST", "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {other}})
	}
	unknown(t, "a refresh token", refresh, a.refresh, garbled(a.refresh))
	south.call("POST", "/oauth2/revoke", url.Values{"token": {a.refresh}, "client_id": {other}})
	a.take(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.refresh}, "client_id": {id}})
}

func (e *estate) providers(t *testing.T) {
	north, south := e.as(t)
	away := north.call("POST", "/sign-in/with/idp", url.Values{})
	cookie := regexp.MustCompile(`__Host-wk-away=[^;]+`).FindString(strings.Join(away.header.Values("Set-Cookie"), "\n"))
	state := regexp.MustCompile(`state=([A-Za-z0-9_-]+)`).FindSubmatch(away.body)
	if state == nil {
		state = regexp.MustCompile(`state=([A-Za-z0-9_-]+)`).FindSubmatch([]byte(away.header.Get("Refresh")))
	}
	if cookie == "" || state == nil {
		t.Fatalf("nobody is led away: %d %v %.600s", away.status, away.header, away.body)
	}
	back := func(state string) answer {
		return south.call("GET", "/sign-in/return/idp?code=x&state="+url.QueryEscape(state), nil, "Cookie", cookie)
	}
	unknown(t, "a sign-in by a provider", back, string(state[1]), garbled(string(state[1])))
	for _, s := range []*tenantServer{north, south} {
		token := e.idp.logout("north")
		got := s.call("POST", "/sign-in/ended/idp", url.Values{"logout_token": {token}})
		if want := map[bool]int{true: 200, false: 400}[s == north]; got.status != want {
			t.Errorf("a logout token for north at %s: %d %s", s.name, got.status, got.body)
		}
	}
}

// names are those of hosts: in the connection, in the request, and in what proxies say.
func (e *estate) names(t *testing.T) {
	north, south := e.as(t)
	a, b := north.client("system/*.rs"), south.client("system/*.rs")
	for what, c := range map[string]struct {
		to, of *tenantServer
		token  string
		want   int
	}{
		"own":                                  {north, north, a.token, 200},
		"another's host":                       {north, south, b.token, 421},
		"another's host, with the first token": {north, south, a.token, 421},
		"the other way round":                  {south, north, b.token, 421},
	} {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			transport := c.to.http.Transport.(*http.Transport).Clone()
			transport.ForceAttemptHTTP2 = protocol == "HTTP/2.0"
			if protocol == "HTTP/1.1" {
				transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
			}
			r, _ := http.NewRequest("GET", c.to.base+"/fhir/Patient/p1", nil)
			r.Host = strings.TrimPrefix(c.of.base, "https://")
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("X-Forwarded-Host", strings.TrimPrefix(c.to.base, "https://"))
			resp, err := (&http.Client{Transport: transport}).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			transport.CloseIdleConnections()
			if resp.StatusCode != c.want || resp.Proto != protocol {
				t.Errorf("%s: %s %d", what, resp.Proto, resp.StatusCode)
			}
		}
	}
	for _, name := range []string{"", "west.localhost", "localhost"} {
		conn, err := tls.Dial("tcp", e.listen, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			t.Errorf("who names %q is shown a certificate for %v", name, conn.ConnectionState().PeerCertificates[0].DNSNames)
			_ = conn.Close()
		}
	}
	for host, want := range map[string]string{"north.localhost": north.base + "/ward", "south.localhost:80": south.base + "/ward", "west.localhost": "", e.plain: ""} {
		r, _ := http.NewRequest("GET", "http://"+e.plain+"/ward", nil)
		r.Host = host
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.Header.Get("Location") != want || want == "" && resp.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("plain, %s: %d to %s", host, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

// commands are for one of them, and what they bring out is one's alone.
func (e *estate) commands(t *testing.T) {
	north, south := e.as(t)
	a := north.client("system/*.rs")
	request := a.do("GET", "/fhir/Patient/p1", nil).header.Get("X-Request-Id")
	kept, verifier := t.TempDir(), filepath.Join(t.TempDir(), "wardkeep-verify")
	build := exec.Command("go", "build", "-o", verifier, "./cmd/wardkeep-verify")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	proof := filepath.Join(kept, "proof.json")
	must(t, "audit", "prove", "--config", e.settings, "--tenant", "north", "--request", request, "--out", proof)
	for _, s := range []*tenantServer{north, south} {
		must(t, "audit", "key", "--config", e.settings, "--tenant", s.name, "--out", filepath.Join(kept, s.name))
		out, err := exec.Command(verifier, "proof", proof, "--key", filepath.Join(kept, s.name, "audit.pub")).CombinedOutput()
		if (err == nil) != (s == north) {
			t.Errorf("a proof of north under the key of %s: %v %s", s.name, err, out)
		}
		trail := must(t, "audit", "export", "--config", e.settings, "--tenant", s.name)
		if strings.Contains(trail, request) != (s == north) || strings.Contains(trail, a.id) != (s == north) {
			t.Errorf("north's request in the log of %s", s.name)
		}
	}
	if _, _, code := run(t, "audit", "prove", "--config", e.settings, "--tenant", "south", "--request", request); code != 1 {
		t.Errorf("south proves a request of north: exit %d", code)
	}
	for _, s := range []*tenantServer{north, south} {
		_, _, code := run(t, "audit", "verify", "--config", e.settings, "--tenant", s.name, "--pinned", filepath.Join(kept, "north", "checkpoint"))
		if (code == 0) != (s == north) {
			t.Errorf("%s against north's checkpoint: exit %d", s.name, code)
		}
	}
	if _, errs, code := run(t, "user", "list", "--config", e.settings); code != 2 || !strings.Contains(errs, "north, south") {
		t.Errorf("for nobody: %d %s", code, errs)
	}
	if out := must(t, "client", "list", "--dir", south.dir); strings.Contains(out, a.id) {
		t.Error("the socket of south tells of a program of north")
	}
	for line := range strings.Lines(e.cmd.screen.String()) {
		if strings.Contains(line, request) && !strings.Contains(line, `"tenant":"north"`) {
			t.Errorf("the log does not say whose: %s", line)
		}
	}
}

// outOfService opens south's folder to everybody, and then takes its root key away: north
// goes on. South answers 503 while its root opens the TLS key, and without it nobody at all.
func (e *estate) outOfService(t *testing.T) {
	_, south := e.as(t)
	e.stop()
	if err := os.Chmod(south.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	e.start("https://north")
	for _, path := range []string{"/", "/readyz", "/healthz", "/fhir/metadata", "/fhir/Patient/p1", "/oauth2/token", "/sign-in"} {
		if got := south.call("GET", path, nil); got.status != http.StatusServiceUnavailable || strings.Contains(string(got.body), "folder") {
			t.Errorf("south, %s: %d %s", path, got.status, got.body)
		}
	}
	e.stop()
	if err := os.Chmod(south.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(south.dir, "root.key")
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	e.start("https://north")
	north, _ := e.as(t)
	a := north.client("system/*.rs")
	if got := a.do("GET", "/fhir/Patient/p1", nil); got.status != 200 {
		t.Errorf("north: %d", got.status)
	}
	if _, err := south.http.Get(south.base + "/readyz"); err == nil || !strings.Contains(err.Error(), "tls: ") {
		t.Errorf("south without its root: %v", err)
	}
	if !strings.Contains(e.cmd.screen.String(), `"level":"ERROR","msg":"this tenant is out of service until the server is started anew","tenant":"south"`) {
		t.Errorf("the log:\n%s", e.cmd.screen)
	}
	out, _, code := run(t, "doctor", "--config", e.settings, "--json")
	if code != 1 || !strings.Contains(out, `"ok":true`) || !strings.Contains(out, "root.key is missing") {
		t.Errorf("doctor: %d %s", code, out)
	}
	e.stop()
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*tenantServer{north, south} {
		must(t, "audit", "verify", "--config", e.settings, "--tenant", s.name, "--deep")
	}
	e.start("https://north", "https://south")
}
