package outbound_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/outbound"
)

func TestAllow(t *testing.T) {
	c := outbound.New(outbound.Policy{Hosts: []string{"hooks.example.org", "*.partner.example", "lab.example:8443"}})
	for address, want := range map[string]bool{
		"https://hooks.example.org/x":      true,
		"https://HOOKS.example.org:443/x":  true,
		"https://hooks.example.org./x":     true,
		"https://a.b.partner.example/":     true,
		"https://lab.example:8443/":        true,
		"https://lab.example/":             false,
		"https://partner.example/":         false,
		"https://evilpartner.example/":     false,
		"https://hooks.example.org.evil/":  false,
		"https://hooks.example.org:8443/":  false,
		"http://hooks.example.org/":        false,
		"file:///etc/passwd":               false,
		"https://hooks.example.org@evil/x": false,
		"https://127.0.0.1/":               false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if (c.Allow(u) == nil) != want {
			t.Errorf("%s: allowed is not %t", address, want)
		}
	}
	if outbound.New(outbound.Policy{}).Allow(&url.URL{Scheme: "https", Host: "hooks.example.org"}) == nil {
		t.Error("the zero policy allows something")
	}
}

// serve returns a server on this machine, a client of a policy that names it, and
// how often it was called.
func serve(t *testing.T, p outbound.Policy, h http.HandlerFunc) (*outbound.Client, string, *int) {
	t.Helper()
	calls := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		h(w, r)
	}))
	t.Cleanup(s.Close)
	p.Hosts = append(p.Hosts, strings.TrimPrefix(s.URL, "https://"), strings.Replace(strings.TrimPrefix(s.URL, "https://"), "127.0.0.1", "localhost", 1))
	p.Roots = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}
	return outbound.New(p), s.URL, &calls
}

func get(c *outbound.Client, address string) (string, error) {
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		return "", err
	}
	answer, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.Status + " " + string(text), err
}

// TestNameOfThisMachine: a name that is allowed and resolves to an address that is
// not is refused when it is dialled: the name of a rebinding attack is like that.
func TestNameOfThisMachine(t *testing.T) {
	hello := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }
	c, address, calls := serve(t, outbound.Policy{}, hello)
	for _, a := range []string{address, strings.Replace(address, "127.0.0.1", "localhost", 1)} {
		if _, err := get(c, a); err == nil || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "localhost") {
			t.Errorf("got %v", err)
		}
	}
	if *calls != 0 {
		t.Error("this machine was called")
	}
	c, address, _ = serve(t, outbound.Policy{Private: true}, hello) // the control
	if text, err := get(c, address); err != nil || text != "200 OK hello" {
		t.Errorf("with Private: %q, %v", text, err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	c, address, calls := serve(t, outbound.Policy{Private: true}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	if text, err := get(c, address); err != nil || !strings.HasPrefix(text, "302") || *calls != 1 {
		t.Errorf("%q, %v, %d calls", text, err, *calls)
	}
}

func TestBounds(t *testing.T) {
	c, address, _ := serve(t, outbound.Policy{Private: true, Bytes: 5}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Path)-1))
	})
	if text, err := get(c, address+"/xxxxx"); err != nil || text != "200 OK xxxxx" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := get(c, address+"/xxxxxx"); !errors.Is(err, outbound.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	c, address, _ = serve(t, outbound.Policy{Private: true, Timeout: 20 * time.Millisecond}, func(http.ResponseWriter, *http.Request) {
		time.Sleep(100 * time.Millisecond)
	})
	if _, err := get(c, address); err == nil {
		t.Error("waited too long")
	}
}
