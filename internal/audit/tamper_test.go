package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// deed is something that a database administrator could do.
type deed struct {
	name   string
	change func(a admin)
	codes  []verify.Code // of all findings, sorted, without repetition
	says   string        // in one of them
}

// TestTampering plays a database administrator on the files of a real store,
// and expects each deed to be found and named. Nothing done is the control.
func TestTampering(t *testing.T) {
	ev := gather(t)
	for _, d := range slices.Concat(deedsOnEntries(), deedsOnVersions(), deedsOnTree(), deedsOnIndex("j/")) {
		t.Run(d.name, func(t *testing.T) {
			fs := copyFS(t, ev.fs)
			ev.tamper(t, fs, d.change)
			r := ev.on(t, fs).verify(func(v *verify.Config) { v.Pinned = ev.pinned })
			if r.OK != (d.codes == nil) || !slices.Equal(codes(r), d.codes) || !strings.Contains(r.String(), d.says) {
				t.Errorf("want %v saying %q, got\n%s", d.codes, d.says, r)
			}
			if d.codes == nil && (r.Pending != lastly || r.Rows != 8 || r.Written != 8 || r.Shards != 2) {
				t.Errorf("counted wrongly:\n%s", r)
			}
		})
	}
}

// deedsOnEntries change what was logged.
func deedsOnEntries() []deed {
	return []deed{
		{"flip in an entry's head", func(a admin) { a.flip(entryAt(a.ev.first, 20), 30) },
			[]verify.Code{verify.CodeEntryForged}, "changed"},
		{"flip in an accountability part", func(a admin) { a.flip(entryAt(a.ev.first, 20), -1) },
			[]verify.Code{verify.CodeEntryAltered}, "digests"},
		{"flip in a pending entry", func(a admin) { a.flip(entryAt(a.ev.second, later+5), -1) },
			[]verify.Code{verify.CodeEntryAltered}, "digests"},
		{"drop an entry", func(a admin) { a.drop(entryAt(a.ev.first, 30)) },
			[]verify.Code{verify.CodeEntryMissing}, "removed"},
		{"drop a pending entry", func(a admin) { a.drop(entryAt(a.ev.second, later+6)) },
			[]verify.Code{verify.CodeEntryMissing}, "removed"},
		{"reorder two entries", func(a admin) { a.swap(entryAt(a.ev.first, 30), entryAt(a.ev.first, 31)) },
			[]verify.Code{verify.CodeEntryMoved}, "here lies entry 31"},
		{"reorder two leaves", func(a admin) { swapLeaves(a, 40, 41) },
			[]verify.Code{verify.CodeMap}, "where entry 41 is due"},
		{"put an older entry in a newer one's place", func(a admin) { a.set(entryAt(a.ev.first, 90), a.get(entryAt(a.ev.first, 80))) },
			[]verify.Code{verify.CodeEntryMoved}, "here lies entry 80"},
	}
}

// deedsOnVersions change what the log speaks of.
func deedsOnVersions() []deed {
	return []deed{
		{"swap two bodies", func(a admin) { a.swap(bodyAt(2), bodyAt(3)) },
			[]verify.Code{verify.CodeRowAltered}, "does not hold what was written"},
		{"swap two versions whole", func(a admin) { a.swap(bodyAt(2), bodyAt(3)); swapCards(a, 2, 3) },
			[]verify.Code{verify.CodeRowSwapped}, "what was written as record"},
		{"put an old version back", func(a admin) { a.set(bodyAt(5), a.get(bodyAt(4))); copyCard(a, 4, 5) },
			[]verify.Code{verify.CodeRowSwapped}, "version 2 of the record was put back"},
		{"flip in a body", func(a admin) { a.flip(bodyAt(1), 0) },
			[]verify.Code{verify.CodeRowAltered}, "does not hold"},
		{"flip in a card", func(a admin) { a.flip(rowAt(1), -1) },
			[]verify.Code{verify.CodeRowAltered}, "does not hold"},
		{"delete a version and every trace of it", func(a admin) { a.drop(rowAt(2)); a.drop(bodyAt(2)); a.drop(headAt(key(2))) },
			[]verify.Code{verify.CodeRowMissing, verify.CodeRowUnreadable}, "a version that was written is gone (record 02ee"},
		{"delete the last version, so that the one before it passes for current", unwrite,
			[]verify.Code{verify.CodeRowCurrent, verify.CodeRowMissing, verify.CodeRowUnreadable}, "gone (record 01ee0000000000000000000000000000 version 3)"},
		{"plant a version", plant,
			[]verify.Code{verify.CodeRowExtra}, "no entry says"},
		{"let an old version pass for the current one", func(a admin) { a.set(headAt(key(1)), headOf(2, 4)) },
			[]verify.Code{verify.CodeRowCurrent}, "current"},
		{"turn a version into a tombstone", func(a admin) { a.set(rowAt(2), append([]byte{2}, a.get(rowAt(2))[1:]...)) },
			[]verify.Code{verify.CodeRowAltered}, "does not hold"},
		{"set a version back by an hour", func(a admin) { a.flip(rowAt(2), 2) }, []verify.Code{verify.CodeRowTime}, "time is not that"},
	}
}

