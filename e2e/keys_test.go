package e2e_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

type keyStatus struct {
	Keys []struct {
		Key, ID, Reason string
		Version         uint32
		Current         bool
		Sealed          struct{ Owners, Values int }
	}
	UnderWay *struct{ Key string } `json:"under_way"`
}

func keysOf(t *testing.T, dir string) (k keyStatus) {
	t.Helper()
	if err := json.Unmarshal([]byte(must(t, "keys", "status", "--dir", dir, "--json")), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// newest is the version of a key that seals now, and how many keys are still under
// others.
func (k keyStatus) newest(key string) (version uint32, left int) {
	for _, v := range k.Keys {
		if v.Key == key && v.Current {
			version = v.Version
		} else if v.Key == key {
			left += v.Sealed.Owners
		}
	}
	return version, left
}

// TestKeysReplaced replaces every key that can be, of a server that runs, dies and
// comes back, and of one that stands still: the same is found and shown, programs'
// tokens go on, and the log verifies against what was kept before.
func TestKeysReplaced(t *testing.T) {
	s := startDemo(t, "", "--patients", "3")
	a := s.client("system/*.cruds")
	total := func() float64 {
		t.Helper()
		found := a.do(http.MethodGet, "/fhir/Observation?_summary=count", nil).json(t)
		n, _ := found["total"].(float64)
		if n == 0 {
			t.Fatalf("no Observation is found: %v", found)
		}
		return n
	}
	before, kept := total(), t.TempDir()
	must(t, "audit", "key", "--dir", s.dir, "--out", kept)
	first := keysOf(t, s.dir)
	for _, key := range []string{"root", "data", "blob", "audit"} {
		must(t, "keys", "rotate", key, "--dir", s.dir, "--reason", "a test")
		if key == "data" {
			s.kill()
			s = start(t, s.dir, s.base, s.cmd.Args[1:])
			a.server = s
		}
		for try := 0; keysOf(t, s.dir).UnderWay != nil; try++ {
			if try == 600 {
				t.Fatalf("%s is not done:\n%s", key, must(t, "keys", "status", "--dir", s.dir))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	if n := total(); n != before {
		t.Errorf("%v are found, %v were", n, before)
	}
	if got := a.do(http.MethodGet, "/fhir/Patient?_count=1", nil); got.status != http.StatusOK {
		t.Errorf("a search: %d", got.status)
	}
	status := keysOf(t, s.dir)
	if version, left := status.newest("data"); version != 2 || left != 0 || status.Keys[0].ID == first.Keys[0].ID || status.Keys[0].Reason != "a test" {
		t.Errorf("%+v", status)
	}
	verify := func() {
		must(t, "audit", "verify", "--dir", s.dir, "--deep", "--pinned", filepath.Join(kept, "checkpoint"))
	}
	verify()
	s.stop()
	must(t, "keys", "rotate", "data", "--dir", s.dir, "--reason", "of a server that stands still")
	must(t, "keys", "rotate", "root", "--dir", s.dir, "--reason", "the same")
	if version, left := keysOf(t, s.dir).newest("data"); version != 3 || left != 0 {
		t.Errorf("version %d, %d keys are under others", version, left)
	}
	verify()
	if _, said, code := run(t, "keys", "rotate", "data", "--dir", s.dir); code != 2 {
		t.Errorf("without a reason: exit %d, %s", code, said)
	}
	if _, said, code := run(t, "keys", "rotate", "index", "--dir", s.dir, "--reason", "x"); code != 1 {
		t.Errorf("the index key: exit %d, %s", code, said)
	}
	s = start(t, s.dir, s.base, s.cmd.Args[1:])
	a.server = s
	if n := total(); n != before {
		t.Errorf("%v are found, %v were", n, before)
	}
}
