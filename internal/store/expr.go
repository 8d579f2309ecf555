package store

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
)

// Expr is a set of current, undeleted records, built from equality alone.
// The zero expression nil is the empty set.
type Expr interface{ expr() }

type (
	// All is every record of a class.
	All struct{ Class record.Token }

	// Has is every record that bears the token.
	Has struct{ Token record.Token }

	// To is every record with an edge Rel to any of the keys.
	To struct {
		Rel  record.Token
		Keys []record.Key
	}

	// Join is every record with an edge Rel to a member of Of.
	Join struct {
		Rel record.Token
		Of  Expr
	}

	// Targets is every record that some member of Of has an edge Rel to.
	Targets struct {
		Rel record.Token
		Of  Expr
	}

	// Is is the named records themselves.
	Is struct{ Keys []record.Key }

	// During is every record whose current version was committed at From or
	// later and before Until, by the times of the commits (record.Row.Time).
	// A zero time is open. A version's own sealed time may lie up to
	// record.MaxSkew before its commit: the caller widens and rechecks.
	During struct{ From, Until time.Time }

	// Often is Of, which is asked for again and again: an engine may keep what it
	// found. Whoever gives the same Name MUST mean the same by Of. Of is made of
	// All, Has, To, And and Or alone: what a version was found by once, it is found by
	// until it is amended.
	Often struct {
		Of   Expr
		Name [32]byte
	}

	// And is what all have in common. An empty And is refused.
	And []Expr

	// Or is the union; an empty Or is the empty set.
	Or []Expr

	// Minus is Of without Without. The caller answers for Without being exact:
	// subtracting a superset would lose records.
	Minus struct{ Of, Without Expr }
)

func (All) expr()     {}
func (Has) expr()     {}
func (To) expr()      {}
func (Join) expr()    {}
func (Targets) expr() {}
func (Is) expr()      {}
func (During) expr()  {}
func (Often) expr()   {}
func (And) expr()     {}
func (Or) expr()      {}
func (Minus) expr()   {}
