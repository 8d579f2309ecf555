package identity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestCover: a charge nurse puts somebody on her ward; it holds at once, in sessions
// that are open, and ends by itself with the shift.
func TestCover(t *testing.T) {
	w := newWorld(t)
	charge := w.resume(w.signIn(w.add("carla", "nurse", "charge")))
	nora := w.add("nora", "nurse")
	open := w.signIn(nora)
	own := []string{"ward-9"}
	_, err := w.ChangePerson(ctx, operator, nora.ID, "moved", identity.Change{WardIDs: &own})
	must(t, err)
	wards := func() []string { w.clock.Advance(time.Second); return w.resume(open).WardIDs }
	if got := wards(); !slices.Equal(got, own) {
		t.Fatalf("before: %v", got)
	}
	until := w.clock.Now().Add(4 * time.Minute) // sessions lock when nobody is at them
	must(t, w.CoverWard(ctx, charge, nora.ID, "ward-3", until.Add(time.Hour)))
	must(t, w.CoverWard(ctx, charge, nora.ID, "ward-3", until)) // replaces the other
	if got := wards(); !slices.Equal(got, []string{"ward-9", "ward-3"}) {
		t.Errorf("covering: %v", got)
	}
	w.clock.Advance(until.Sub(w.clock.Now()) - 2*time.Second)
	if got := wards(); len(got) != 2 {
		t.Errorf("a second before the end: %v", got)
	}
	if got := wards(); !slices.Equal(got, own) {
		t.Errorf("after the shift: %v", got)
	}

	must(t, w.CoverWard(ctx, charge, nora.ID, "ward-3", w.clock.Now().Add(time.Hour)))
	roles := []string{"nurse", "lab"}
	_, err = w.ChangePerson(ctx, operator, nora.ID, "more", identity.Change{Roles: &roles})
	must(t, err)
	if got := wards(); len(got) != 2 {
		t.Errorf("another change ended it: %v", got)
	}
	must(t, w.EndCover(ctx, charge, nora.ID, "ward-3"))
	if got := wards(); !slices.Equal(got, own) {
		t.Errorf("ended by hand: %v", got)
	}
}

func TestWhoMayNotAssign(t *testing.T) {
	w := newWorld(t)
	charge := w.resume(w.signIn(w.add("carla", "nurse", "charge")))
	nora, bill, carla := w.add("nora", "nurse"), w.add("bill", "billing"), charge.ID
	soon := w.clock.Now().Add(time.Hour)
	covering := w.resume(w.signIn(w.add("clive", "nurse", "charge")))
	none := []string{}
	_, err := w.ChangePerson(ctx, operator, covering.ID, "moved", identity.Change{WardIDs: &none})
	must(t, err)
	must(t, w.CoverWard(ctx, charge, covering.ID, "ward-3", soon))
	nurse := w.resume(w.signIn(nora))
	gone := w.add("gone", "nurse")
	must(t, w.Disable(ctx, operator, gone.ID, "left"))
	for name, c := range map[string]struct {
		actor  identity.Actor
		person string
		ward   string
		until  time.Time
		kind   fault.Kind
	}{
		"a nurse":                     {nurse, bill.ID, "ward-3", soon, fault.Denied},
		"another ward":                {charge, nora.ID, "ward-4", soon, fault.Denied},
		"every ward":                  {charge, nora.ID, identity.EveryWard, soon, fault.Denied},
		"a ward she only covers":      {covering, nora.ID, "ward-3", soon, fault.Denied},
		"herself":                     {charge, carla, "ward-3", soon, fault.Denied},
		"beyond a shift":              {charge, nora.ID, "ward-3", soon.Add(identity.MaxCover), fault.Invalid},
		"in the past":                 {charge, nora.ID, "ward-3", w.clock.Now(), fault.Invalid},
		"somebody without a role for": {charge, bill.ID, "ward-3", soon, fault.Unprocessable},
		"somebody disabled":           {charge, gone.ID, "ward-3", soon, fault.Unprocessable},
		"nobody":                      {charge, "nobody", "ward-3", soon, fault.NotFound},
	} {
		if err := w.CoverWard(ctx, c.actor, c.person, c.ward, c.until); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
	if _, err := w.WardStaff(ctx, nurse, "ward-3"); !fault.Is(err, fault.Denied) {
		t.Errorf("a nurse lists staff: %v", err)
	}
	staff, err := w.WardStaff(ctx, charge, "ward-3")
	must(t, err)
	for _, p := range staff {
		if p.ID == bill.ID || p.ID == gone.ID {
			t.Errorf("%s can be assigned", p.UserName)
		}
	}
	if len(staff) != 3 {
		t.Errorf("%d can be assigned, want 3", len(staff))
	}
	must(t, w.CoverWard(ctx, charge, nora.ID, "ward-3", soon)) // the control
}
