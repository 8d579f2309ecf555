package collector_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// whole reports whether the entries came in order from first to last, with none missing;
// what came again may come again.
func whole(indexes []uint64, last uint64) bool {
	next := uint64(0)
	for _, i := range indexes {
		if i > next {
			return false
		}
		next = max(next, i+1)
	}
	return next == last
}

// TestSent: each entry and line arrives, in the form of RFC 5424 and 5425, without a
// word of what entries keep for patients.
func TestSent(t *testing.T) {
	w := newWorld(t)
	f := w.collect("127.0.0.1:0", nil)
	start(t, w.config(f.address()))
	w.look(3)
	w.slog.Warn("a line", "status", 403)
	var line received
	until(t, "entries and a line", func() bool {
		i := slices.IndexFunc(f.all(), func(r received) bool { return r.id == "line" && strings.Contains(r.text, `"a line"`) })
		if i >= 0 {
			line = f.all()[i]
		}
		return i >= 0 && whole(f.indexes(), w.log.Size())
	})
	if line.priority != "<28" || !regexp.MustCompile(`^\[meta sequenceId="\d+"$`).MatchString(line.data) {
		t.Errorf("the line is %+v", line)
	}
	var got received
	for _, r := range f.all() {
		if strings.Contains(r.raw, "canary") {
			t.Errorf("the content part leaves: %s", r.raw)
		}
		if strings.Contains(r.text, `"dr-1"`) {
			got = r
		}
	}
	if got.priority != "<85" || got.version != "1" || got.app != "wardkeep" || got.id != "audit" || got.data != "-" || len(got.host) == 0 {
		t.Errorf("header: %+v", got)
	}
	if _, err := time.Parse(time.RFC3339Nano, got.stamp); err != nil || !strings.HasSuffix(got.stamp, "Z") {
		t.Errorf("time %s: %v", got.stamp, err)
	}
	for _, part := range []string{
		`"actor":"dr-1"`, `"client":"portal"`, `"session":"s1"`, `"roles":["physician"]`, `"action":"read"`, `"type":"Patient"`, `"purpose":"TREAT"`,
		`"request":"r1"`, `"address":"10.0.0.7"`, `"patients":["` + patient.String() + `"]`, `"shown":["` + patient.String() + `/3"]`,
	} {
		if !strings.Contains(got.text, part) {
			t.Errorf("%s is not in %s", part, got.text)
		}
	}
}

