package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// fakeRecords keeps everything in memory, unsealed. It is Records and Audit.
type fakeRecords struct {
	clock clock.Clock

	mu       sync.Mutex
	docs     map[string]identity.Doc
	words    map[string]map[string]bool // record → field\x00value
	short    map[string]fakeShort
	events   []identity.Event
	calls    map[string]int
	failNote error
	beforeOp func(op string) // called without the lock
}

type fakeShort struct {
	value   []byte
	expires time.Time
}

func newFake(c clock.Clock) *fakeRecords {
	return &fakeRecords{
		clock: c, docs: map[string]identity.Doc{}, words: map[string]map[string]bool{},
		short: map[string]fakeShort{}, calls: map[string]int{},
	}
}

func (f *fakeRecords) enter(op string) func() {
	if f.beforeOp != nil {
		f.beforeOp(op)
	}
	f.mu.Lock()
	f.calls[op]++
	return f.mu.Unlock
}

func (f *fakeRecords) Get(_ context.Context, typ, id string) (identity.Doc, error) {
	defer f.enter("Get")()
	doc, ok := f.docs[typ+"/"+id]
	if !ok {
		return identity.Doc{}, fault.New(fault.NotFound, "fake.Get", "")
	}
	return doc, nil
}

func (f *fakeRecords) Put(_ context.Context, e identity.Event, writes []identity.Write) error {
	defer f.enter("Put")()
	for _, w := range writes {
		if f.docs[w.Type+"/"+w.ID].Version != w.Expect {
			return fault.New(fault.Conflict, "fake.Put", "")
		}
		for _, u := range w.Unique {
			for key, words := range f.words {
				if key != w.Type+"/"+w.ID && f.docs[key].Type == w.Type && words[u.Field+"\x00"+string(u.Value)] {
					return fault.New(fault.Conflict, "fake.Put", "")
				}
			}
		}
	}
	for _, w := range writes {
		key := w.Type + "/" + w.ID
		f.docs[key] = identity.Doc{Type: w.Type, ID: w.ID, Body: bytes.Clone(w.Body), Version: w.Expect + 1}
		f.words[key] = map[string]bool{}
		for _, word := range append(slices.Clone(w.Words), w.Unique...) {
			f.words[key][word.Field+"\x00"+string(word.Value)] = true
		}
	}
	f.events = append(f.events, e)
	return nil
}

func (f *fakeRecords) Find(_ context.Context, typ, field string, value []byte) ([]identity.Doc, error) {
	defer f.enter("Find")()
	var out []identity.Doc
	for key, words := range f.words {
		if f.docs[key].Type == typ && words[field+"\x00"+string(value)] {
			out = append(out, f.docs[key])
		}
	}
	return out, nil
}

func (f *fakeRecords) List(_ context.Context, typ string) ([]identity.Doc, error) {
	defer f.enter("List")()
	var out []identity.Doc
	for _, key := range slices.Sorted(maps.Keys(f.docs)) {
		if f.docs[key].Type == typ {
			out = append(out, f.docs[key])
		}
	}
	return out, nil
}

func (f *fakeRecords) GetShort(_ context.Context, kind, id string) ([]byte, error) {
	defer f.enter("GetShort")()
	v, ok := f.short[kind+"/"+id]
	if !ok || !f.clock.Now().Before(v.expires) {
		return nil, fault.New(fault.NotFound, "fake.GetShort", "")
	}
	return v.value, nil
}

func (f *fakeRecords) PutShort(_ context.Context, kind, id string, value []byte, expires time.Time) error {
	defer f.enter("PutShort " + kind)()
	f.short[kind+"/"+id] = fakeShort{bytes.Clone(value), expires}
	return nil
}

func (f *fakeRecords) DropShort(_ context.Context, kind, id string) error {
	defer f.enter("DropShort")()
	delete(f.short, kind+"/"+id)
	return nil
}

func (f *fakeRecords) Append(_ context.Context, events ...identity.Event) error {
	defer f.enter("Append")()
	if f.failNote != nil {
		return f.failNote
	}
	f.events = append(f.events, events...)
	return nil
}

// work returns how often each operation was called since, and starts again.
func (f *fakeRecords) work() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = map[string]int{}
	return out
}

func (f *fakeRecords) lastEvent(t *testing.T) identity.Event {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		t.Fatal("no event")
	}
	return f.events[len(f.events)-1]
}

// find returns the last event of an action, the zero Event if there is none.
func (f *fakeRecords) find(action string) identity.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range slices.Backward(f.events) {
		if e.Action == action {
			return e
		}
	}
	return identity.Event{}
}

// strip takes a field out of a stored person, as an older release left it.
func (f *fakeRecords) strip(id, field string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	doc := f.docs[identity.TypeUser+"/"+id]
	var body map[string]any
	if err := json.Unmarshal(doc.Body, &body); err != nil {
		panic(err)
	}
	delete(body, field)
	doc.Body, _ = json.Marshal(body)
	f.docs[identity.TypeUser+"/"+id] = doc
}

// dump is everything stored, for looking for what must not be in it.
func (f *fakeRecords) dump() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b bytes.Buffer
	for k, d := range f.docs {
		fmt.Fprintf(&b, "%s %s\n", k, d.Body)
	}
	for k, s := range f.short {
		fmt.Fprintf(&b, "%s %s\n", k, s.value)
	}
	for _, e := range f.events {
		fmt.Fprintf(&b, "%+v\n", e)
	}
	return b.String()
}

// fakeGate lets administrators and the operator do everything, and charge nurses assign.
type fakeGate struct{}

func (fakeGate) Permit(_ context.Context, a identity.Actor, action, _ string) error {
	if action == "assign" && a.HasRole("charge") {
		return nil
	}
	if a.HasRole("admin") && a.MFA == identity.AssuranceMulti || a.HasRole("operator") && a.Kind == identity.KindSystem {
		return nil
	}
	return fault.New(fault.Denied, "fake.Permit", "")
}
