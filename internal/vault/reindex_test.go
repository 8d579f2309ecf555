package vault_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// nickname finds patients by an extension that R4 has no parameter for, and
// their friends by another.
func nickname(indexing, searchable bool) []*search.Parameter {
	at := func(url string) func(*fhir.Resource, func(fhir.Node, string)) error {
		return func(r *fhir.Resource, visit func(fhir.Node, string)) error {
			for ext := range r.Root().All("extension") {
				if ext.Get("url").Text() == url {
					visit(ext.Get("value"), "")
				}
			}
			return nil
		}
	}
	return []*search.Parameter{
		{Number: 1, Code: "nickname", Type: "string", Base: []string{"Patient"}, Indexing: indexing, Searchable: searchable, Eval: at("urn:nickname")},
		{Number: 2, Code: "friend", Type: "reference", Base: []string{"Patient"}, Targets: []string{"Patient"}, Indexing: indexing, Searchable: searchable, Eval: at("urn:friend")},
	}
}

func nicknamed(name, nick, friend string) string {
	return `{"resourceType":"Patient","id":"` + name + `","extension":[{"url":"urn:nickname","valueString":"` + nick + `"},` +
		`{"url":"urn:friend","valueReference":{"reference":"Patient/` + friend + `"}}]}`
}

func reindex(ctx context.Context, v *vault.Vault) (looked, amended int, err error) {
	for step := (vault.Reindexed{}); !step.Done; {
		step, err = v.Reindex(ctx, "Patient", step.Next, audit.Event{Actor: "server"}, func(vault.Reindexed) vault.Job {
			return vault.Job{Name: "reindex", Value: "going on"}
		})
		if err != nil {
			return looked, amended, err
		}
		looked, amended = looked+step.Looked, amended+step.Amended
	}
	return looked, amended, nil
}

func addedQuery(t *testing.T, v *vault.Vault, key, value string) *search.Query {
	t.Helper()
	q, err := search.Parse("Patient", []search.Param{{Key: key, Value: value}}, search.Options{Catalog: v.Catalog()})
	check(t, err)
	return q
}

// TestReindex adds a parameter to a store that is being written to: in the end
// every record is found by it, old and new, changed meanwhile or not, and the
// verifier agrees with every version.
func TestReindex(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	const old = 450
	for n := range old {
		put(t, r.Vault, nicknamed(fmt.Sprint("p", n), "Nick", "x"))
	}
	put(t, r.Vault, patient("plain", "Smith"))
	before, err := r.Get(ctx, id("Patient", "p7"))
	check(t, err)

	with := func(indexing, searchable bool) {
		c, err := search.Base().With(nickname(indexing, searchable)...)
		check(t, err)
		r.UseCatalog(c)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range 60 {
			put(t, r.Vault, nicknamed(fmt.Sprint("new", n), "Nick", "x"))
			put(t, r.Vault, nicknamed(fmt.Sprint("p", 3*n), "Rick", "y")) // changed while it is reindexed
		}
	})
	with(true, false)
	_, _, err = reindex(ctx, r.Vault)
	check(t, err)
	wg.Wait()
	looked, amended, err := reindex(ctx, r.Vault)
	check(t, err)
	if looked != old+60+1 || amended != 0 {
		t.Errorf("a second pass looked at %d and amended %d", looked, amended)
	}
	with(true, true)
	for key, want := range map[string]struct {
		value string
		found int
	}{
		"nickname": {"nick", old}, "nickname:exact": {"Rick", 60}, "friend": {"Patient/y", 60}, "nickname:missing": {"true", 1},
	} {
		result, err := r.Search(ctx, vault.SearchRequest{Query: addedQuery(t, r.Vault, key, want.value), Total: true})
		check(t, err)
		if result.Total != want.found {
			t.Errorf("%s finds %d, want %d", key, result.Total, want.found)
		}
	}
	after, err := r.Get(ctx, id("Patient", "p7"))
	check(t, err)
	if after.Version != before.Version || after.Position != before.Position || !after.Time.Equal(before.Time) || !slices.Equal(after.Body, before.Body) {
		t.Error("reindexing changed more than what the record is found by")
	}
	r.verifies("after reindexing")
	with(false, false)
	put(t, r.Vault, nicknamed("p1", "Nick", "x"))
	r.verifies("after the parameter was retired")
}

// TestReindexIsVerified is the negative control: a version that was amended and is
// set back is found.
func TestReindexIsVerified(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	rec := put(t, r.Vault, nicknamed("p1", "Nick", "x"))
	rows, err := r.store.Get(ctx, []store.Ref{{Key: rec.Key}}, store.WantCard|store.WantBody)
	check(t, err)
	was := rows[0]
	was.Card, was.Body = slices.Clone(was.Card), slices.Clone(was.Body)
	c, err := search.Base().With(nickname(true, false)...)
	check(t, err)
	r.UseCatalog(c)
	if _, amended, err := reindex(ctx, r.Vault); err != nil || amended != 1 {
		t.Fatalf("amended %d, %v", amended, err)
	}
	_, err = r.store.Commit(ctx, record.Batch{Amends: []record.Put{{Key: was.Key, Version: 1, Class: was.Class, Card: was.Card, Body: was.Body}}})
	check(t, err)
	if report := r.verify(); len(wrongVersions(report)) == 0 {
		t.Error("an amended version was set back, and nobody noticed")
	}
}

func (r *rig) verify() *verify.Report {
	r.t.Helper()
	ctx := context.Background()
	sealer := r.sealerOn(r.store)
	report, err := verify.Run(ctx, verify.Config{
		Store: r.store, Key: local.New([32]byte{1}).Public(), Tenant: "test", Token: sealer.Token, Deep: r.Deep(),
		Open: func(aad, sealed []byte) ([]byte, error) { return sealer.OpenValue("audit", aad, sealed) },
	})
	check(r.t, err)
	return report
}

func (r *rig) verifies(when string) {
	r.t.Helper()
	if report := r.verify(); len(wrongVersions(report)) > 0 {
		r.t.Errorf("%s:\n%s", when, report)
	}
}

// wrongVersions are the findings about versions and what they are found by. The
// tree is still growing, so what is said of that does not count here.
func wrongVersions(report *verify.Report) []verify.Finding {
	return slices.DeleteFunc(slices.Clone(report.Findings), func(f verify.Finding) bool {
		return f.Code != verify.CodeIndex && !strings.HasPrefix(string(f.Code), "row-")
	})
}
