package audit_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// slowStore hangs when told to: in the commit, or in the wait for the device.
type slowStore struct {
	store.Store
	commit, wait atomic.Pointer[chan struct{}]
}

func (s *slowStore) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if c := s.commit.Load(); c != nil && b.Link != nil {
		<-*c
	}
	r, err := s.Store.Commit(ctx, b)
	if c := s.wait.Load(); c != nil && err == nil {
		return hanging{r, *c}, nil
	}
	return r, err
}

type hanging struct {
	store.Receipt
	until chan struct{}
}

func (h hanging) Wait() error {
	<-h.until
	return h.Receipt.Wait()
}

// TestDeviceHangs: who is in a hurry is told, whoever asks next at once; that the device
// answers again ends it, and no entry is lost.
func TestDeviceHangs(t *testing.T) {
	for name, place := range map[string]func(*slowStore) *atomic.Pointer[chan struct{}]{
		"in the commit": func(s *slowStore) *atomic.Pointer[chan struct{}] { return &s.commit },
		"in the sync":   func(s *slowStore) *atomic.Pointer[chan struct{}] { return &s.wait },
	} {
		t.Run(name, func(t *testing.T) {
			w, s, l := behind(t, func(s store.Store) *slowStore { return &slowStore{Store: s} })
			hurried := audit.Hurry(t.Context(), 30*time.Millisecond)
			if err := l.Append(hurried, shown("before", 1)); err != nil {
				t.Fatal(err)
			}
			until := make(chan struct{})
			place(s).Store(&until)
			if err := l.Append(hurried, shown("late", 1)); !fault.Is(err, fault.Unavailable) || errors.Is(err, audit.ErrDown) {
				t.Fatalf("the first: %v", err)
			}
			if _, down := l.Down(); !down || l.Writable() {
				t.Error("the log does not know")
			}
			for _, ctx := range []context.Context{hurried, t.Context()} { // nobody waits for what is known
				if err := l.Append(ctx, shown("refused", 1)); !errors.Is(err, audit.ErrDown) {
					t.Errorf("the next: %v", err)
				}
			}
			if l.Err() != nil {
				t.Error("a device that hangs is no failure for good")
			}
			place(s).Store(nil)
			close(until)
			for down := true; down; _, down = l.Down() {
				time.Sleep(time.Millisecond)
			}
			if err := l.Append(hurried, shown("after", 1)); err != nil {
				t.Fatal(err)
			}
			w.close(l)
			if r := w.verify(nil); !r.OK || r.Leaves != 5 { // log-start, before, late, after, log-stop
				t.Error(r)
			}
		})
	}
}

// TestCloseEnds: whoever closes a log on a device that hangs is told so in time.
func TestCloseEnds(t *testing.T) {
	for name, hangs := range map[string]func(*slowStore) *atomic.Pointer[chan struct{}]{
		"in the commit": func(s *slowStore) *atomic.Pointer[chan struct{}] { return &s.commit },
		"in the sync":   func(s *slowStore) *atomic.Pointer[chan struct{}] { return &s.wait },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := &slowStore{Store: w.store}
			w.store = s
			c := quietConfig(w)
			c.CloseWithin = 30 * time.Millisecond
			l, err := audit.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			w.append(l, shown("before", 1))
			until := make(chan struct{})
			hangs(s).Store(&until)
			closed := make(chan error, 1)
			go func() { closed <- l.Close(t.Context()) }()
			select {
			case err := <-closed:
				if !fault.Is(err, fault.Unavailable) || !errors.Is(err, audit.ErrHangs) {
					t.Errorf("closed: %v", err)
				}
			case <-time.After(20 * time.Second): // the machine may be busy
				t.Error("whoever closes waits for the device")
			}
			hangs(s).Store(nil)
			close(until)
		})
	}
}

// TestHold: nothing is logged before a spool, but what comes by it.
func TestHold(t *testing.T) {
	w, _, l := brittle(t)
	id := [16]byte{7}
	if err := l.SetSpool(t.Context(), audit.SpoolState{}, audit.SpoolState{Spool: id}); err != nil {
		t.Fatal(err)
	}
	l.Hold(true)
	if err := l.Append(t.Context(), shown("other", 1)); !errors.Is(err, audit.ErrDown) {
		t.Errorf("logged before the spool: %v", err)
	}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	take := func(n uint64) error {
		ctx := audit.TakingIn(t.Context(), audit.Intake{Spooled: audit.Spooled{Spool: id, Number: n}, Time: at})
		return l.Append(ctx, shown("spooled", 1))
	}
	if err := take(2); err == nil {
		t.Error("the second before the first")
	}
	if err := take(1); err != nil {
		t.Fatal(err)
	}
	if err := take(1); !errors.Is(err, audit.ErrTaken) {
		t.Errorf("twice: %v", err)
	}
	l.Hold(false)
	w.append(l, shown("other", 1))
	w.integrate(l)
	found, err := l.Find(t.Context(), audit.Filter{RequestID: "spooled"})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d entries, %v", len(found), err)
	}
	r, err := l.Read(t.Context(), found[0])
	if err != nil || !r.Time.Equal(at) || r.Spooled != (audit.Spooled{Spool: id, Number: 1}) {
		t.Errorf("%+v, %v", r, err)
	}
	if text, err := r.FHIR("s", nil); err != nil || !strings.Contains(string(text), "07000000000000000000000000000000-1") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestVerifySpooled: the verifier counts what came by spools, and tells what did not
// come, or came twice.
func TestVerifySpooled(t *testing.T) {
	id := [16]byte{7}
	for name, c := range map[string]struct {
		taken []uint64 // how many the store says, before each of the entries
		wrong string
	}{
		"in order":     {[]uint64{0, 1, 2}, ""},
		"some missing": {[]uint64{0, 4}, "3 entries before the last"},
		"one twice":    {[]uint64{0, 1, 0}, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, l := brittle(t)
			state := audit.SpoolState{}
			for _, n := range c.taken {
				next := audit.SpoolState{Spool: id, Taken: n}
				if err := l.SetSpool(t.Context(), state, next); err != nil {
					t.Fatal(err)
				}
				ctx := audit.TakingIn(t.Context(), audit.Intake{Spooled: audit.Spooled{Spool: id, Number: n + 1}, Time: time.Now()})
				if err := l.Append(ctx, shown("spooled", 1)); err != nil {
					t.Fatal(err)
				}
				state = audit.SpoolState{Spool: id, Taken: n + 1}
			}
			w.append(l, audit.Event{Action: audit.ActionSpool, Actor: "wardkeep"})
			w.close(l)
			r := w.verify(nil)
			if r.Spooled != uint64(len(c.taken)) || r.SpoolAlarms != 1 || !strings.Contains(r.String(), "kept in a spool") {
				t.Error(r)
			}
			if c.wrong == "" && !r.OK || c.wrong != "" && (len(r.Findings) != 1 || r.Findings[0].Code != verify.CodeSpool || !strings.Contains(r.Findings[0].Text, c.wrong)) {
				t.Errorf("%+v", r.Findings)
			}
		})
	}
}
