package audit_test

import (
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
)

func TestCommitAndRead(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	w.write(l, put(1, 1, "a"), put(2, 1, "b"))
	w.append(l, shown("req-1", 1, audit.Item{Key: key(1), Version: 1, Name: "Patient/p1"}))
	w.integrate(l)

	got, err := l.Find(t.Context(), audit.Filter{RequestID: "req-1"})
	if err != nil || len(got) != 1 {
		t.Fatalf("found %v, %v", got, err)
	}
	r, err := l.Read(t.Context(), got[0])
	if err != nil {
		t.Fatal(err)
	}
	if r.Actor != "dr-1" || r.Query != "name=smith" || len(r.Items) != 1 || r.Items[0].Name != "Patient/p1" || r.Outcome != audit.OutcomeSuccess {
		t.Errorf("read %+v", r)
	}
	if time.Since(r.Time) > time.Minute {
		t.Error("an event without time was not given one")
	}
	p, err := l.Prove(t.Context(), got[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, c, err := p.Check(w.keyring.Public()); err != nil || c.Size < 3 {
		t.Errorf("proof: %v %v", c, err)
	}
	w.close(l)
	if r := w.verify(nil); !r.OK {
		t.Error(r)
	} else {
		t.Log("\n" + r.String())
	}
}
