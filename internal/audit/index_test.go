package audit_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// deedsOnIndex change the cells of the index whose names begin so.
func deedsOnIndex(space string) []deed {
	only := []verify.Code{verify.CodePosting}
	return []deed{
		{"drop a cell of the index", func(a admin) { a.firstOf(record.SpaceTree, space, a.drop) }, only, "does not find this entry"},
		{"hide an entry from a search", func(a admin) { a.postings(space, thin) }, only, "does not find this entry"},
		{"let a search find too much", func(a admin) { a.postings(space, fatten) }, only, "names 1 leaves too many"},
		{"exchange an entry in a search", func(a admin) { a.postings(space, func(l []verify.Posting) []verify.Posting { return fatten(thin(l)) }) }, only, "does not find this entry"},
		{"spoil a cell of the index", func(a admin) {
			a.firstOf(record.SpaceTree, space, func(k []byte) { a.set(k, append(a.get(k), 0)) })
		}, only, "1 cells of the index of entries cannot be read"},
	}
}

func thin(list []verify.Posting) []verify.Posting { return list[1:] }

// fatten adds a leaf that is none of a token's.
func fatten(list []verify.Posting) []verify.Posting {
	for _, token := range list {
		for _, leaf := range list {
			if extra := (verify.Posting{Token: token.Token, Leaf: leaf.Leaf}); !slices.Contains(list, extra) {
				return verify.SortPostings(append(list, extra))
			}
		}
	}
	return list
}

// postings changes what the first cell of the index tells whose name begins so, of
// those that can be changed in this way.
func (a admin) postings(space string, change func([]verify.Posting) []verify.Posting) {
	done := false
	a.each(space, func(k []byte) {
		value, name := a.get(k), k[2:]
		first, err := verify.PostingsFirst(name)
		if err != nil {
			a.t.Fatal(err)
		}
		var list []verify.Posting
		if err := verify.ParsePostings(name, value[8:], func(p verify.Posting) { list = append(list, p) }); err != nil {
			a.t.Fatal(err)
		}
		if changed := change(slices.Clone(list)); !done && !slices.Equal(list, changed) {
			a.set(k, verify.AppendPostingsCell(value[:8], first, changed))
			done = true
		}
	})
	if !done {
		a.t.Fatal("no cell of the index can be changed so")
	}
}

// manyRuns makes a store whose index has two whole runs, and the beginning of a third.
func manyRuns(t *testing.T) *evidence {
	ev := &evidence{fs: vfs.NewMem()}
	w := worldOn(t, openFS(t, ev.fs))
	l, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{500, verify.RunLeaves, verify.RunLeaves, 50, 70} {
		w.append(l, many(n)...)
		w.integrate(l)
	}
	w.close(l)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	return ev
}

// TestTamperingWithRuns plays the administrator on an index that has whole runs.
func TestTamperingWithRuns(t *testing.T) {
	ev := manyRuns(t)
	nothing := deed{"nothing", func(admin) {}, nil, ""}
	misplace := deed{"put a cell where no search looks", func(a admin) {
		a.firstOf(record.SpaceTree, "i/", func(k []byte) {
			elsewhere := bytes.Clone(k)
			elsewhere[len(elsewhere)-9] ^= verify.Buckets // no search asks for this bucket
			a.set(elsewhere, a.get(k))
			a.drop(k)
		})
	}, []verify.Code{verify.CodePosting}, "does not find this entry"}
	confuse := deed{"put two cells in each other's place", func(a admin) {
		var keys [][]byte
		a.each("i/", func(k []byte) { keys = append(keys, k) })
		i := slices.IndexFunc(keys, func(k []byte) bool { return k[len(k)-9] != keys[0][len(k)-9] })
		a.swap(keys[0], keys[i])
	}, []verify.Code{verify.CodePosting}, "does not find this entry"}
	for space, deeds := range map[string][]deed{
		"i/": append(deedsOnIndex("i/"), nothing, misplace, confuse), "j/": deedsOnIndex("j/"),
	} {
		for _, d := range deeds {
			t.Run(space+d.name, func(t *testing.T) {
				fs := copyFS(t, ev.fs)
				ev.tamper(t, fs, d.change)
				r := ev.on(t, fs).verify(nil)
				if r.OK != (d.codes == nil) || !slices.Equal(codes(r), d.codes) || !strings.Contains(r.String(), d.says) {
					t.Errorf("want %v saying %q, got\n%s", d.codes, d.says, r)
				}
			})
		}
	}
}

// each visits the cells of the tree whose names begin so.
func (a admin) each(space string, visit func(key []byte)) {
	it, err := a.db.NewIter(&lsm.IterOptions{LowerBound: cellAt(record.SpaceTree, []byte(space)), UpperBound: cellAt(record.SpaceTree, []byte{space[0] + 1})})
	if err != nil {
		a.t.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		visit(bytes.Clone(it.Key()))
	}
	if err := it.Close(); err != nil {
		a.t.Fatal(err)
	}
}

