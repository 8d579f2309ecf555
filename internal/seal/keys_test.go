package seal_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func TestInitOnce(t *testing.T) {
	_, c := open(t)
	b, err := seal.Init(t.Context(), config(c))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.commit(b.Cells, b.Guards); !errors.Is(err, errGuard) {
		t.Error("tenant keys can be overwritten")
	}
}

// TestOpenFailsClosed: nothing opens with a wrong root, a wrong tenant, a
// missing or exchanged cell, or a store that fails.
// TestShred: without a patient's cell nothing of that patient alone opens.
func TestShred(t *testing.T) {
	s, c := open(t)
	alone := put(t, s, c, observation, []record.Key{key(1)}, "alone", "")
	shared := put(t, s, c, observation, []record.Key{key(1), key(2)}, "shared", "")
	other := put(t, s, c, observation, []record.Key{key(2)}, "other", "")
	if err := c.commit([]record.Cell{s.Shred(key(1))}, nil); err != nil {
		t.Fatal(err)
	}
	s.Forget(key(1))
	if _, _, err := read(t, s, observation, alone); !errors.Is(err, seal.ErrNoKey) || !fault.Is(err, fault.Gone) {
		t.Errorf("shredded: %v", err)
	}
	for want, sealed := range map[string]seal.Sealed{"shared": shared, "other": other} {
		if _, body, err := read(t, s, observation, sealed); err != nil || body != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	// A patient who comes back has a new key, which opens nothing old.
	put(t, s, c, observation, []record.Key{key(1)}, "new", "")
	if _, _, err := read(t, s, observation, alone); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("after a new key: %v", err)
	}
}