// TestReceiverCanCheck: the hashes received make the root of the signed checkpoint that
// was received; with one of them changed or left out they do not.
func TestReceiverCanCheck(t *testing.T) {
	w := newWorld(t)
	f := w.collect("127.0.0.1:0", nil)
	start(t, w.config(f.address()))
	w.look(20)
	var signed verify.Checkpoint
	until(t, "a checkpoint of all entries", func() bool {
		for _, r := range f.all() {
			if r.id == "checkpoint" {
				c, err := verify.OpenCheckpoint([]byte(r.entry.Checkpoint), w.key.Public())
				if err != nil {
					t.Fatal(err)
				}
				signed = c
			}
		}
		return signed.Size == w.log.Size() && signed.Size > 20
	})
	var hashes []tlog.Hash
	for _, r := range f.all() {
		if r.id == "audit" && int(*r.entry.Index) == len(hashes) {
			raw, err := base64.StdEncoding.DecodeString(r.entry.Hash)
			if err != nil || len(raw) != 32 {
				t.Fatalf("%q: %v", r.entry.Hash, err)
			}
			hashes = append(hashes, tlog.Hash(raw))
		}
	}
	root := func(list []tlog.Hash) tlog.Hash {
		tree := &verify.Tree{}
		for _, h := range list {
			if err := tree.Add(h, func(int, uint64, []byte) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		return tree.Root()
	}
	if root(hashes[:signed.Size]) != signed.Root {
		t.Error("what was received is not what was signed")
	}
	if root(hashes[1:signed.Size]) == signed.Root {
		t.Error("an entry that is missing is not seen")
	}
	hashes[3][0] ^= 1
	if root(hashes[:signed.Size]) == signed.Root {
		t.Error("an entry that was changed is not seen")
	}
}

// TestCollectorAway: what is logged while the collector is away, and what was on the way
// when it went, arrives once it is back, in order; the end and start of the server included.
func TestCollectorAway(t *testing.T) {
	w := newWorld(t)
	f := w.collect("127.0.0.1:0", nil)
	address := f.address()
	s, stop := start(t, w.config(address))
	w.look(5)
	until(t, "the first entries", func() bool { return whole(f.indexes(), w.log.Size()) })
	f.kill()
	until(t, "the loss is seen", func() bool { return !s.State().Connected && s.State().Problem != "" })
	w.look(300)
	if s.State().Sent == s.State().Entries {
		t.Error("nothing seems to wait")
	}
	stop()
	w.look(2)
	back := w.collect(address, nil)
	again, _ := start(t, w.config(address))
	until(t, "all entries", func() bool { return whole(back.indexes(), w.log.Size()) })
	if got := back.indexes(); got[0] != 0 {
		t.Errorf("what was on the way begins at %d", got[0])
	}
	until(t, "the state", func() bool {
		st := again.State()
		return st.Connected && st.Problem == "" && st.Sent == st.Entries && st.Arrived == 0
	})
}

// TestSettled: what has arrived, for all that can be told, is not sent again.
func TestSettled(t *testing.T) {
	w := newWorld(t)
	f := w.collect("127.0.0.1:0", nil)
	c := w.config(f.address())
	c.Settle = time.Millisecond
	s, stop := start(t, c)
	w.look(5)
	until(t, "all has settled", func() bool { st := s.State(); return st.Arrived == w.log.Size() })
	settled := s.State().Arrived
	stop()
	w.look(3)
	other := w.collect("127.0.0.1:0", nil)
	c.Address = other.address()
	_, end := start(t, c)
	until(t, "the rest", func() bool { return slices.Contains(other.indexes(), w.log.Size()-1) })
	if got := other.indexes(); got[0] != settled {
		t.Errorf("after %d entries it goes on with %d", settled, got[0])
	}
	end()
	// An orderly end on both sides says as much.
	c.Settle = time.Hour
	third := w.collect("127.0.0.1:0", nil)
	c.Address = third.address()
	_, end = start(t, c)
	w.look(1)
	until(t, "the last", func() bool { return slices.Contains(third.indexes(), w.log.Size()-1) })
	end()
	if next, err := w.log.Cursor(t.Context(), "log_out"); err != nil || next != w.log.Size() {
		t.Errorf("after an orderly end it stands at %d of %d: %v", next, w.log.Size(), err)
	}
}

// TestCursorIsSealed: a store that moves the place forward, or puts another one there,
// has all sent again, and keeps nothing back.
func TestCursorIsSealed(t *testing.T) {
	w := newWorld(t)
	w.look(10)
	if err := w.log.KeepCursor(t.Context(), "log_out", 7); err != nil {
		t.Fatal(err)
	}
	if next, err := w.log.Cursor(t.Context(), "log_out"); next != 7 || err != nil {
		t.Fatalf("%d, %v", next, err)
	}
	name := []byte("audit-cursor/" + tenant + "/log_out")
	values, err := w.store.Cells(t.Context(), record.SpaceJob, [][]byte{name})
	if err != nil || values[0] == nil {
		t.Fatal(err)
	}
	forged := slices.Clone(values[0])
	forged[len(forged)-1] ^= 1
	if err := w.log.KeepCursor(t.Context(), "another", 9); err != nil {
		t.Fatal(err)
	}
	other, err := w.store.Cells(t.Context(), record.SpaceJob, [][]byte{[]byte("audit-cursor/" + tenant + "/another")})
	if err != nil {
		t.Fatal(err)
	}
	for what, value := range map[string][]byte{"changed": forged, "of another": other[0], "in the clear": {0, 0, 0, 0, 0, 0, 0, 9}} {
		if _, err := w.store.Commit(t.Context(), record.Batch{Cells: []record.Cell{{Space: record.SpaceJob, Name: name, Value: value}}, Time: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if next, err := w.log.Cursor(t.Context(), "log_out"); next != 0 || err != nil {
			t.Errorf("%s: %d, %v", what, next, err)
		}
	}
}

// TestOnlyTheCollector: nothing is sent to whom the authority did not sign, or signed for
// another name, or who has ended; with a certificate of our own where it is asked for.
func TestOnlyTheCollector(t *testing.T) {
	w := newWorld(t)
	stranger := newWorld(t)
	_, _, strange := stranger.files("stranger", nil)
	_, _, renamed := w.files("renamed", func(c *x509.Certificate) { c.DNSNames = []string{"other.example.org"} })
	_, _, ended := w.files("ended", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	for name, pair := range map[string]tls.Certificate{"of another authority": strange, "for another name": renamed, "that has ended": ended} {
		f := w.collect("127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
		s, stop := start(t, w.config(f.address()))
		until(t, "a refusal", func() bool { return strings.Contains(s.State().Problem, "is not believed") })
		stop()
		if len(f.all()) > 0 {
			t.Errorf("something is sent to a certificate %s", name)
		}
	}
	_, _, own := w.files("client", nil)
	_, _, server := w.files("server", nil)
	f := w.collect("127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: w.roots()})
	s, stop := start(t, w.config(f.address()))
	until(t, "a refusal by the collector", func() bool { return s.State().Problem != "" })
	stop()
	c := w.config(f.address())
	c.TLS.Certificates = []tls.Certificate{own}
	start(t, c)
	until(t, "entries", func() bool { return whole(f.indexes(), w.log.Size()) })
	for name, config := range map[string]*tls.Config{
		"old TLS":                           {MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
		"suites that authenticate no bytes": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		config.Certificates = []tls.Certificate{server}
		s, _ := start(t, w.config(w.collect("127.0.0.1:0", config).address()))
		until(t, "a refusal of "+name, func() bool { return s.State().Problem != "" })
	}
}

// TestLinesAreBounded: lines that do not fit are counted, told, and leave a hole in the
// numbers; whoever logs never waits.
func TestLinesAreBounded(t *testing.T) {
	w := newWorld(t)
	const many = 10_100
	for i := range many {
		w.slog.Info("line", "n", i)
	}
	f := w.collect("127.0.0.1:0", nil)
	s, _ := start(t, w.config(f.address()))
	if st := s.State(); st.Lost < 100 {
		t.Errorf("%d are lost", st.Lost)
	}
	until(t, "that it is told", func() bool {
		return slices.ContainsFunc(f.all(), func(r received) bool {
			return r.id == "line" && strings.Contains(r.text, "did not reach the collector")
		})
	})
	if st := s.State(); st.Waiting > many {
		t.Errorf("%d wait", st.Waiting)
	}
	last := 0
	holes := 0
	for _, r := range f.all() {
		var n int
		if _, err := fmt.Sscanf(r.data, `[meta sequenceId="%d"`, &n); r.id == "line" && err == nil {
			if last > 0 && n != last+1 {
				holes++
			}
			last = n
		}
	}
	if holes == 0 {
		t.Error("the numbers of the lines have no hole")
	}
}

// TestLargeEntries: one that names many records comes in parts that a small receiver takes.
func TestLargeEntries(t *testing.T) {
	w := newWorld(t)
	e := audit.Event{Actor: "dr-1", Action: audit.ActionSearch, Type: "Observation"}
	for i := range 350 {
		k := record.Key{byte(i), byte(i >> 8), 1}
		e.Items = append(e.Items, audit.Item{Key: k, Version: 12})
		if i < 80 {
			e.Patients = append(e.Patients, k)
		}
	}
	if err := w.log.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w.look(1)
	f := w.collect("127.0.0.1:0", nil)
	start(t, w.config(f.address()))
	until(t, "the entries", func() bool { return whole(f.indexes(), w.log.Size()) })
	shown, patients, parts := map[string]bool{}, map[string]bool{}, 0
	for _, r := range f.all() {
		if len(r.raw) > 8192 {
			t.Errorf("a message of %d bytes", len(r.raw))
		}
		if r.entry.Part == 0 {
			continue
		}
		parts++
		for _, s := range r.entry.Shown {
			shown[s] = true
		}
		for _, p := range r.entry.Patients {
			patients[p] = true
		}
	}
	if len(shown) != 350 || len(patients) != 80 || parts < 4 {
		t.Errorf("%d shown, %d patients in %d parts", len(shown), len(patients), parts)
	}
}

// altered is a log whose second entry the store does not give back.
type altered struct{ *audit.Log }

func (a altered) Feed(ctx context.Context, from uint64, limit int, visit func(*audit.Leaf) error) error {
	return a.Log.Feed(ctx, from, limit, func(l *audit.Leaf) error {
		if l.Index == 1 {
			l = &audit.Leaf{Index: 1, Tree: l.Tree, Leaf: 1, Altered: true}
		}
		return visit(l)
	})
}
