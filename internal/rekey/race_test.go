package rekey_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TestWhileWritten: patients come and are read while the root, the data and the audit
// key are replaced under them; nothing is lost, and the log verifies.
func TestWhileWritten(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				id := vault.TypeID{Type: "Patient", ID: fmt.Sprintf("w%d-%d", w, n)}
				res, err := fhir.Parse([]byte(`{"resourceType":"Patient","id":"` + id.ID + `"}`))
				if err == nil {
					_, err = p.vault.Commit(context.Background(), vault.Tx{Changes: []vault.Change{{TypeID: id, Resource: res}}})
				}
				if err == nil {
					_, err = p.vault.Get(context.Background(), id)
				}
				if err != nil {
					t.Errorf("%s: %v", id.ID, err)
				}
			}
		})
	}
	for _, key := range []string{"data", "root", "audit", "data"} {
		check(t, p.Rotate(t.Context(), "os:me", key, "because"))
		check(t, p.Carry(t.Context()))
	}
	wg.Wait()
	r.clock.Advance(rekey.Grace)
	for range 4 {
		check(t, p.Drop(t.Context()))
		check(t, p.Carry(t.Context()))
	}
	if version := newest(t, p, "data"); version != 3 {
		t.Fatalf("version %d", version)
	}
	for version := uint32(1); version < 3; version++ {
		if _, found := p.uses(t, "data", version); found {
			t.Errorf("version %d is kept", version)
		}
	}
	p = r.start(r.engine)
	for w := range writers {
		for n := range each {
			id := vault.TypeID{Type: "Patient", ID: fmt.Sprintf("w%d-%d", w, n)}
			if rec, err := p.vault.Get(t.Context(), id); err != nil || len(rec.Body) == 0 {
				t.Fatalf("%s: %v", id.ID, err)
			}
		}
	}
	r.verify()
}

// TestBackground: what was begun before a restart is done by itself, and Close ends
// the work.
func TestBackground(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 2)
	check(t, p.Rotate(t.Context(), "os:me", "data", "because"))
	told := make(chan struct{})
	var once sync.Once
	next := r.start(r.engine, func(c *rekey.Config) {
		c.Slog = slog.New(slog.DiscardHandler)
		c.Again = func(context.Context) error { once.Do(func() { close(told) }); return nil }
	})
	if next.Started() {
		t.Error("it works before it is started")
	}
	next.Start(t.Context())
	<-told
	next.Close()
	check(t, next.Carry(t.Context())) // if Close was faster than the last commit
	if u, _ := next.uses(t, "data", 1); u.Owners != 0 {
		t.Errorf("%+v are left", u)
	}
}
