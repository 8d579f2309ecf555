package identity

import (
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Status is where a person or client stands.
type Status string

const (
	StatusInvited  Status = "invited" // has not enrolled yet
	StatusPending  Status = "pending" // has, but clearance or training is not attested
	StatusActive   Status = "active"
	StatusDisabled Status = "disabled" // may come back
	StatusEnded    Status = "ended"    // has left for good; the record stays
)

// StaffRoles are the roles of staff. Roles of the server's own parts are not among
// them.
func StaffRoles() []string {
	return []string{"doctor", "nurse", "pharmacist", "lab", "registration", "billing", "admin", "privacy", "auditor", "charge"}
}

// Roles are the roles a person can be given: those of staff, and those of patients
// and of who acts for them.
func Roles() []string { return append(StaffRoles(), "patient", "proxy") }

// Person is what may be shown of a person.
type Person struct {
	ID             string    `json:"id"`
	UserName       string    `json:"userName"` // folded
	Given          string    `json:"given"`
	Family         string    `json:"family"`
	Title          string    `json:"title,omitempty"`
	Roles          []string  `json:"roles"`
	WardIDs        []string  `json:"wards,omitempty"` // FHIR Location ids, or EveryWard
	Covers         []Cover   `json:"covers,omitempty"`
	PractitionerID string    `json:"practitioner,omitempty"`
	PatientID      string    `json:"patient,omitempty"`
	Status         Status    `json:"status"`
	Created        time.Time `json:"created"`

	Attestations []Attestation `json:"attestations,omitempty"` // one of a kind
	// InvitedBy gave the invitation, and EntitledBy last changed roles, wards or whose
	// record in the chart is the person's: ids of actors, who cannot attest it too.
	InvitedBy  string `json:"invitedBy,omitempty"`
	EntitledBy string `json:"entitledBy,omitempty"`
}

// account is a person as stored, secrets included. It never leaves this package.
type account struct {
	Person
	PasswordHash    string     `json:"passwordHash,omitempty"` // PHC string
	PasswordSet     time.Time  `json:"passwordSet,omitzero"`
	PasswordResetBy string     `json:"passwordResetBy,omitempty"` // until a new one is set
	Passkeys        []passkey  `json:"passkeys,omitempty"`
	TOTPSecret      string     `json:"totpSecret,omitempty"`   // base32
	LastTOTPStep    int64      `json:"lastTotpStep,omitempty"` // highest step ever used
	TOTPAhead       int64      `json:"totpAhead,omitempty"`    // seconds of its clock before ours
	MFAResetBy      string     `json:"mfaResetBy,omitempty"`   // until a new one is enrolled
	Recovery        []string   `json:"recovery,omitempty"`     // digests
	Enrolment       *enrolment `json:"enrolment,omitempty"`
	Links           []link     `json:"links,omitempty"`  // who the person is elsewhere
	Vouched         time.Time  `json:"vouched,omitzero"` // when she last came in by one of them
	// Epoch is raised to end every session and challenge at once.
	Epoch uint64 `json:"epoch"`

	version uint64
}

// enrolment is a standing permission to set what is missing, proven by a
// one-time code.
type enrolment struct {
	Digest      string    `json:"digest"`
	Expires     time.Time `json:"expires"`
	NewPassword bool      `json:"newPassword"`
	NewMFA      bool      `json:"newMfa"`
	Wrong       int       `json:"wrong,omitempty"` // passwords given with it
}

// mayEnrol reports whether an invitation of the person counts.
func (a *account) mayEnrol() bool {
	return a.Status == StatusInvited || a.Status == StatusPending || a.Status == StatusActive
}

func (a *account) hasSecondFactor() bool { return a.TOTPSecret != "" || len(a.Passkeys) > 0 }

// NewPerson describes a person to be added.
type NewPerson struct {
	UserName, Given, Family, Title string
	Roles, WardIDs                 []string
	PractitionerID, PatientID      string
}

const (
	maxUserName = 64
	maxName     = 128
	maxWards    = 256
)

// foldUserName returns the form in which user names are compared. Only ASCII
// letters, digits and . _ - @ are allowed: two names that look alike must not be
// two accounts.
func foldUserName(name string) (string, bool) {
	if len(name) < 2 || len(name) > maxUserName {
		return "", false
	}
	out := []byte(strings.ToLower(name))
	if len(out) != len(name) {
		return "", false
	}
	for i, c := range out {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-@", rune(c))) {
			return "", false
		}
	}
	return string(out), true
}

// person checks n and makes the Person of it.
func (n NewPerson) person(id string, now time.Time) (Person, error) {
	const op = "identity.NewPerson"
	name, ok := foldUserName(n.UserName)
	if !ok {
		return Person{}, fault.New(fault.Invalid, op, "A user name has 2 to 64 letters a–z, digits, dots, dashes, underscores or @.")
	}
	if n.Family == "" || max(len(n.Given), len(n.Family), len(n.Title)) > maxName {
		return Person{}, fault.New(fault.Invalid, op, "A person needs a family name; names have at most 128 bytes.")
	}
	p := Person{
		ID: id, UserName: name, Given: n.Given, Family: n.Family, Title: n.Title,
		PractitionerID: n.PractitionerID, PatientID: n.PatientID, Status: StatusInvited, Created: now,
	}
	var err error
	if p.Roles, err = checkRoles(n.Roles); err != nil {
		return Person{}, err
	}
	p.WardIDs, err = checkWards(n.WardIDs)
	return p, err
}

func checkRoles(roles []string) ([]string, error) {
	known := Roles()
	for _, r := range roles {
		if !slices.Contains(known, r) {
			return nil, fault.New(fault.Invalid, "identity.checkRoles", "There are the roles "+strings.Join(known, ", ")+".")
		}
	}
	out := slices.Clone(roles)
	slices.Sort(out)
	return slices.Compact(out), nil
}

func checkWards(wards []string) ([]string, error) {
	for _, w := range wards {
		if w != EveryWard && !validID(w) {
			return nil, fault.New(fault.Invalid, "identity.checkWards", "A ward is the id of a Location.")
		}
	}
	if len(wards) > maxWards {
		return nil, fault.New(fault.TooLarge, "identity.checkWards", "")
	}
	out := slices.Clone(wards)
	slices.Sort(out)
	return slices.Compact(out), nil
}

// validID reports whether s has the form of a FHIR id.
func validID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}
