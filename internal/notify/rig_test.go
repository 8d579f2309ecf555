package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/notify"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
	"github.com/wardkeep/wardkeep/policies"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const base = "https://here.example/fhir"

// rig is a chart with its notifier, and an endpoint of a subscriber.
type rig struct {
	*testing.T
	vault    *vault.Vault
	log      *audit.Log
	chart    *chart.Chart
	notifier *notify.Manager
	endpoint *endpoint

	mu     sync.Mutex
	rights identity.Scopes // of the program, today
	gone   bool
	down   bool // nobody can be asked who there is
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, endpoint: newEndpoint(t)}
	ctx := context.Background()
	engine, err := pebble.OpenMemory(clock.System{})
	check(t, err)
	t.Cleanup(func() { check(t, engine.Close()) })
	keys := seal.Config{Tenant: "test", Keyring: local.New([32]byte{1}), Cells: engine}
	batch, err := seal.Init(ctx, keys)
	check(t, err)
	batch.Time = time.Now()
	_, err = engine.Commit(ctx, batch)
	check(t, err)
	sealer, err := seal.Open(ctx, keys)
	check(t, err)
	r.log, err = audit.Open(ctx, audit.Config{Store: engine, Sealer: sealer, Keyring: keys.Keyring, Tenant: "test"})
	check(t, err)
	t.Cleanup(func() { check(t, r.log.Close(ctx)) })
	r.vault = vault.New(vault.Config{Store: engine, Sealer: sealer, Log: r.log, Clock: clock.System{}})
	r.rights, err = identity.ParseScopes("system/*.cruds")
	check(t, err)
	r.open()
	return r
}

// open starts chart and notifier, as a server's start does.
func (r *rig) open() {
	r.Helper()
	policy, err := authz.New(policies.Files)
	check(r.T, err)
	r.notifier = notify.New(notify.Config{
		Act: r.act, Catalog: r.vault.Catalog, Client: r.endpoint.Client(), Allow: allowLoopback,
		Base: base, Clock: clock.System{}, Slog: slog.New(slog.DiscardHandler), Pause: time.Millisecond, Tries: 4,
	})
	r.chart = chart.New(chart.Config{
		Vault: r.vault, Log: r.log, Policy: policy, Clock: clock.System{}, Slog: slog.New(slog.DiscardHandler), Base: base,
		Changed: r.notifier.Changed, Vet: r.notifier.Vet,
	})
	r.notifier.Start(context.Background(), r.chart)
	r.Cleanup(r.notifier.Close)
}

func allowLoopback(u *url.URL) error {
	if u.Hostname() != "127.0.0.1" {
		return fault.New(fault.Unprocessable, "allow", "That host is not allowed.")
	}
	return nil
}

// act stands in for identity: the program has the rights of today.
func (r *rig) act(_ context.Context, m identity.Mandate) (chart.Actor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return chart.Actor{}, fault.New(fault.Unavailable, "act", "")
	}
	if r.gone || m.ID != "program" {
		return chart.Actor{}, fault.New(fault.Denied, "act", "")
	}
	return chart.Actor{Kind: identity.KindClient, ID: m.ID, Scopes: m.Scopes.Meet(r.rights)}, nil
}

func (r *rig) allow(scopes string) {
	s, err := identity.ParseScopes(scopes)
	check(r.T, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rights = s
}

func program(t *testing.T) chart.Actor {
	scopes, err := identity.ParseScopes("system/*.cruds")
	check(t, err)
	return chart.Actor{Kind: identity.KindClient, ID: "program", Scopes: scopes, RequestID: "r"}
}

func (r *rig) try(text string) error {
	r.Helper()
	return r.tryAs(program(r.T), text)
}

func (r *rig) tryAs(actor chart.Actor, text string) error {
	r.Helper()
	res, err := fhir.Parse([]byte(text))
	check(r.T, err)
	_, err = r.chart.Update(context.Background(), actor, res, chart.Condition{})
	return err
}

func (r *rig) put(text string) {
	r.Helper()
	check(r.T, r.try(text))
}

// await waits until a Subscription has a status.
func (r *rig) await(id, status string) chart.Resource {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		res, err := r.chart.Read(context.Background(), program(r.T), "Subscription", id, 0)
		check(r.T, err)
		if res.Root().Get("status").Text() == status {
			return res
		}
		if time.Now().After(deadline) {
			r.Fatalf("%s is %s, want %s", id, res.Root().Get("status").Text(), status)
		}
	}
}

// endpoint is a subscriber's own server.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	told   []told
	answer int    // status; 0: 200
	first  func() // happens at the next request
}

type told struct {
	method, path, auth string
	body               map[string]any
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := told{method: r.Method, path: r.URL.Path, auth: r.Header.Get("Authorization")}
		if text, _ := io.ReadAll(r.Body); len(text) > 0 {
			if err := json.Unmarshal(text, &x.body); err != nil {
				t.Error(err)
			}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.told = append(e.told, x)
		if e.first != nil {
			e.first()
			e.first = nil
		}
		if e.answer != 0 {
			w.WriteHeader(e.answer)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) answers(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = status
}

// wait returns what was told once there are n, and not more shortly after.
func (e *endpoint) wait(t *testing.T, n int) []told {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if e.count() >= n {
			break
		}
	}
	time.Sleep(20 * time.Millisecond)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.told) != n {
		t.Fatalf("told %d times, want %d: %+v", len(e.told), n, e.told)
	}
	return append([]told(nil), e.told...)
}

func (e *endpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.told)
}

func plain(id, status, criteria, endpoint, payload string) string {
	if payload != "" {
		payload = `,"payload":"` + payload + `"`
	}
	return `{"resourceType":"Subscription","id":"` + id + `","status":"` + status + `","reason":"test","criteria":"` + criteria +
		`","channel":{"type":"rest-hook","endpoint":"` + endpoint + `"` + payload + `,"header":["Authorization: Bearer gate"]}}`
}

func topical(id, typ, filter, content, endpoint string) string {
	return `{"resourceType":"Subscription","id":"` + id + `","status":"requested","reason":"test","criteria":"` + base + `/SubscriptionTopic/` + typ + `",` +
		`"_criteria":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria","valueString":"` + filter + `"}]},` +
		`"channel":{"type":"rest-hook","endpoint":"` + endpoint + `","payload":"application/fhir+json",` +
		`"_payload":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"` + content + `"}]}}}`
}

func finding(id, code string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"` + code + `"}]},"subject":{"reference":"Patient/p1"}}`
}

func paths(list []told) string {
	var out []string
	for _, x := range list {
		out = append(out, x.method+" "+x.path)
	}
	return strings.Join(out, ", ")
}

func (r *rig) goDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}