// deedsOnTree change what holds the log together.
func deedsOnTree() []deed {
	return []deed{
		{"nothing", func(admin) {}, nil, ""},
		{"alter a tile", func(a admin) { a.flip(a.treeCell(a.tree().TileName(0, 0)), 100) },
			[]verify.Code{verify.CodeTile}, "tile 0 of level 0"},
		{"alter an upper tile", func(a admin) { a.flip(a.treeCell(a.tree().TileName(1, 0)), 20) },
			[]verify.Code{verify.CodeTile}, "tile 0 of level 1"},
		{"drop a tile", func(a admin) { a.drop(a.treeCell(a.tree().TileName(0, 1))) },
			[]verify.Code{verify.CodeTile}, "missing"},
		{"alter the tree's root", func(a admin) { a.flip(a.treeCell(a.tree().StateName()), -1) },
			[]verify.Code{verify.CodeRoot}, "neither"},
		{"shrink the tree", shrink,
			[]verify.Code{verify.CodeMark, verify.CodePosting, verify.CodeRollback, verify.CodeRoot, verify.CodeTile}, "older than the pinned checkpoint: size"},
		{"alter the checkpoint", func(a admin) { a.flip(a.treeCell(a.tree().CheckpointName()), 70) },
			[]verify.Code{verify.CodeSignature, verify.CodeUnsigned}, "not signed"},
		{"put an old checkpoint back", func(a admin) { a.set(a.treeCell(a.tree().CheckpointName()), append(make([]byte, 8), a.ev.old...)) },
			[]verify.Code{verify.CodeSignature}, "older than the pinned one"},
		{"remove the checkpoint", func(a admin) { a.drop(a.treeCell(a.tree().CheckpointName())) },
			[]verify.Code{verify.CodeUnsigned}, "no signed checkpoint"},
		{"alter a shard's mark", func(a admin) { a.flip(a.treeCell(verify.MarkName(a.ev.first)), 16) },
			[]verify.Code{verify.CodeMark}, "mark"},
		{"remove a shard's registration", func(a admin) { a.drop(cellAt(record.SpaceShard, verify.ShardName(a.ev.first))) },
			[]verify.Code{verify.CodeShard}, "not registered"},
		{"alter a content part", alterContent,
			[]verify.Code{verify.CodeContent}, "was altered"},
		{"remove a content part", removeContent, nil, ""},
		{"rewrite an entry and its tile", rewrite,
			[]verify.Code{verify.CodeEntryAltered, verify.CodeFork, verify.CodeRoot, verify.CodeTile}, "neither"},
		{"remove the whole tree", func(a admin) { a.drop(a.treeCell([]byte(verify.TreesName))) },
			[]verify.Code{verify.CodeNoTree, verify.CodeRollback}, "no audit tree"},
	}
}

func codes(r *verify.Report) []verify.Code {
	var all []verify.Code
	for _, f := range r.Findings {
		all = append(all, f.Code)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func swapLeaves(a admin, i, j int) {
	name := a.treeCell(a.tree().MapName(0))
	v := a.get(name)
	x := bytes.Clone(v[8+16*i : 8+16*i+16])
	copy(v[8+16*i:], v[8+16*j:8+16*j+16])
	copy(v[8+16*j:], x)
	a.set(name, v)
}

func headAt(k record.Key) []byte { return append([]byte("h"), k[:]...) }

func headOf(version, position uint64) []byte {
	v := binary.AppendUvarint(binary.AppendUvarint(nil, version), position)
	return binary.BigEndian.AppendUint64(v, uint64(class))
}

func olderAt(k record.Key, version uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte("o"), k[:]...), version)
}

