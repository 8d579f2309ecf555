package notify_test

import (
	"context"
	"testing"
	"time"
)

// TestSocketOfWhoIsGone: a web socket that is open ends within a second of its
// owner, though nothing happens that it would tell; a control stays open.
func TestSocketOfWhoIsGone(t *testing.T) {
	r := newRig(t)
	r.put(`{"resourceType":"Subscription","id":"s1","status":"requested","reason":"test","criteria":"Observation?","channel":{"type":"websocket"}}`)
	r.await("s1", "active")
	told, unbind, err := r.notifier.Bind(context.Background(), program(t), "s1")
	check(t, err)
	defer unbind()
	select {
	case <-told:
		t.Fatal("the socket of an owner who is there was let go")
	case <-time.After(1200 * time.Millisecond):
	}
	r.mu.Lock()
	r.gone = true
	r.mu.Unlock()
	began := time.Now()
	select {
	case text, open := <-told:
		if open {
			t.Fatalf("told %d bytes", len(text))
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the socket stays open")
	}
}
