package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the binary under test, built once.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wardkeep-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "wardkeep")
	build := exec.Command("go", "build", "-o", program, "./cmd/wardkeep")
	build.Dir, build.Stderr = "..", os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// command is the program with arguments. The settings of the tests are not its own.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "WARDKEEP_") })
	return cmd
}

// run runs a command of the program and returns its output and exit code.
func run(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is run for commands that have to succeed.
func must(t testing.TB, args ...string) string {
	t.Helper()
	out, errs, code := run(t, args...)
	if code != 0 {
		t.Fatalf("wardkeep %s: exit %d\n%s%s", args[0], code, out, errs)
	}
	return out
}

// server is a running demo or server.
type server struct {
	t      testing.TB
	base   string
	dir    string
	screen *screen
	cmd    *exec.Cmd
	exited chan struct{}
	http   *http.Client
}

// screen is what a process prints, readable while it runs.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startDemo starts a demo in dir ("" for a new one) and waits until it serves.
func startDemo(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	return startDemoIn(t, nil, dir, args...)
}

// startDemoIn is startDemo with settings in the environment.
func startDemoIn(t testing.TB, env []string, dir string, args ...string) *server {
	t.Helper()
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "demo")
	}
	listen := freePort(t)
	args = append([]string{"demo", "--dir", dir, "--listen", listen}, args...)
	_, port, _ := net.SplitHostPort(listen)
	return start(t, dir, "https://localhost:"+port, args, env...)
}

func start(t testing.TB, dir, base string, args []string, env ...string) *server {
	t.Helper()
	s := &server{t: t, base: base, dir: dir, screen: &screen{}, cmd: command(args...)}
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.Stdout, s.cmd.Stderr = s.screen, s.screen
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.exited = make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(s.exited) }()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case <-s.exited:
			t.Fatalf("the server ended:\n%s", s.screen)
		case <-deadline:
			t.Fatalf("the server does not become ready:\n%s", s.screen)
		case <-time.After(50 * time.Millisecond):
		}
		if s.ready() {
			return s
		}
	}
}

func (s *server) ready() bool {
	if s.http == nil {
		ca, err := os.ReadFile(filepath.Join(s.dir, "ca.pem"))
		if err != nil {
			return false
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		s.http = &http.Client{
			Timeout:   time.Minute,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, MaxIdleConnsPerHost: 16},
		}
	}
	resp, err := s.http.Get(s.base + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop ends the server as Ctrl-C does.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		s.kill()
		s.t.Errorf("the server did not end within 30 s:\n%s", s.screen)
	}
}

// kill ends the server as a power cut does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// api is a program with a token.
type api struct {
	*server
	token             string
	id, secret, entry string // as which it asks for tokens, and where
	mu                sync.Mutex
	refresh           string
	taken             time.Time
}

// client adds a program with the scope and gets it a token.
func (s *server) client(scope string) *api {
	s.t.Helper()
	var c struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Token  string `json:"token_url"`
	}
	out := must(s.t, "client", "add", "--dir", s.dir, "--name", "test", "--scope", scope, "--secret", "--json")
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		s.t.Fatal(err)
	}
	a := &api{server: s, id: c.ID, secret: c.Secret, entry: c.Token}
	a.renewed()
	return a
}

// renewed is a token that is good for minutes.
func (a *api) renewed() string {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.taken) > time.Minute {
		form := url.Values{"grant_type": {"client_credentials"}}
		if a.refresh != "" {
			form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.refresh}, "client_id": {a.id}}
		}
		a.take(form)
	}
	return a.token
}

// take asks for a token.
func (a *api) take(form url.Values) {
	a.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, a.entry, strings.NewReader(form.Encode()))
	if a.secret != "" {
		req.SetBasicAuth(a.id, a.secret)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.http.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	body, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(body, &token); err != nil || token.Access == "" {
		a.t.Fatalf("no token: %d %s", resp.StatusCode, body)
	}
	a.token, a.refresh, a.taken = token.Access, token.Refresh, time.Now()
}

// answer is one response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("not JSON (%d): %.300s", a.status, a.body)
	}
	return m
}

// do sends a FHIR request. Headers come as pairs.
func (a *api) do(method, path string, body io.Reader, headers ...string) answer {
	a.t.Helper()
	got, err := a.try(method, path, body, headers...)
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

func (a *api) try(method, path string, body io.Reader, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, a.base+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, text}, err
}

// testdata returns a folder of the shared test data, or skips.
func testdata(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("WARDKEEP_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the test data %s is not beside the checkout", name)
	}
	return path
}