// TestCacheExpires: another process learns of a shred by the age of its cache.
func TestCacheExpires(t *testing.T) {
	hands := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s, c := open(t, func(conf *seal.Config) { conf.Clock, conf.CacheAge = hands, time.Minute })
	sealed := put(t, s, c, observation, []record.Key{key(1)}, "body", "")
	if _, _, err := read(t, s, observation, sealed); err != nil {
		t.Fatal(err)
	}
	if err := c.commit([]record.Cell{s.Shred(key(1))}, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 { // use does not prolong it
		hands.Advance(19 * time.Second)
		if _, _, err := read(t, s, observation, sealed); err != nil {
			t.Fatal("the cache forgot too early", err)
		}
	}
	hands.Advance(3 * time.Second)
	if _, _, err := read(t, s, observation, sealed); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("after its age: %v", err)
	}
	if n := s.CachedCount(); n != 0 {
		t.Errorf("%d keys linger", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	s, c := open(t, func(conf *seal.Config) { conf.CacheKeys = 2 })
	var all []seal.Sealed
	for i := range byte(4) {
		all = append(all, put(t, s, c, observation, []record.Key{key(i)}, "b", "c"))
	}
	for range 2 {
		for i := range all {
			if _, _, err := read(t, s, observation, all[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := s.CachedCount(); n != 2 {
		t.Errorf("%d keys are kept", n)
	}
	before := c.readCount() // 2 and 3 are kept; 2 is used, so 0 drives out 3
	for _, i := range []int{2, 0, 2} {
		if _, _, err := read(t, s, observation, all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.readCount() - before; n != 1 {
		t.Errorf("%d reads: the least recently used is not the one that goes", n)
	}
}

// TestSameKeyTwice: a subject new to two batches gets one key; the batch that
// loses the race is sealed again and fits.
func TestSameKeyTwice(t *testing.T) {
	s, c := open(t)
	first, err := s.Seal(t.Context(), observation, []record.Key{key(1)}, []byte("1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Seal(t.Context(), observation, []record.Key{key(1)}, []byte("2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Cells[0].Value) != string(second.Cells[0].Value) {
		t.Fatal("two keys for one subject in one process")
	}
	if _, body, err := read(t, s, observation, second); err != nil || body != "2" {
		t.Error("what was just sealed does not open", err)
	}
	if c.commit(first.Cells, first.Guards) != nil {
		t.Fatal("first")
	}
	if !errors.Is(c.commit(second.Cells, second.Guards), errGuard) {
		t.Fatal("the second does not meet the guard")
	}
	again := put(t, s, c, observation, []record.Key{key(1)}, "2", "")
	if len(again.Cells) != 0 || s.PendingCount() != 0 {
		t.Error("the key is still thought to be new")
	}
}

// TestTwoProcesses: both make a key for a new subject; one wins.
func TestTwoProcesses(t *testing.T) {
	a, c := open(t)
	b := reopen(t, config(c))
	ours, err := a.Seal(t.Context(), observation, []record.Key{key(1)}, []byte("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs := put(t, b, c, observation, []record.Key{key(1)}, "b", "")
	if !errors.Is(c.commit(ours.Cells, ours.Guards), errGuard) {
		t.Fatal("two keys for one subject")
	}
	ours = put(t, a, c, observation, []record.Key{key(1)}, "a", "")
	for want, sealed := range map[string]seal.Sealed{"a": ours, "b": theirs} {
		for _, s := range []*seal.Sealer{a, b} {
			if _, body, err := read(t, s, observation, sealed); err != nil || body != want {
				t.Error(want, err)
			}
		}
	}
}

func TestBatch(t *testing.T) {
	s, c := open(t)
	b := s.Batch()
	if err := b.Prepare(t.Context(), []record.Key{key(1), key(2), key(3)}); err != nil {
		t.Fatal(err)
	}
	before := c.readCount()
	var all []seal.Sealed
	var set []record.Cell
	var guards []record.Guard
	for i := range uint64(20) {
		ref := seal.Ref{Type: "Observation", Key: key(9), Version: i + 1}
		out, err := b.Seal(t.Context(), ref, []record.Key{key(byte(i%2 + 1))}, []byte("x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		all, set, guards = append(all, out), append(set, out.Cells...), append(guards, out.Guards...)
	}
	if len(set) != 2 || len(guards) != 2 {
		t.Errorf("%d cells, %d guards for two new subjects", len(set), len(guards))
	}
	if n := c.readCount() - before; n != 0 {
		t.Errorf("%d reads after Prepare", n)
	}
	if err := c.commit(set, guards); err != nil {
		t.Fatal(err)
	}
	for i, out := range all {
		if _, _, err := read(t, s, seal.Ref{Type: "Observation", Key: key(9), Version: uint64(i) + 1}, out); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKeyVersions: after a rotation of the patient's and of the tenant's key,
// what was sealed before still opens.
func TestKeyVersions(t *testing.T) {
	s, c := open(t)
	old := put(t, s, c, observation, []record.Key{key(1)}, "old", "")
	value, err := s.SealValue("page", nil, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []byte("da") {
		cell, err := seal.AddTenantVersion(t.Context(), config(c), p, c.get(seal.TenantCell("north", p)), 2)
		if err != nil {
			t.Fatal(err)
		}
		c.set(cell, cell.Value)
	}
	s = reopen(t, config(c))
	cell, err := s.AddSubjectVersion(key(1), c.get(s.SubjectCell(key(1))), 1<<22)
	if err != nil {
		t.Fatal(err)
	}
	stale := reopen(t, config(c))
	if _, _, err := read(t, stale, observation, old); err != nil {
		t.Fatal(err)
	}
	c.set(cell, cell.Value)
	fresh := put(t, s, c, observation, []record.Key{key(1)}, "new", "")
	for want, sealed := range map[string]seal.Sealed{"old": old, "new": fresh} {
		if _, body, err := read(t, s, observation, sealed); err != nil || body != want {
			t.Error(want, err)
		}
	}
	if _, body, err := read(t, stale, observation, fresh); err != nil || body != "new" {
		t.Error("a cached cell hides a newer version:", err)
	}
	if got, err := s.OpenValue("page", nil, value); err != nil || string(got) != "value" {
		t.Error(err)
	}
	// An old tenant key that is dropped takes with it what only it wrapped.
	c.set(seal.TenantCell("north", 'd'), onlyNewest(c.get(seal.TenantCell("north", 'd'))))
	s = reopen(t, config(c))
	if _, body, err := read(t, s, observation, fresh); err != nil || body != "new" {
		t.Error(err)
	}
	if _, _, err := read(t, s, observation, old); !errors.Is(err, seal.ErrNoKey) {
		t.Error(err)
	}
}

// onlyNewest keeps the first of two entries of one size.
func onlyNewest(cell []byte) []byte { return cell[:1+(len(cell)-1)/2] }

// TestHostileKeyCells: a damaged or exchanged cell is noticed, and does not
// keep a record shut that another subject's key opens.
func TestPrefetch(t *testing.T) {
	s, c := open(t)
	var cards [][]byte
	for i := range byte(10) {
		cards = append(cards, put(t, s, c, observation, []record.Key{key(i)}, "b", "c").Card)
	}
	s = reopen(t, config(c))
	before := c.readCount()
	if err := s.Prefetch(t.Context(), append(cards, nil, []byte{1})); err != nil {
		t.Fatal(err)
	}
	for _, card := range cards {
		if _, err := s.OpenCard(t.Context(), observation, card); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.readCount() - before; n != 1 {
		t.Errorf("%d reads", n)
	}
}

// TestConcurrent is for the race detector; every worker creates, reads and
// forgets the same few patients.
func TestConcurrent(t *testing.T) {
	s, c := open(t, func(conf *seal.Config) { conf.CacheKeys = 2 })
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				subject := []record.Key{key(byte(i % 5))}
				var out seal.Sealed
				for err := errGuard; err != nil; {
					var sealErr error
					if out, sealErr = s.Seal(t.Context(), observation, subject, []byte("b"), []byte("c")); sealErr != nil {
						t.Error(sealErr)
						return
					}
					err = c.commit(out.Cells, out.Guards)
				}
				if _, _, err := read(t, s, observation, out); err != nil {
					t.Error(err)
				}
				s.Token("Observation.code", []byte{byte(w), byte(i)})
				if i%7 == 0 {
					s.Forget(subject[0])
				}
			}
		})
	}
	wg.Wait()
}

// FuzzKeyCells: whatever the store hands out as a key cell, nothing opens that
// should not, and nothing panics.
