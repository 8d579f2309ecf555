package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Statement is a declaration about the log itself, in the clear. It is the
// first leaf of every tree that continues another one.
type Statement struct {
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"` // rollback | fork | other-tree
	Time   time.Time `json:"time"`

	// The last checkpoint known outside the store.
	LastOrigin string    `json:"lastOrigin"`
	LastSize   uint64    `json:"lastSize"`
	LastRoot   tlog.Hash `json:"lastRoot"`

	// What the store held when it was taken into use again.
	RecoveredOrigin string    `json:"recoveredOrigin"`
	RecoveredSize   uint64    `json:"recoveredSize"`
	RecoveredRoot   tlog.Hash `json:"recoveredRoot"`

	Who string `json:"who"`
	Why string `json:"why"`
}

// StatementSuccessor declares that a tree continues another one.
const StatementSuccessor = "successor"

var errStatement = errors.New("malformed statement")

// ParseStatement reads the statement of an entry that is one.
func ParseStatement(e *Entry) (*Statement, error) {
	if e.Flags&FlagStatement == 0 {
		return nil, errStatement
	}
	d := json.NewDecoder(bytes.NewReader(e.Account))
	d.DisallowUnknownFields()
	s := &Statement{}
	if err := d.Decode(s); err != nil || s.Kind != StatementSuccessor || d.More() {
		return nil, errStatement
	}
	return s, nil
}

// Missing says which leaves of the last known tree are lost.
func (s *Statement) Missing() string {
	switch {
	case s.LastOrigin != s.RecoveredOrigin:
		return fmt.Sprintf("all %d leaves of %s", s.LastSize, s.LastOrigin)
	case s.LastSize > s.RecoveredSize:
		return fmt.Sprintf("leaves %d to %d", s.RecoveredSize, s.LastSize-1)
	}
	return "unknown: the recovered tree differs from the last known one"
}