// unwrite removes version 3 of the first record, as if it had never been.
func unwrite(a admin) {
	a.drop(rowAt(5))
	a.drop(bodyAt(5))
	a.drop(olderAt(key(1), 2))
	a.set(headAt(key(1)), headOf(2, 4))
}

// plant adds a version that nobody wrote, made from another one.
func plant(a admin) {
	row := a.get(rowAt(2))
	k := key(9)
	copy(row[17:], k[:])
	a.set(rowAt(9), row)
	a.set(bodyAt(9), a.get(bodyAt(2)))
	a.set(headAt(k), headOf(1, 9))
}

// cardOffset is where the card of a row begins, for versions below 128.
const cardOffset = 1 + 8 + 8 + 16 + 1

func swapCards(a admin, p, q uint64) {
	x, y := a.get(rowAt(p)), a.get(rowAt(q))
	a.set(rowAt(p), append(bytes.Clone(x[:cardOffset]), y[cardOffset:]...))
	a.set(rowAt(q), append(bytes.Clone(y[:cardOffset]), x[cardOffset:]...))
}

func copyCard(a admin, from, to uint64) {
	x, y := a.get(rowAt(from)), a.get(rowAt(to))
	a.set(rowAt(to), append(bytes.Clone(y[:cardOffset]), x[cardOffset:]...))
}

func shrink(a admin) {
	name := a.treeCell(a.tree().StateName())
	v := a.get(name)
	binary.BigEndian.PutUint64(v[8+1:], 500)
	a.set(name, v)
}

func (a admin) firstOf(space record.Space, name string, do func(key []byte)) {
	it, err := a.db.NewIter(nil)
	if err != nil {
		a.t.Fatal(err)
	}
	prefix := cellAt(space, []byte(name))
	it.SeekGE(prefix)
	if !it.Valid() || !bytes.HasPrefix(it.Key(), prefix) {
		a.t.Fatal("there is no such cell")
	}
	k := bytes.Clone(it.Key())
	if err := it.Close(); err != nil {
		a.t.Fatal(err)
	}
	do(k)
}

func alterContent(a admin)  { a.firstOf(record.SpaceContent, "", func(k []byte) { a.flip(k, -1) }) }
func removeContent(a admin) { a.firstOf(record.SpaceContent, "", a.drop) }

// rewrite changes an entry and the leaf hash in its tile to agree. Without the
// signing key the root gives it away, without the audit key the MAC does.
func rewrite(a admin) {
	at := entryAt(a.ev.first, 20)
	a.flip(at, -1)
	tile := a.treeCell(a.tree().TileName(0, 0))
	v := a.get(tile)
	h := tlog.RecordHash(a.get(at))
	copy(v[8+32*19:], h[:])
	a.set(tile, v)
}

func TestWrongKey(t *testing.T) {
	ev := gather(t)
	w := ev.on(t, copyFS(t, ev.fs))
	other, _, _ := ed25519.GenerateKey(nil)
	r := w.verify(func(v *verify.Config) { v.Key, v.Pinned = other, ev.pinned })
	if r.OK || !slices.Equal(codes(r), []verify.Code{verify.CodeSignature, verify.CodeUnsigned}) {
		t.Errorf("got\n%s", r)
	}
}

// TestStranger verifies with the public key and the pinned checkpoint alone.
func TestStranger(t *testing.T) {
	ev := gather(t)
	fs := copyFS(t, ev.fs)
	strip := func(v *verify.Config) { v.Open, v.Tenant, v.Pinned = nil, "", ev.pinned }
	if r := ev.on(t, fs).verify(strip); !r.OK || len(r.Skipped) != 1 {
		t.Errorf("a sound store:\n%s", r)
	}
	fs = copyFS(t, ev.fs)
	ev.tamper(t, fs, func(a admin) { a.flip(entryAt(ev.first, 20), 40) })
	r := ev.on(t, fs).verify(strip)
	if r.OK || !slices.Contains(codes(r), verify.CodeEntryOrder) {
		t.Errorf("a flipped byte:\n%s", r)
	}
}
