package identity_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

var errDown = errors.New("the log is down")

// fallen is storage whose writes are refused while it is down, and what is kept
// meanwhile.
type fallen struct {
	*fakeRecords
	down, full bool
	kept       []identity.Event
	writes     [][]identity.Write
}

func (f *fallen) refuse() error {
	if f.down {
		return fault.Wrap(fault.Unavailable, "fallen", errDown)
	}
	return nil
}

func (f *fallen) Put(ctx context.Context, e identity.Event, writes []identity.Write) error {
	if err := f.refuse(); err != nil {
		return err
	}
	return f.fakeRecords.Put(ctx, e, writes)
}

func (f *fallen) PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error {
	if err := f.refuse(); err != nil {
		return err
	}
	return f.fakeRecords.PutShort(ctx, kind, id, value, expires)
}

func (f *fallen) DropShort(ctx context.Context, kind, id string) error {
	if err := f.refuse(); err != nil {
		return err
	}
	return f.fakeRecords.DropShort(ctx, kind, id)
}

func (f *fallen) Append(ctx context.Context, events ...identity.Event) error {
	if err := f.refuse(); err != nil {
		return err
	}
	return f.fakeRecords.Append(ctx, events...)
}

func (f *fallen) Down(err error) bool { return errors.Is(err, errDown) }

func (f *fallen) Keep(_ context.Context, e identity.Event, writes []identity.Write) (bool, error) {
	if f.full {
		return false, fault.New(fault.Unavailable, "fallen", "")
	}
	f.kept, f.writes = append(f.kept, e), append(f.writes, writes)
	return true, nil
}

func (f *fallen) told() (actions []string) {
	for _, e := range f.kept {
		actions = append(actions, e.Action+" "+e.Outcome)
	}
	return actions
}

func newFallen(t *testing.T) (*world, *fallen) {
	w := newWorld(t)
	f := &fallen{fakeRecords: w.records}
	w.config.Records, w.config.Audit, w.config.Outage = f, f, f
	w.Service = w.another()
	return w, f
}

// TestSessionsInAnOutage: a session stays open, locks, opens and is proven fresh while
// nothing can be stored; no check is left out, and each proof is told elsewhere.
func TestSessionsInAnOutage(t *testing.T) {
	w, f := newFallen(t)
	ana := w.add("ana.okafor", "doctor")
	g := w.signIn(ana)
	w.clock.Advance(4 * time.Minute)
	f.down = true
	w.resume(g)
	w.clock.Advance(4 * time.Minute)
	actor := w.resume(g) // that she was there is remembered
	if identity.Fresh(actor, w.clock.Now()) {
		t.Fatal("an old proof is fresh")
	}
	code := w.code(ana.secret)
	for name, p := range map[string]identity.Proof{
		"a wrong password": {Password: "four loud crows at dawn", Code: code}, "a wrong code": {Password: goodPassword, Code: "000000"},
	} {
		if _, err := w.StepUp(ctx, g.Token, p, ward); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fresh, err := w.StepUp(ctx, g.Token, identity.Proof{Password: goodPassword, Code: code}, ward)
	must(t, err)
	if !identity.Fresh(w.resume(fresh), w.clock.Now()) {
		t.Error("a fresh proof is none")
	}
	if _, err := w.Resume(ctx, g.Token, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the session under its old id: %v", err)
	}
	if _, err := w.StepUp(ctx, fresh.Token, identity.Proof{Password: goodPassword, Code: code}, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a code is taken twice: %v", err)
	}
	must(t, w.Lock(ctx, fresh.Token))
	if _, err := w.Resume(ctx, fresh.Token, ward); !errors.Is(err, identity.ErrLocked) {
		t.Errorf("a locked session: %v", err)
	}
	fresh, err = w.Unlock(ctx, fresh.Token, goodPassword, ward)
	must(t, err)
	want := []string{"step-up failure", "step-up failure", "step-up success", "step-up failure", "unlock success"}
	if !slices.Equal(f.told(), want) {
		t.Errorf("told: %v", f.told())
	}
	for range 5 {
		if _, err = w.StepUp(ctx, fresh.Token, identity.Proof{Password: "x", Code: "1"}, ward); err == nil {
			t.Error("a wrong proof is taken")
		}
	}
	if _, err := w.Resume(ctx, fresh.Token, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("five wrong proofs: %v", err)
	}
}

// TestNothingElseInAnOutage: nobody signs in, nobody's account is changed, and where
// the log of the outage cannot be written nothing is proven.
func TestNothingElseInAnOutage(t *testing.T) {
	w, f := newFallen(t)
	ana, mia := w.add("ana.okafor", "doctor"), w.add("mia.garcia", "admin")
	g, admin := w.signIn(ana), w.signIn(mia)
	boss := w.resume(admin)
	f.down = true
	if _, err := w.trySignIn(ana, goodPassword, ward); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a sign-in: %v", err)
	}
	if err := w.Disable(ctx, boss, ana.ID, "left"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an account: %v", err)
	}
	f.full = true
	if _, err := w.StepUp(ctx, g.Token, identity.Proof{Password: goodPassword, Code: w.code(ana.secret)}, ward); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a proof that is told nowhere: %v", err)
	}
	if len(f.kept) != 0 {
		t.Errorf("told: %v", f.told())
	}
}

// TestAfterAnOutage: what was kept in memory is stored once the log can be written, and
// a process that started since ends the sessions it knows nothing of.
func TestAfterAnOutage(t *testing.T) {
	w, f := newFallen(t)
	ana := w.add("ana.okafor", "doctor")
	g := w.signIn(ana)
	f.down = true
	fresh, err := w.StepUp(ctx, g.Token, identity.Proof{Password: goodPassword, Code: w.code(ana.secret)}, ward)
	must(t, err)
	f.down = false
	restarted := w.another()
	if _, err := restarted.Resume(ctx, g.Token, ward); err != nil {
		t.Fatalf("the storage knows of an outage: %v", err)
	}
	for i, e := range f.kept {
		must(t, f.fakeRecords.Put(ctx, e, f.writes[i])) // as the spool is taken in
		must(t, restarted.EndKept(ctx, e))
	}
	if _, err := restarted.Resume(ctx, g.Token, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the id of before: %v", err)
	}
	must(t, w.Settle(ctx))
	if _, err := w.another().Resume(ctx, fresh.Token, ward); err != nil {
		t.Errorf("the id since: %v", err)
	}
	if _, err := w.StepUp(ctx, fresh.Token, identity.Proof{Password: goodPassword, Code: w.code(ana.secret)}, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a code of the outage is taken again: %v", err)
	}
	must(t, w.Settle(ctx)) // there is nothing left
}
