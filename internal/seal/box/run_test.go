package box_test

import (
	"bytes"
	"testing"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// TestRun: the boxes of a run are boxes, each with a nonce of its own, and there
// is an end to them.
func TestRun(t *testing.T) {
	key := box.Key{1}
	run := box.NewRun(&key, "info")
	one, ok := run.Seal([]byte("before"), []byte("place"), []byte("text"))
	two, ok2 := run.Seal(nil, []byte("place"), []byte("text"))
	if !ok || !ok2 || !bytes.HasPrefix(one, []byte("before")) {
		t.Fatal("a new run does not seal")
	}
	one = one[len("before"):]
	const head = 1 + box.SaltSize + box.CommitmentSize
	if !bytes.Equal(one[:head], two[:head]) || bytes.Equal(one[head:head+box.NonceSize], two[head:head+box.NonceSize]) {
		t.Error("boxes of a run share all but the nonce")
	}
	for _, sealed := range [][]byte{one, two} {
		if text, err := box.Open(nil, &key, "info", []byte("place"), sealed); err != nil || string(text) != "text" {
			t.Errorf("opened %q: %v", text, err)
		}
		if _, err := box.Open(nil, &key, "info", []byte("elsewhere"), sealed); err == nil {
			t.Error("a box opens at another place")
		}
	}
	if other := box.NewRun(&key, "info"); func() bool { b, _ := other.Seal(nil, nil, nil); return bytes.Equal(b[:head], one[:head]) }() {
		t.Error("two runs have one salt")
	}
	if testing.Short() {
		return
	}
	for range box.MaxRun - 2 {
		if two, ok = run.Seal(two[:0], nil, nil); !ok {
			t.Fatal("the run ends early")
		}
	}
	if got, ok := run.Seal(two[:3], nil, nil); ok || len(got) != 3 {
		t.Error("the run does not end")
	}
}
