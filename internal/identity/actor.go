// Package identity knows who asks: people with two factors and sessions,
// programs with secrets and tokens, and the server's own parts.
//
// It decides who somebody is, never what he may do: package authz does. Nothing
// outside this package sees a password hash, a TOTP secret or a token.
package identity

import (
	"context"
	"time"
)

// Kind is what sort of asker an Actor is.
type Kind string

const (
	KindPerson Kind = "person"
	KindClient Kind = "client"
	KindSystem Kind = "system" // a part of this server; never made from a request
)

// Assurance is how surely we know that it is he.
type Assurance uint8

const (
	AssuranceNone   Assurance = iota
	AssuranceSingle           // one factor: a program's secret
	AssuranceMulti            // password and second factor
)

// Actor is whoever stands behind a request. Its slices are shared and MUST NOT
// be changed. The zero Actor is nobody and may do nothing.
type Actor struct {
	Kind           Kind
	ID             string
	Name           string // to show; not unique
	Roles          []string
	Scopes         Scopes // of programs: a client, or one that acts for a person
	ClientID       string // the program that acts for the person, "" if none: Roles AND Scopes apply
	ConnectionID   string // by which the person let it
	PatientContext string // FHIR Patient id that scopes of level patient are confined to
	WardIDs        []string
	// Emergencies are ids of the patients whose charts she has opened in an emergency:
	// as they were when the request came, for all of it. Only a session has any.
	Emergencies    []string
	PractitionerID string // FHIR Practitioner id, "" if none
	PatientID      string // FHIR Patient id of the person's own record, "" if none
	MFA            Assurance
	SessionID      string    // digest of the session or token: may be logged, cannot be used
	AuthTime       time.Time // of the last proof of identity, by two factors
	proven         time.Time // of the last one by one factor at least
	freshFor       time.Duration
	epoch          uint64 // of a program's credentials
	Certificate    string // thumbprint that the token is bound to, "" if none
	NamesInURLs    bool   // the program may search with names in addresses
	Purpose        string // purpose of use, v3-ActReason
	RequestID      string
	Source         string // network address, as package web trusts it
}

// EveryWard in Actor.WardIDs and Person.WardIDs stands for all wards there are.
const EveryWard = "*"

// System returns the actor for a part of this server. It MUST NOT be called
// with anything that came from a request.
func System(name string, roles ...string) Actor {
	return Actor{Kind: KindSystem, ID: name, Name: name, Roles: roles}
}

// IsZero reports whether a is nobody.
func (a Actor) IsZero() bool { return a.Kind == "" || a.ID == "" }

// HasRole reports whether a has the role. Decisions are package authz's; this
// is for choosing what to show.
func (a Actor) HasRole(role string) bool {
	for _, r := range a.Roles {
		if r == role {
			return true
		}
	}
	return false
}

type actorKey struct{}

// WithActor returns a context that carries a.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns the context's actor; ok is false if there is none, and
// then the caller MUST refuse.
func ActorFrom(ctx context.Context) (a Actor, ok bool) {
	a, ok = ctx.Value(actorKey{}).(Actor)
	return a, ok && !a.IsZero()
}
