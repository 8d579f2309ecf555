package vault_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// lame is a store that takes some commits more and then fails.
type lame struct {
	store.Store
	left  atomic.Int64
	after func() // what happens behind each commit
}

func (s *lame) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if s.left.Add(-1) < 0 {
		return nil, store.ErrFailed
	}
	if s.after != nil {
		defer s.after()
	}
	return s.Store.Commit(ctx, b)
}

const healthy = 1 << 40

// shelf is a vault on a lame store, with a log and a spool.
type shelf struct {
	*vault.Vault
	t     *testing.T
	store *lame
	log   *audit.Log
	spool *vault.Spool
	kept  []vault.Kept
	err   error // of opening the spool
}

func (r *rig) shelf(path string, left int64) *shelf {
	r.t.Helper()
	s := &shelf{t: r.t, store: &lame{Store: r.store}}
	s.store.left.Store(healthy)
	sealer := r.sealerOn(s.store)
	var err error
	s.log, err = audit.Open(r.t.Context(), audit.Config{Store: s.store, Sealer: sealer, Keyring: local.New([32]byte{1}), Clock: r.clock, Tenant: "test", IntegrateEvery: time.Hour, SweepEvery: time.Hour})
	check(r.t, err)
	r.t.Cleanup(func() { _ = s.log.Close(context.Background()) })
	s.Vault = vault.New(vault.Config{Store: s.store, Sealer: sealer, Log: s.log, Clock: r.clock})
	s.store.left.Store(left)
	s.spool, s.kept, s.err = s.OpenSpool(r.t.Context(), path, slog.New(slog.DiscardHandler))
	r.t.Cleanup(func() { _ = s.spool.Close() })
	return s
}

func emergencyOf(n byte) (audit.Event, []vault.DocWrite) {
	e := audit.Event{
		Time: noon.Add(time.Duration(n) * time.Minute), Actor: "eve", Session: "s", Roles: []string{"doctor"}, Action: "view", Outcome: "success",
		Purpose: "BTG", RequestID: string('a' + rune(n)), Type: "chart: overview", Query: "Observation?patient=ann",
		Items: []audit.Item{{Key: record.Key{n, 1}, Version: 1}},
	}
	if n != 1 {
		return e, nil
	}
	return e, []vault.DocWrite{{
		TypeID: id("emergency", "grant"), Expect: 7, Body: []byte(`{"id":"grant"}`), Words: []search.Word{{Field: "day", Value: []byte("x")}},
	}}
}

// filled is a spool of three emergencies of an outage.
func (r *rig) filled(path string) {
	r.t.Helper()
	s := r.shelf(path, healthy)
	check(r.t, s.err)
	check(r.t, s.spool.Want(r.t.Context()))
	s.store.left.Store(0)
	if err := s.log.Append(r.t.Context(), audit.Event{Action: "view"}); !fault.Is(err, fault.Unavailable) || errors.Is(err, audit.ErrDown) {
		r.t.Fatalf("what fails first: %v", err)
	}
	if err := s.log.Append(r.t.Context(), audit.Event{Action: "view"}); !errors.Is(err, audit.ErrDown) {
		r.t.Fatalf("what is not tried: %v", err)
	}
	for n := range byte(3) {
		e, docs := emergencyOf(n)
		if kept, err := s.spool.Keep(r.t.Context(), e, docs...); err != nil || !kept {
			r.t.Fatalf("%t, %v", kept, err)
		}
	}
	if taken, err := s.spool.Settle(r.t.Context()); err != nil || taken || !s.spool.Waits() {
		r.t.Errorf("a log that failed takes the spool in: %v", err)
	}
	check(r.t, s.spool.Close())
}

func (s *shelf) settled() {
	s.t.Helper()
	_, err := s.spool.Settle(s.t.Context())
	check(s.t, err)
}

// once holds the log to the three emergencies, each once, in order, as they were.
func (s *shelf) once() {
	s.t.Helper()
	check(s.t, s.log.Integrate(s.t.Context()))
	var n byte
	check(s.t, s.log.Search(s.t.Context(), audit.Filter{Actor: "eve"}, func(r *audit.Record) error {
		want, _ := emergencyOf(n)
		n++
		if r.Spooled.Number != uint64(n) || !r.Time.Equal(want.Time) || r.RequestID != want.RequestID || r.Query != want.Query || r.Items[0] != want.Items[0] || r.Purpose != "BTG" {
			s.t.Errorf("entry %d: %+v", n, r.Event)
		}
		return nil
	}))
	if n != 3 {
		s.t.Errorf("%d entries", n)
	}
	doc, err := s.GetDoc(s.t.Context(), "emergency", "grant")
	if err != nil || doc.Version != 1 || string(doc.Body) != `{"id":"grant"}` {
		s.t.Errorf("the record that was kept with one: %+v, %v", doc, err)
	}
	if s.spool.Waits() {
		s.t.Error("the spool was not emptied")
	}
}

