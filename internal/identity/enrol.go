package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Invitation is a one-time code that lets one person set what is missing: a
// password, a second factor, or both. It is handed over in person or by a
// second channel and shown once.
type Invitation struct {
	Code    string
	Expires time.Time
}

// Enrolment is the middle of enrolling: what the person's authenticator needs.
type Enrolment struct {
	Token   string
	Secret  string // base32, to type in; "" if the second factor stays as it is
	URI     string // the same for a picture
	Expires time.Time
}

type pendingEnrolment struct {
	PersonID     string    `json:"person"`
	Digest       string    `json:"digest"` // of the invitation it rests on
	PasswordHash string    `json:"passwordHash,omitempty"`
	TOTPSecret   string    `json:"totpSecret,omitempty"`
	Tries        int       `json:"tries"`
	Expires      time.Time `json:"expires"`
}

func errEnrol(op string) error {
	return fault.New(fault.Unauthenticated, op, "User name, password or enrolment code is wrong, or the code has expired.")
}

// BeginEnrolment proves an invitation. Where the invitation is for a new
// password, password is that; else it must be the one the person has: a stolen
// invitation alone enrols nobody who already had a password, and a stolen
// password enrols nobody without an invitation.
func (s *Service) BeginEnrolment(ctx context.Context, userName, code, password string, o Origin) (Enrolment, error) {
	const op = "identity.BeginEnrolment"
	wait := s.pace(ctx)
	name, ok := foldUserName(userName)
	if !ok {
		name = nobody
	}
	net := Network(o.Source)
	a, err := s.accountByName(ctx, name)
	if err != nil {
		return Enrolment{}, fmt.Errorf("%s: %w", op, err)
	}
	// The code is too long to be guessed: who has it is counted by it alone, so that
	// nobody who knows a new colleague's name or shares her address keeps her out.
	invited := s.invited(a, code)
	claims := []claim{enrolClaim(name, net), {perSource, net}}
	if invited {
		claims = []claim{{perSource, "enrolling\x00" + a.Enrolment.Digest}}
	}
	if _, err := s.throttle.admit(ctx, claims...); err != nil {
		return Enrolment{}, fmt.Errorf("%s: %w", op, err)
	}
	if !invited {
		err := errors.Join(errEnrol(op), s.note(ctx, s.arrival(o, "enrol", Failure, "no such invitation")))
		wait()
		return Enrolment{}, err
	}
	p := pendingEnrolment{PersonID: a.ID, Digest: a.Enrolment.Digest}
	if a.Enrolment.NewPassword {
		if err := s.checkPassword(password, a.UserName, a.Given, a.Family, s.cfg.Issuer); err != nil {
			return Enrolment{}, err
		}
		if p.PasswordHash, err = s.hash.hash(ctx, password); err != nil {
			return Enrolment{}, err
		}
	} else {
		match, err := s.hash.verify(ctx, a.PasswordHash, password)
		if err != nil {
			return Enrolment{}, err
		}
		if !match {
			return Enrolment{}, s.spoilInvitation(ctx, a, o)
		}
	}
	if a.Enrolment.NewMFA {
		if p.TOTPSecret, err = s.newTOTP(); err != nil {
			return Enrolment{}, err
		}
	}
	return s.keepEnrolment(ctx, a, p)
}

func enrolClaim(name, net string) claim { return claim{perAccount, "enrol\x00" + name + "\x00" + net} }

// spoilInvitation counts a wrong password against an invitation that was shown:
// whoever holds a stolen one gets five guesses, from wherever.
func (s *Service) spoilInvitation(ctx context.Context, a *account, o Origin) error {
	e := s.arrival(o, "enrol", Failure, "password wrong")
	digest := a.Enrolment.Digest
	_, err := s.changeAccount(ctx, a.ID, e, func(a *account) error {
		if a.Enrolment == nil || a.Enrolment.Digest != digest {
			return errEnrol("identity.spoilInvitation")
		}
		if a.Enrolment.Wrong++; a.Enrolment.Wrong >= triesPerLock {
			a.Enrolment = nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errEnrol("identity.BeginEnrolment")
}

// invited reports whether the code is the person's standing invitation.
func (s *Service) invited(a *account, code string) bool {
	if a == nil || a.Enrolment == nil || !a.mayEnrol() {
		return false
	}
	same := subtle.ConstantTimeCompare([]byte(a.Enrolment.Digest), []byte(digestCode(code))) == 1
	return same && s.cfg.Clock.Now().Before(a.Enrolment.Expires)
}

func (s *Service) keepEnrolment(ctx context.Context, a *account, p pendingEnrolment) (Enrolment, error) {
	token, digest, err := s.newSecret("")
	if err != nil {
		return Enrolment{}, err
	}
	p.Expires = s.cfg.Clock.Now().Add(enrolmentLife)
	if err := s.putShort(ctx, shortEnrolment, digest, p, p.Expires); err != nil {
		return Enrolment{}, err
	}
	e := Enrolment{Token: token, Secret: p.TOTPSecret, Expires: p.Expires}
	if p.TOTPSecret != "" {
		e.URI = s.provisioning(a.UserName, p.TOTPSecret)
	}
	return e, nil
}
