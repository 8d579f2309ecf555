package fhirhttp_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/outbound"
)

// importOrder is the body of an import of inputs, each "Type url".
func importOrder(inputs ...string) string {
	var list []string
	for _, in := range inputs {
		typ, at, _ := strings.Cut(in, " ")
		list = append(list, `{"type":"`+typ+`","url":"`+at+`"}`)
	}
	return `{"inputFormat":"application/fhir+ndjson","inputSource":"https://other.example.org/fhir","storageDetail":{"type":"https"},"inputs":[` + strings.Join(list, ",") + `]}`
}

func (r *rig) receiver() *bulk.Receiver {
	return &bulk.Receiver{
		Filing: &bulk.Filing{Chart: r.config.Chart, Marks: r.cells.(bulk.Marks)}, Client: r.source, Clock: r.clock, Idle: 5 * time.Second,
	}
}

// importing is a rig that imports from a server on this machine, and the address
// of that server.
func importing(t *testing.T, source http.HandlerFunc, policy ...outbound.Policy) (*rig, string) {
	t.Helper()
	s := httptest.NewTLSServer(source)
	t.Cleanup(s.Close)
	p := outbound.Policy{Private: true, Bytes: 64 << 20}
	if len(policy) > 0 {
		p = policy[0]
	}
	p.Hosts = []string{strings.TrimPrefix(s.URL, "https://")}
	p.Roots = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	r := wards(t)
	r.source = outbound.New(p)
	r.config.AllowSource = r.source.Allow
	var err error
	r.api, err = fhirhttp.New(r.config)
	check(t, err)
	r.jobs.Register(bulk.ImportKind, r.receiver())
	return r, s.URL
}

// texts serves a text for each path.
func texts(files map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}
}

// imports is what a manifest of an import tells: "Type count" of each input, and
// the outcomes.
func (r *rig) imports(at string, headers ...string) (stored, outcomes []string) {
	r.t.Helper()
	m := r.manifest(r.await(at, headers...))
	for _, out := range m.Output {
		stored = append(stored, fmt.Sprint(out.Type, " ", out.Count))
	}
	for _, f := range m.Error {
		text := r.do(200, "GET", strings.TrimPrefix(f.URL, base), "", headers...).Body.String()
		list := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(list) != f.Count || f.Type != "OperationOutcome" {
			r.t.Errorf("%d outcomes in a file of %d", len(list), f.Count)
		}
		outcomes = append(outcomes, list...)
	}
	return stored, outcomes
}

// numbered is n patients, a line each.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"resourceType\":\"Patient\",\"id\":\"n%d\",\"name\":[{\"family\":\"New\"}]}\n", i)
	}
	return b.String()
}

func (r *rig) count(query string) int {
	r.t.Helper()
	b := r.bundle(r.do(200, "GET", query+"&_summary=count", ""))
	return *b.Total
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	check(t, err)
	check(t, w.Close())
	return b.String()
}

// halting serves lines and stands still after some of them until released.
type halting struct {
	lines    string
	first    int
	release  chan struct{}
	left     chan struct{} // somebody went away while it stood still
	requests atomic.Int64
}

func (h *halting) serve(w http.ResponseWriter, r *http.Request) {
	h.requests.Add(1)
	_, _ = w.Write([]byte(h.lines[:h.first]))
	w.(http.Flusher).Flush()
	select {
	case <-h.release:
		_, _ = w.Write([]byte(h.lines[h.first:]))
	case <-r.Context().Done():
		h.left <- struct{}{}
	}
}

func newHalting(n, first int) *halting {
	return &halting{lines: numbered(n), first: len(numbered(first)), release: make(chan struct{}), left: make(chan struct{}, 10)}
}

func (r *rig) until(what string, done func() bool) {
	r.t.Helper()
	for range 5000 {
		if done() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	r.t.Fatal(what)
}

// newOnce checks that there are n new patients, of one version each.
func (r *rig) newOnce(n int) {
	r.t.Helper()
	b := r.bundle(r.do(200, "GET", "/Patient?family=New&_count=1000", ""))
	if len(b.Entry) != n {
		r.t.Errorf("%d records, want %d", len(b.Entry), n)
	}
	for _, e := range b.Entry {
		if e.Resource.Meta.VersionID != "1" {
			r.t.Errorf("%s was filed %s times", e.Resource.ID, e.Resource.Meta.VersionID)
		}
	}
}
