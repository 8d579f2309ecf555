package collector

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// listed is how many records one message names at most, so that a receiver that
// takes 8 KiB (RFC 5425 §4.3.1) loses nothing; an entry of more is sent in parts.
const listed = 100

// entry is an audit entry as it leaves: who did what, when and from where, to records
// under the random keys that the store knows them by. No word of a record, no id, no
// query and no reason; no digest of what a version holds.
type entry struct {
	Index uint64 `json:"index"`
	Tree  string `json:"tree"`
	Leaf  uint64 `json:"leaf"`
	Hash  string `json:"hash,omitempty"` // of the leaf, RFC 6962 §2.1, base64
	Shard string `json:"shard,omitempty"`
	Count uint64 `json:"counter,omitempty"`
	Part  int    `json:"part,omitempty"` // from 1, of an entry sent in parts
	Parts int    `json:"parts,omitempty"`

	Time    string   `json:"time,omitempty"`
	Actor   string   `json:"actor,omitempty"`
	Client  string   `json:"client,omitempty"`
	Session string   `json:"session,omitempty"`
	Roles   []string `json:"roles,omitempty"`
	Action  string   `json:"action,omitempty"`
	Type    string   `json:"type,omitempty"`
	Purpose string   `json:"purpose,omitempty"`
	Outcome string   `json:"outcome,omitempty"`
	Request string   `json:"request,omitempty"`
	Address string   `json:"address,omitempty"`

	Patients []string `json:"patients,omitempty"`
	Shown    []string `json:"shown,omitempty"` // key/version
	Written  []string `json:"written,omitempty"`
	Amended  []string `json:"amended,omitempty"`

	Statement *verify.Statement `json:"statement,omitempty"`
	Altered   bool              `json:"altered,omitempty"`
}

// messages returns what is sent of a leaf; now is when it was found altered.
func messages(l *audit.Leaf, now time.Time) ([]message, error) {
	head := entry{Index: l.Index, Tree: l.Tree.String(), Leaf: l.Leaf, Altered: l.Altered, Statement: l.Statement}
	m := message{facility: security, severity: alert, id: "audit", time: now}
	if !l.Altered {
		head.Hash, head.Shard, head.Count = base64.StdEncoding.EncodeToString(l.Hash[:]), fmt.Sprintf("%016x", l.Shard), l.Counter
		m.time, m.severity = l.Logged, severity(l.Account)
	}
	all := []entry{head}
	if l.Account != nil {
		all = parts(head, l.Account)
	}
	var out []message
	for i, e := range all {
		if len(all) > 1 {
			e.Part, e.Parts = i+1, len(all)
		}
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("collector.messages: %w", err)
		}
		one := m
		one.text = text
		out = append(out, one)
	}
	return out, nil
}

// severity makes what an officer should look at stand out.
func severity(a *verify.Account) int {
	switch {
	case a == nil: // a tree that was declared to follow another
		return alert
	case a.Outcome != audit.OutcomeSuccess && a.Outcome != "", a.Action == audit.ActionBreak:
		return warning
	}
	return notice
}

// parts spreads an entry over messages of at most listed records.
func parts(head entry, a *verify.Account) []entry {
	head.Time = a.Time.UTC().Format(time.RFC3339Nano)
	head.Actor, head.Client, head.Session, head.Roles = a.Actor, a.Client, a.Session, a.Roles
	head.Action, head.Type, head.Purpose, head.Outcome = a.Action, a.Type, a.Purpose, a.Outcome
	head.Request, head.Address = a.RequestID, a.Address

	all, room := []entry{head}, listed
	add := func(list func(*entry) *[]string, names []string) {
		for len(names) > 0 {
			if room == 0 {
				all, room = append(all, head), listed
			}
			n := min(room, len(names))
			to := list(&all[len(all)-1])
			*to = append(*to, names[:n]...)
			names, room = names[n:], room-n
		}
	}
	add(func(e *entry) *[]string { return &e.Patients }, names(a.Patients, record.Key.String))
	add(func(e *entry) *[]string { return &e.Shown }, names(a.Read, version))
	add(func(e *entry) *[]string { return &e.Written }, names(a.Written, written))
	add(func(e *entry) *[]string { return &e.Amended }, names(a.Amended, written))
	return all
}

func version(r verify.Ref) string     { return fmt.Sprintf("%s/%d", r.Key, r.Version) }
func written(w verify.Written) string { return version(w.Ref) }

func names[T any](list []T, name func(T) string) []string {
	out := slices.Grow([]string(nil), len(list))
	for _, one := range list {
		out = append(out, name(one))
	}
	return out
}

// checkpoint is the message of a signed checkpoint: with it and the hashes of the
// leaves, the receiver can tell whether it has what the store claims to hold.
func checkpoint(signed []byte, now time.Time) (message, error) {
	text, err := json.Marshal(map[string]string{"checkpoint": string(signed)})
	if err != nil {
		return message{}, fmt.Errorf("collector.checkpoint: %w", err)
	}
	return message{facility: security, severity: notice, id: "checkpoint", time: now, text: text}, nil
}
