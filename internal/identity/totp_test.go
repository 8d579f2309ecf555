package identity_test

import (
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// device is an authenticator whose clock is off.
type device struct {
	*world
	who somebody
	off time.Duration
}

// shows is the code it showed so long ago.
func (d device) shows(ago time.Duration) string {
	d.t.Helper()
	code, err := totp.GenerateCode(d.who.secret, d.clock.Now().Add(d.off-ago))
	must(d.t, err)
	return code
}

func (d device) begin() string {
	d.t.Helper()
	ch, err := d.Begin(ctx, d.who.UserName, goodPassword, ward)
	must(d.t, err)
	return ch.Token
}

// tries types a code, and reports whether it was taken.
func (d device) tries(challenge, code string) bool {
	d.t.Helper()
	_, err := d.Finish(ctx, challenge, code, ward)
	if err != nil {
		wantKind(d.t, err, fault.Unauthenticated)
	}
	return err == nil
}

// nextStep waits until the device has shown another code for so long.
func (d device) nextStep(after time.Duration) {
	now := d.clock.Now().Add(d.off)
	d.clock.Advance(now.Truncate(30 * time.Second).Add(30*time.Second + after).Sub(now))
}

// signsIn types codes until one is taken, and returns how many were not.
func (d device) signsIn(after time.Duration) int {
	d.t.Helper()
	challenge := d.begin()
	for refused := range 3 {
		if d.tries(challenge, d.shows(0)) {
			return refused
		}
		d.nextStep(after)
	}
	return 3
}

// lives returns for how many seconds a code that nobody has used would be taken.
func (d device) lives() (seconds int) {
	d.t.Helper()
	for at := -40; at < 80; at++ {
		d.clock.Advance(time.Hour)
		d.nextStep(20 * time.Second)
		code := d.shows(-40 * time.Second) // of the step but one, which begins in 10 + 30 seconds
		d.clock.Advance(time.Duration(40+at) * time.Second)
		if d.tries(d.begin(), code) {
			seconds++
		}
		d.clock.Advance(time.Hour) // what was refused is forgotten
		d.nextStep(15 * time.Second)
		if d.signsIn(0) > 0 {
			d.t.Fatal("a code in the middle of its step is refused")
		}
	}
	return seconds
}

// TestCodesLiveThirtySeconds tries a code at each second around its step, with a clock
// that is right, and with clocks whose difference was learned.
func TestCodesLiveThirtySeconds(t *testing.T) {
	for _, off := range []time.Duration{0, -20 * time.Second, 20 * time.Second} {
		w := newWorld(t)
		d := device{w, w.add("ana.okafor", "nurse"), off}
		for range 4 {
			w.clock.Advance(time.Hour)
			d.nextStep(15 * time.Second)
			d.signsIn(15 * time.Second)
		}
		if got := d.lives(); got != 30 {
			t.Errorf("with a clock %s off a code lives %d seconds", off, got)
		}
	}
}

// TestClocksAreLearned signs people in whose phones are off, at each moment of a step:
// the first time by the second code at most, and after some shifts by the first.
func TestClocksAreLearned(t *testing.T) {
	for _, off := range []int{-29, -20, -7, -1, 0, 1, 7, 20, 29} {
		w := newWorld(t)
		d := device{w, w.add("ana.okafor", "nurse"), time.Duration(off) * time.Second}
		late := 0
		for i := range 90 {
			w.clock.Advance(5*time.Minute + 7*time.Second) // another moment each time
			refused := d.signsIn(4 * time.Second)
			if refused > 1 {
				t.Errorf("%d seconds off: %d codes were refused", off, refused)
			}
			if i >= 30 {
				late += refused
			}
		}
		if late > 1 {
			t.Errorf("%d seconds off: %d codes refused after thirty sign-ins", off, late)
		}
	}
}

// TestOnlyTwoCodesInARowMoveAClock: neither one code of another step, twice, nor two
// that are apart, nor clocks far off, nor codes that were used.
func TestOnlyTwoCodesInARowMoveAClock(t *testing.T) {
	setUp := func() (device, string) {
		w := newWorld(t)
		d := device{w, w.add("ana.okafor", "nurse"), 0}
		d.nextStep(time.Second)
		return d, d.begin()
	}
	const step = 30 * time.Second
	d, ch := setUp()
	for range 2 {
		if d.tries(ch, d.shows(step)) {
			t.Error("a code of the step before, twice")
		}
	}
	d, ch = setUp()
	if d.tries(ch, d.shows(-step)) || d.tries(ch, d.shows(step)) {
		t.Error("codes that are apart, backwards")
	}
	d, ch = setUp()
	old, older := d.shows(step), d.shows(2*step)
	if d.tries(ch, older) || d.tries(ch, old) {
		t.Error("two old codes, one after the other")
	}
	for _, off := range []time.Duration{-90 * time.Second, -75 * time.Second, 75 * time.Second, 90 * time.Second} {
		w := newWorld(t)
		d := device{w, w.add("ana.okafor", "nurse"), off}
		for range 8 {
			w.clock.Advance(20 * time.Minute)
			if d.nextStep(3 * time.Second); d.signsIn(3*time.Second) < 3 {
				t.Errorf("a clock %s off is followed", off)
			}
		}
	}
	d, ch = setUp()
	d.off = -20 * time.Second
	d.nextStep(15 * time.Second)
	first := d.shows(0)
	if d.tries(ch, first) {
		t.Fatal("taken at once: this test sees nothing")
	}
	d.nextStep(time.Second)
	second := d.shows(0)
	d.Service = d.another() // what one process saw, all know
	if !d.tries(ch, second) {
		t.Fatal("two in a row are not taken: this test sees nothing")
	}
	ch = d.begin()
	if d.tries(ch, first) || d.tries(ch, second) {
		t.Error("codes that moved the clock are good once more")
	}
}

// TestEnrolmentLearnsTheClock enrols with a phone that is off: the second code is taken,
// and so is the first one of the sign-in after.
func TestEnrolmentLearnsTheClock(t *testing.T) {
	w := newWorld(t)
	p, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "ana.okafor", Given: "Ana", Family: "Okafor", Roles: []string{"nurse"}})
	must(t, err)
	w.vouch(p)
	e, err := w.BeginEnrolment(ctx, p.UserName, inv.Code, goodPassword, ward)
	must(t, err)
	d := device{w, somebody{p, e.Secret}, -20 * time.Second}
	d.nextStep(15 * time.Second)
	_, err = w.FinishEnrolment(ctx, e.Token, d.shows(0), ward)
	wantKind(t, err, fault.Unauthenticated)
	d.nextStep(2 * time.Second)
	_, err = w.FinishEnrolment(ctx, e.Token, d.shows(0), ward)
	must(t, err)
	d.nextStep(15 * time.Second)
	if n := d.signsIn(0); n != 0 {
		t.Errorf("%d codes refused", n)
	}
}
