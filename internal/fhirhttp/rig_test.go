package fhirhttp_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/job"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/notify"
	"github.com/wardkeep/wardkeep/internal/outbound"
	"github.com/wardkeep/wardkeep/internal/reindex"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
	"github.com/wardkeep/wardkeep/internal/web"
	"github.com/wardkeep/wardkeep/policies"
)

const base = "https://ehr.example.org/fhir"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rig is the API over the whole trust core in memory. The bearer token is the
// name of an actor.
type rig struct {
	t      *testing.T
	api    http.Handler
	clock  *clock.Manual
	log    *audit.Log
	config fhirhttp.Config
	actors map[string]identity.Actor
	jobs   *job.Engine
	cells  job.Cells
	sealer *seal.Sealer
	folder string           // of sealed files
	rights atomic.Value     // of jobs of the program: the name of whose it has, if it was set
	source *outbound.Client // of imports; nil: none are carried out
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRig(t *testing.T) *rig { return newRigThat(t, chart.Validation{}) }

// newRigThat is a rig that validates what is written.
func newRigThat(t *testing.T, v chart.Validation) *rig {
	t.Helper()
	ctx := context.Background()
	r := &rig{t: t, clock: clock.NewManual(noon), actors: map[string]identity.Actor{}}
	engine, err := pebble.OpenMemory(r.clock)
	check(t, err)
	t.Cleanup(func() { check(t, engine.Close()) })
	keyring := local.New([32]byte{1})
	cfg := seal.Config{Tenant: "test", Keyring: keyring, Cells: engine, Clock: r.clock}
	batch, err := seal.Init(ctx, cfg)
	check(t, err)
	batch.Time = noon
	_, err = engine.Commit(ctx, batch)
	check(t, err)
	sealer, err := seal.Open(ctx, cfg)
	check(t, err)
	log, err := audit.Open(ctx, audit.Config{Store: engine, Sealer: sealer, Keyring: keyring, Clock: r.clock, Tenant: "test"})
	check(t, err)
	t.Cleanup(func() { check(t, log.Close(ctx)) })
	policy, err := authz.New(policies.Files)
	check(t, err)
	quiet := slog.New(slog.DiscardHandler)
	records := vault.New(vault.Config{Store: engine, Sealer: sealer, Log: log, Clock: r.clock})
	indexing, err := reindex.Open(ctx, reindex.Config{Vault: records, Compile: reindex.FHIRPath, Clock: r.clock, Slog: quiet})
	check(t, err)
	notifier := notify.New(notify.Config{
		Act: r.act, Catalog: records.Catalog, Client: http.DefaultClient, Base: base, Clock: r.clock, Slog: quiet,
		Allow: func(*url.URL) error { return fault.New(fault.Unprocessable, "rig", "") },
	})
	door := chart.New(chart.Config{
		Vault: records, Log: log, Policy: policy, Clock: r.clock, Slog: quiet, Base: base, Vet: notifier.Vet,
		Changed:    func(types ...string) { indexing.Changed(types...); notifier.Changed(types...) },
		Validation: v,
	})
	indexing.Start(ctx)
	notifier.Start(ctx, door)
	t.Cleanup(notifier.Close)
	t.Cleanup(indexing.Close)
	r.cells, r.sealer, r.folder = records, sealer, t.TempDir()
	folder, err := blob.OpenFolder(r.folder, r.clock)
	check(t, err)
	blobs, err := blob.New(blob.Config{Bucket: folder, Sealer: sealer})
	check(t, err)
	r.jobs, err = job.Open(ctx, job.Config{Cells: records, Blobs: blobs, Clock: r.clock, Slog: quiet, Act: r.act, Rights: door.Rights})
	check(t, err)
	r.jobs.Register(bulk.ExportKind, &bulk.Exporter{Chart: door, PartRecords: 3})
	t.Cleanup(r.jobs.Close)
	r.log = log
	r.config = fhirhttp.Config{
		Chart: door, Authenticate: r.authenticate, Base: base, TokenURL: "https://ehr.example.org/oauth2/token",
		Version: "test", Released: noon, Clock: r.clock, Notifier: notifier, Indexing: indexing, Jobs: r.jobs, NamesInURLs: true,
	}
	api, err := fhirhttp.New(r.config)
	check(t, err)
	r.api = web.Chain(api, web.Config{Log: slog.New(slog.DiscardHandler), Clock: r.clock, MaxBody: 1 << 20, OnFault: fhirhttp.Fail})
	r.people()
	return r
}

// act gives the rig's programs the rights they have.
func (r *rig) act(_ context.Context, m identity.Mandate) (chart.Actor, error) {
	if other, ok := r.rights.Load().(string); ok && m.ID == "program" {
		a := r.actors[other]
		a.ID = m.ID
		return a, nil
	}
	for _, a := range r.actors {
		if a.ID == m.ID {
			return a, nil
		}
	}
	return r.actors[m.ID], nil
}

func (r *rig) authenticate(req *http.Request) (chart.Actor, error) {
	actor, ok := r.actors[strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		return actor, fault.New(fault.Unauthenticated, "rig", "")
	}
	return actor, nil
}

// people are programs with all scopes and with a few, one that may see nothing,
// and a nurse.
func (r *rig) people() {
	for name, text := range map[string]string{"program": "system/*.cruds", "reader": "system/*.rs", "writer": "system/Observation.cu", "blind": "system/Linkage.r", "blind2": "system/Linkage.c", "obs": "system/Observation.rs"} {
		scopes, err := identity.ParseScopes(text)
		check(r.t, err)
		r.actors[name] = identity.Actor{Kind: identity.KindClient, ID: name, Scopes: scopes, SessionID: "s"}
	}
	r.actors["nurse"] = identity.Actor{
		Kind: identity.KindPerson, ID: "nurse-1", Roles: []string{"nurse"}, WardIDs: []string{"east"},
		PractitionerID: "nurse", MFA: identity.AssuranceMulti, SessionID: "s", Purpose: "TREAT",
	}
	r.actors["importer"] = identity.System("importer", "importer")
}

// call sends one request as the program. headers are "Name: value".
func (r *rig) call(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	var req *http.Request
	if body == "" {
		req = httptest.NewRequest(method, "/fhir"+path, nil)
	} else {
		req = httptest.NewRequest(method, "/fhir"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	req.Header.Set("Authorization", "Bearer program")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.api.ServeHTTP(w, req)
	return w
}

// do is call with a status that must come.
func (r *rig) do(want int, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	w := r.call(method, path, body, headers...)
	if w.Code != want {
		r.t.Errorf("%s %s %v: %d, want %d: %s", method, path, headers, w.Code, want, w.Body)
	}
	return w
}

// as sends the request in another one's name.
func as(name string) string { return "Authorization: Bearer " + name }

// bundle is what tests look at in a Bundle.
type bundle struct {
	Type  string
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource struct {
			ResourceType, ID string
			Meta             struct{ VersionID string }
			Subject          struct{ Reference string }
		}
		Search   struct{ Mode string }
		Request  struct{ Method, URL string }
		Response struct {
			Status, Location, Etag string
			Outcome                json.RawMessage
		}
	}
}

func (r *rig) bundle(w *httptest.ResponseRecorder) bundle {
	r.t.Helper()
	var b bundle
	check(r.t, json.Unmarshal(w.Body.Bytes(), &b))
	return b
}

// link returns the path of a link, below /fhir.
func (b bundle) link(relation string) string {
	for _, l := range b.Link {
		if l.Relation == relation {
			return strings.TrimPrefix(l.URL, base)
		}
	}
	return ""
}

func patient(id, family string) string {
	return `{"resourceType":"Patient","id":"` + id + `","identifier":[{"system":"urn:mrn","value":"M-` + id + `"}],"name":[{"family":"` + family + `"}]}`
}

func result(id, subject, value string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}]},"subject":{"reference":"` + subject + `"},"valueQuantity":{"value":` + value + `}}`
}

// fresh takes the id out of a resource.
func fresh(text string) string {
	before, after, _ := strings.Cut(text, `"id":"`)
	_, after, _ = strings.Cut(after, `",`)
	return before + after
}
