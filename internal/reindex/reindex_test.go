package reindex_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/reindex"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// rig is a vault and the manager of its parameters.
type rig struct {
	*testing.T
	vault   *vault.Vault
	manager *reindex.Manager
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRig(t *testing.T) *rig {
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
	log, err := audit.Open(ctx, audit.Config{Store: engine, Sealer: sealer, Keyring: keys.Keyring, Tenant: "test"})
	check(t, err)
	t.Cleanup(func() { check(t, log.Close(ctx)) })
	return &rig{T: t, vault: vault.New(vault.Config{Store: engine, Sealer: sealer, Log: log, Clock: clock.System{}})}
}

// open starts the manager, as a server's start does.
func (r *rig) open() {
	r.Helper()
	var err error
	r.manager, err = reindex.Open(context.Background(), reindex.Config{
		Vault: r.vault, Compile: fakeCompile, Clock: clock.System{}, Slog: slog.New(slog.DiscardHandler),
	})
	check(r.T, err)
	r.manager.Start(context.Background())
	r.Cleanup(r.manager.Close)
}

// fakeCompile knows one expression, extension(URL): what FHIRPath is, is not the
// matter here.
func fakeCompile(expression string) (func(*fhir.Resource, func(fhir.Node, string)) error, error) {
	url, ok := strings.CutPrefix(expression, "extension ")
	if !ok {
		return nil, errors.New("not FHIRPath")
	}
	return func(r *fhir.Resource, visit func(fhir.Node, string)) error {
		for ext := range r.Root().All("extension") {
			if ext.Get("url").Text() == url {
				visit(ext.Get("value"), "")
			}
		}
		return nil
	}, nil
}

func (r *rig) put(text string) {
	r.Helper()
	ctx := context.Background()
	res, err := fhir.Parse([]byte(text))
	check(r.T, err)
	id := vault.TypeID{Type: res.Type(), ID: res.ID()}
	old, err := r.vault.Get(ctx, id)
	check(r.T, err)
	_, err = r.vault.Commit(ctx, vault.Tx{Changes: []vault.Change{{TypeID: id, Expect: old.Version, Resource: res}}})
	check(r.T, err)
	if r.manager != nil {
		r.manager.Changed(res.Type())
	}
}

func parameter(id, code, typ, status, expression string) string {
	return fmt.Sprintf(`{"resourceType":"SearchParameter","id":"%s","url":"http://example.org/%s","name":"x","status":"%s","description":"x",`+
		`"code":"%s","base":["Patient"],"type":"%s","expression":"%s"}`, id, id, status, code, typ, expression)
}

func person(id, nick string) string {
	return `{"resourceType":"Patient","id":"` + id + `","extension":[{"url":"urn:nick","valueString":"` + nick + `"}]}`
}

// await waits for a state.
func (r *rig) await(id string, want reindex.State) reindex.Status {
	r.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s, err := r.manager.Status(context.Background(), id)
		if err == nil && s.State == want {
			return s
		}
		if time.Now().After(deadline) {
			r.Fatalf("%s is %+v, %v; want %s", id, s, err, want)
		}
	}
}

func (r *rig) total(key, value string) (int, error) {
	q, err := search.Parse("Patient", []search.Param{{Key: key, Value: value}}, search.Options{Catalog: r.vault.Catalog()})
	if err != nil {
		return 0, err
	}
	result, err := r.vault.Search(context.Background(), vault.SearchRequest{Query: q, Total: true})
	if err != nil {
		return 0, err
	}
	return result.Total, nil
}

