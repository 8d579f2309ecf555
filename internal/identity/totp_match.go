package identity

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	// totpDrift is how many seconds an authenticator's clock may be from ours.
	totpDrift = totpStep
	// missLife is how long a code that was not of the running step is remembered.
	missLife = 2 * time.Minute
)

// sighting is a code of an authenticator as it came: of a step near now, 0 for none.
type sighting struct {
	Step int64 `json:"step"`
	At   int64 `json:"at"` // seconds, by our clock
}

// runs reports whether the step is the one that runs by a clock so many seconds ahead
// of ours.
func (g sighting) runs(ahead int64) bool { return g.Step != 0 && g.Step == (g.At+ahead)/totpStep }

// resync returns by how many seconds the clock is ahead that showed both codes, the
// nearest to what it was taken for. ok is false unless they are of two steps in a row,
// and that clock is within bounds (RFC 6238 §6, RFC 4226 §7.4).
func (g sighting) resync(before sighting, ahead int64) (learned int64, ok bool) {
	a, b := g.Step*totpStep-g.At, before.Step*totpStep-before.At // the least each allows
	least, most := max(a, b, -totpDrift), min(a+totpStep-1, b+totpStep-1, totpDrift)
	if before.Step == 0 || g.Step != before.Step+1 || least > most {
		return ahead, false
	}
	return min(max(ahead, least), most), true
}

// sightTOTP says of which step near now a code is. A step that is not beyond last has
// been used, and is never seen again.
func sightTOTP(secret, code string, now time.Time, last int64) (sighting, error) {
	known := secret != ""
	if !known {
		secret = noTOTP
	}
	code = strings.ReplaceAll(code, " ", "")
	seen := sighting{At: now.Unix()}
	current := seen.At / totpStep
	for at := current - 1; at <= current+1; at++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(at), hotp.ValidateOpts{
			Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err != nil {
			return sighting{}, fmt.Errorf("identity.sightTOTP: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > last && known && seen.Step == 0 {
			seen.Step = at
		}
	}
	return seen, nil
}

// takeTOTP checks a code, and marks its step as used in a, which the caller stores. A
// code is good for the thirty seconds in which the person's authenticator shows it, by
// its clock as a knows it. One of a step beside that is refused; together with the next
// one, it tells how far that clock is off. who names whose codes they are.
func (s *Service) takeTOTP(ctx context.Context, a *account, who, secret, code string, last int64) (bool, error) {
	seen, err := sightTOTP(secret, code, s.cfg.Clock.Now(), last)
	if err != nil {
		return false, err
	}
	var before sighting
	if _, err := s.getShort(ctx, shortMiss, who, &before); err != nil {
		return false, err
	}
	ahead, learned := seen.resync(before, a.TOTPAhead)
	if !seen.runs(a.TOTPAhead) && !learned {
		if seen.Step == 0 {
			return false, nil
		}
		return false, s.putShort(ctx, shortMiss, who, seen, s.cfg.Clock.Now().Add(missLife))
	}
	a.TOTPSecret, a.LastTOTPStep, a.TOTPAhead = secret, seen.Step, ahead
	return true, nil
}