// TestRunsReplaceSteps: of a whole run only its own cells are kept, its steps' cells
// are gone, and who opens the store goes on where the last one stopped.
func TestRunsReplaceSteps(t *testing.T) {
	ev := manyRuns(t)
	ev.tamper(t, ev.fs, func(a admin) {
		firsts := map[uint64]bool{}
		a.each("i/", func(k []byte) {
			first, err := verify.PostingsFirst(k[2:])
			if err != nil {
				t.Fatal(err)
			}
			firsts[first] = true
		})
		if len(firsts) != 2 || !firsts[0] || !firsts[verify.RunLeaves] {
			t.Errorf("whole runs begin at %v, want two", firsts)
		}
		a.each("j/", func(k []byte) {
			if first, err := verify.PostingsFirst(k[2:]); err != nil || first < 2*verify.RunLeaves {
				t.Errorf("a step's cell from leaf %d on is still there: %v", first, err)
			}
		})
	})
	w := worldOn(t, openFS(t, ev.fs))
	l := w.open()
	w.append(l, many(verify.RunLeaves)...)
	w.integrate(l)
	want := 500 + verify.RunLeaves + verify.RunLeaves + 50 + 70 + verify.RunLeaves
	count := 0
	for i := range verify.RunLeaves {
		found, err := l.Find(t.Context(), audit.Filter{RequestID: fmt.Sprintf("req-%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		if count += len(found); i >= 500 && len(found) != 3 {
			t.Fatalf("request %d has %d entries, want 3", i, len(found))
		}
	}
	if count != want {
		t.Errorf("%d entries found by their requests, want %d", count, want)
	}
	w.close(l)
	if r := w.verify(nil); !r.OK {
		t.Error(r)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	ev.tamper(t, ev.fs, func(a admin) {
		a.each("j/", func(k []byte) { // the tail that was read again went into a run
			if first, err := verify.PostingsFirst(k[2:]); err != nil || first < 3*verify.RunLeaves {
				t.Errorf("a step's cell from leaf %d on is still there: %v", first, err)
			}
		})
	})
}

// TestOtherFormat: a log whose index this version would not find is refused, not
// searched in vain.
func TestOtherFormat(t *testing.T) {
	ev := manyRuns(t)
	ev.tamper(t, ev.fs, func(a admin) {
		trees := a.treeCell([]byte(verify.TreesName))
		v := a.get(trees)
		v[8] = 1
		a.set(trees, v)
	})
	w := worldOn(t, openFS(t, ev.fs))
	if _, err := audit.Open(t.Context(), w.config()); err == nil || !strings.Contains(err.Error(), "another version of wardkeep") {
		t.Errorf("opened: %v", err)
	}
	if r := ev.on(t, copyFS(t, ev.fs)).verify(nil); r.OK || !strings.Contains(r.String(), "another version of wardkeep") {
		t.Errorf("verify says\n%s", r)
	}
}

// TestDamagedTail: a cell of the tail that is damaged, or planted, stops nothing and is
// not taken into a run; what else is logged is found, and audit verify tells of it.
func TestDamagedTail(t *testing.T) {
	for name, change := range map[string]func(a admin, key []byte){
		"cut short":  func(a admin, k []byte) { v := a.get(k); a.set(k, v[:len(v)-1]) },
		"no posting": func(a admin, k []byte) { a.set(k, a.get(k)[:9]) },
		"planted far away": func(a admin, _ []byte) {
			far := uint64(1) << 40
			cell := verify.AppendPostingsCell(make([]byte, 8), far, []verify.Posting{{Token: 1, Leaf: far}})
			a.set(a.treeCell(verify.StepName(1, far)), cell)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ev := manyRuns(t)
			ev.tamper(t, ev.fs, func(a admin) {
				done := false
				a.each("j/", func(k []byte) {
					if !done {
						change(a, k)
						done = true
					}
				})
			})
			w := worldOn(t, openFS(t, ev.fs))
			l := w.open()
			events := many(verify.RunLeaves) // a run becomes whole
			for i := range events {
				events[i].RequestID = fmt.Sprintf("later-%d", i)
			}
			w.append(l, events...)
			w.integrate(l)
			for _, i := range []int{0, 17, verify.RunLeaves - 1} {
				found, err := l.Find(t.Context(), audit.Filter{RequestID: fmt.Sprintf("later-%d", i)})
				if err != nil || len(found) != 1 {
					t.Errorf("request %d has %d entries: %v", i, len(found), err)
				}
			}
			w.close(l)
			r := w.verify(nil)
			if r.OK || !slices.Equal(codes(r), []verify.Code{verify.CodePosting}) {
				t.Errorf("verify says\n%s", r)
			}
		})
	}
}
