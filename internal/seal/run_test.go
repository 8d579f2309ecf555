package seal_test

import (
	"bytes"
	"testing"

	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// TestRunsOfValues: values share a salt while the key is the same and the run lasts,
// and none is kept once the sealer is closed.
func TestRunsOfValues(t *testing.T) {
	s, _ := open(t)
	salt := func(sealed []byte) []byte { return sealed[1 : 1+box.SaltSize] }
	first := salt(s.SealInRun(1))
	if !bytes.Equal(first, salt(s.SealInRun(1))) {
		t.Error("two values of one run have two salts")
	}
	if other := s.SealInRun(2); bytes.Equal(first, salt(other)) {
		t.Error("a value under another key has the same salt")
	} else if text, err := box.Open(nil, &box.Key{2}, "value", nil, other); err != nil || len(text) > 0 {
		t.Errorf("a value under another key: %v", err)
	}
	first = salt(s.SealInRun(3))
	for range box.MaxRun - 1 {
		s.SealInRun(3)
	}
	if bytes.Equal(first, salt(s.SealInRun(3))) {
		t.Error("a run has no end")
	}
	if s.Runs() != 1 {
		t.Errorf("%d runs under way", s.Runs())
	}
	s.Close()
	s.SealInRun(3)
	if s.Runs() != 0 {
		t.Error("a closed sealer keeps a derived key")
	}
}