// TestTakenInOnce fails the store after each commit of taking a spool in: the next
// start takes the rest, each entry once.
func TestTakenInOnce(t *testing.T) {
	commits := 0
	for done := false; !done; commits++ {
		r, path := newRig(t), filepath.Join(t.TempDir(), "spool")
		r.filled(path)
		was, err := os.ReadFile(path)
		check(t, err)
		first := r.shelf(path, int64(commits))
		done = first.err == nil
		check(t, first.spool.Close())
		second := r.shelf(path, healthy)
		check(t, second.err)
		if !done && len(second.kept) != 3-min(commits, 3) {
			t.Errorf("after %d commits %d entries were taken in", commits, len(second.kept))
		}
		second.once()
		if !done {
			continue
		}
		// The file of before, as a crash leaves it that came before it was replaced.
		check(t, second.spool.Close())
		check(t, os.WriteFile(path, was, 0o600))
		third := r.shelf(path, healthy)
		check(t, third.err)
		third.once()
		now, err := os.ReadFile(path)
		check(t, err)
		if bytes.Equal(was, now) || len(third.kept) != 0 {
			t.Error("it was not emptied")
		}
	}
	if commits != 5 { // three entries and the new spool, each failing once, and none
		t.Errorf("%d ways to fail", commits)
	}
}

// TestHeldBack: while a spool waits, nothing is logged before it.
func TestHeldBack(t *testing.T) {
	r, path := newRig(t), filepath.Join(t.TempDir(), "spool")
	s := r.shelf(path, healthy)
	check(t, s.spool.Want(t.Context()))
	s.log.Hold(true)
	e, docs := emergencyOf(1)
	if kept, err := s.spool.Keep(t.Context(), e, docs...); err != nil || !kept {
		t.Fatalf("%t, %v", kept, err)
	}
	if err := s.log.Append(t.Context(), audit.Event{Action: "view"}); !errors.Is(err, audit.ErrDown) {
		t.Errorf("logged before the spool: %v", err)
	}
	s.settled()
	check(t, s.log.Append(t.Context(), audit.Event{Action: "view"}))
	if kept, err := s.spool.Keep(t.Context(), audit.Event{Action: "view", Actor: "eve"}); err != nil || kept {
		t.Errorf("kept although the log can be written: %t, %v", kept, err)
	}
}

// TestNotEmptied: a spool that was taken in but could not be replaced holds nobody up and
// takes nothing, since nobody would look for it there; it is replaced once that can be.
func TestNotEmptied(t *testing.T) {
	r, dir := newRig(t), filepath.Join(t.TempDir(), "disk")
	check(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "spool")
	s := r.shelf(path, healthy)
	check(t, s.spool.Want(t.Context()))
	s.log.Hold(true)
	for n := range byte(3) {
		e, docs := emergencyOf(n)
		if kept, err := s.spool.Keep(t.Context(), e, docs...); err != nil || !kept {
			t.Fatalf("%t, %v", kept, err)
		}
	}
	s.store.after = func() { // each commit: the last is that of the new spool
		state, err := s.log.SpoolState(t.Context())
		if err == nil && state.Before != [16]byte{} {
			_ = os.Rename(dir, dir+"-away")
		}
	}
	if taken, err := s.spool.Settle(t.Context()); err == nil || !taken {
		t.Fatal("it was emptied on a disk that is away")
	}
	s.store.after = nil
	check(t, os.Rename(dir+"-away", dir))
	check(t, s.log.Append(t.Context(), audit.Event{Action: "view"}))
	s.log.Hold(true) // the log is down again
	if kept, err := s.spool.Keep(t.Context(), audit.Event{Action: "view", Actor: "mallory"}); err == nil || kept {
		t.Error("kept in a spool that was taken in")
	}
	for range 2 {
		s.settled()
	}
	s.once()
	s.log.Hold(true)
	if kept, err := s.spool.Keep(t.Context(), audit.Event{Action: "view", Actor: "nora"}); err != nil || !kept {
		t.Errorf("the new spool: %t, %v", kept, err)
	}
	s.settled()
}

// TestKeptFormat holds the bytes to docs/formats/spool.md.
func TestKeptFormat(t *testing.T) {
	e, docs := emergencyOf(1)
	got, err := vault.Kept{Event: e, Docs: docs}.Append(nil)
	check(t, err)
	want, err := os.ReadFile(filepath.Join("testdata", "kept-1.hex"))
	check(t, err)
	if text := hex.EncodeToString(got); text != strings.Join(strings.Fields(string(want)), "") {
		t.Errorf("%s", text)
	}
	k, err := vault.ParseKept(got)
	check(t, err)
	again, err := k.Append(nil)
	if err != nil || !bytes.Equal(again, got) || k.Docs[0].ID != "grant" {
		t.Errorf("%+v, %v", k, err)
	}
	account := 1 + 4 + int(got[4])
	whole := account + 4 + int(got[account+3]) // without its record
	for cut := range got {
		if _, err := vault.ParseKept(got[:cut]); (err == nil) != (cut == whole) {
			t.Errorf("cut at %d of %d: %v", cut, len(got), err)
		}
	}
}