// TestLifeOfAParameter: posted, indexed, searched by, changed, retired.
func TestLifeOfAParameter(t *testing.T) {
	r := newRig(t)
	for n := range 430 {
		r.put(person(fmt.Sprint("p", n), "Nick"))
	}
	r.open()
	r.put(parameter("nick", "nick", "string", "draft", "extension urn:nick"))
	if _, err := r.total("nick", "nick"); err == nil {
		t.Error("a draft can be searched by")
	}
	r.put(parameter("nick", "nick", "string", "active", "extension urn:nick"))
	s := r.await("nick", reindex.Ready)
	if s.Looked != 430 || s.Amended != 430 || s.Finished.IsZero() {
		t.Errorf("status %+v", s)
	}
	r.put(person("late", "Nicky"))
	if n, err := r.total("nick", "nick"); err != nil || n != 431 {
		t.Errorf("finds %d, %v", n, err)
	}
	r.put(parameter("nick", "nick", "token", "active", "extension urn:nick"))
	r.await("nick", reindex.Ready)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if n, err := r.total("nick", "Nick"); err == nil && n == 430 { // a token is whole: Nicky is another
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("after a change it finds %d, %v", n, err)
		}
	}
	r.put(parameter("nick", "nick", "token", "retired", "extension urn:nick"))
	r.await("nick", reindex.Retired)
	if _, err := r.total("nick", "Nick"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a retired parameter still answers: %v", err)
	}
}

// TestGoesOn: a process that ends in the middle of the work is no harm.
func TestGoesOn(t *testing.T) {
	r := newRig(t)
	for n := range 900 {
		r.put(person(fmt.Sprint("p", n), "Nick"))
	}
	r.put(parameter("nick", "nick", "string", "active", "extension urn:nick"))
	r.open()
	for {
		s, err := r.manager.Status(t.Context(), "nick")
		if err == nil && s.Looked > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	r.manager.Close()
	r.vault.UseCatalog(search.Base())
	r.open()
	s := r.await("nick", reindex.Ready)
	if s.Looked != 900 || s.Amended != 900 {
		t.Errorf("status %+v", s)
	}
	if n, err := r.total("nick", "nick"); err != nil || n != 900 {
		t.Errorf("finds %d, %v", n, err)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	r.open()
	for id, text := range map[string]string{
		"own":        parameter("own", "family", "string", "active", "extension urn:nick"),
		"composite":  parameter("composite", "pair", "composite", "active", "extension urn:nick"),
		"expression": parameter("expression", "odd", "string", "active", "((("),
		"code":       parameter("code", "_nick", "string", "active", "extension urn:nick"),
	} {
		r.put(text)
		if s := r.await(id, reindex.Refused); s.Reason == "" || s.Finished.IsZero() {
			t.Errorf("%s: %+v", id, s)
		}
	}
	r.put(parameter("first", "nick", "string", "active", "extension urn:nick"))
	r.await("first", reindex.Ready)
	r.put(parameter("second", "nick", "string", "active", "extension urn:nick"))
	r.await("second", reindex.Refused)
	r.put(parameter("first", "nick", "string", "retired", "extension urn:nick"))
	r.await("second", reindex.Ready)
	if _, err := r.manager.Status(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}

// TestRefusedAreNotKept: definitions that are refused, however often they change,
// leave nothing behind, and no start fails of one that was retired.
func TestRefusedAreNotKept(t *testing.T) {
	r := newRig(t)
	r.open()
	for n := range 5 {
		r.put(parameter("odd", "odd", "string", "active", fmt.Sprint("(((", n)))
		r.await("odd", reindex.Refused)
	}
	r.put(parameter("odd", "odd", "string", "retired", "((("))
	r.put(parameter("nick", "nick", "string", "active", "extension urn:nick"))
	r.await("nick", reindex.Ready)
	docs, err := r.vault.ListDocs(t.Context(), reindex.TypeEntry)
	check(t, err)
	if len(docs) != 1 {
		t.Errorf("%d entries are kept", len(docs))
	}
	r.manager.Close()
	r.open()
	r.await("nick", reindex.Ready)
	if _, err := r.manager.Status(t.Context(), "odd"); !fault.Is(err, fault.NotFound) {
		t.Errorf("what was refused and retired: %v", err)
	}
}
