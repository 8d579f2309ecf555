package verify

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/wardkeep/wardkeep/internal/record"
)

// treeCheck rehashes one tree from its entries, and once more from its lowest
// tiles, so that it can tell an altered entry from an altered tile.
type treeCheck struct {
	*verifier
	id      TreeID
	ordinal int
	state   State
	signed  *Checkpoint // the store's own, if its signature holds

	statement *Statement
	roots     map[uint64]tlog.Hash // by size, from the entries
	tileRoots map[uint64]tlog.Hash // by size, from the lowest tiles
	different []leafDiff           // entries that are not what their tile says
	upper     map[tileName][]byte  // higher tiles as the entries make them up
}

type leafDiff struct {
	index uint64
	leaf  Leaf
	told  bool // the entry's own defect is in the report already
}

type tileName struct {
	level int
	n     uint64
}

func (t *treeCheck) find(f Finding) {
	f.Tree = t.id.String()
	t.verifier.find(f)
}

// covers reports whether the tree was declared the successor of c's tree with
// c, or a later checkpoint, in view.
func (t *treeCheck) covers(c Checkpoint) bool {
	return t.statement != nil && t.statement.LastOrigin == c.Origin && t.statement.LastSize >= c.Size
}

// walk goes through the leaves, 256 at a time.
func (t *treeCheck) walk() error {
	entries, tiles := new(Tree), new(Tree)
	t.note(entries, tiles)
	for n := uint64(0); n*tileWidth < t.state.Size; n++ {
		width := min(tileWidth, t.state.Size-n*tileWidth)
		if err := t.bundle(n, width, entries, tiles); err != nil {
			return err
		}
		if err := t.step(width); err != nil {
			return err
		}
		if t.Progress != nil {
			t.Progress(t.done, t.total)
		}
	}
	if err := entries.Flush(t.keepTile); err != nil {
		return err
	}
	if err := tiles.Flush(t.compareTile); err != nil {
		return err
	}
	t.judge(entries.Root())
	t.checkSuccession()
	t.report.Leaves += t.state.Size
	t.report.Origin, t.report.Size, t.report.Root = t.id.Origin(t.Tenant), t.state.Size, entries.Root().String()
	t.report.Signed = 0
	if t.signed != nil {
		t.report.Signed = t.signed.Size
	}
	return nil
}

// bundle checks up to 256 leaves.
func (t *treeCheck) bundle(n, width uint64, entries, tiles *Tree) error {
	cell, err := t.cell(record.SpaceTree, t.id.MapName(n))
	if err != nil {
		return err
	}
	leaves, err := ParseLeaves(cell)
	if err != nil || uint64(len(leaves)) < width {
		t.find(Finding{Code: CodeMap, Text: fmt.Sprintf("the table of leaves %s to %s is missing, too short or malformed",
			number(n*tileWidth), number(n*tileWidth+width-1))})
		leaves = append(leaves, make([]Leaf, width)...)
	}
	tile, err := t.cell(record.SpaceTree, t.id.TileName(0, n))
	if err != nil {
		return err
	}
	if uint64(len(tile)) != width*tlog.HashSize {
		t.find(Finding{Code: CodeTile, Text: fmt.Sprintf("tile %d of level 0 is missing or has another width", n)})
		tile = append(bytes.Clone(tile), make([]byte, width*tlog.HashSize)...)
	}
	var contents [][32]byte
	for i, leaf := range leaves[:width] {
		index := n*tileWidth + uint64(i)
		stored := tlog.Hash(tile[i*tlog.HashSize:])
		got, err := t.leaf(index, leaf, stored, &contents)
		if err != nil {
			return err
		}
		if err := entries.Add(got, t.keepTile); err != nil {
			return err
		}
		if err := tiles.Add(stored, t.compareTile); err != nil {
			return err
		}
		t.note(entries, tiles)
	}
	return t.checkContents(contents)
}

// leaf checks one leaf's entry and returns its hash. For an entry that is gone
// it returns the tile's hash, so that the loss is told once.
func (t *treeCheck) leaf(index uint64, leaf Leaf, stored tlog.Hash, contents *[][32]byte) (tlog.Hash, error) {
	if leaf == (Leaf{}) {
		return stored, nil // the table is broken here, which has been said
	}
	c := t.chain(leaf.Shard)
	if want := c.mark.Counter + 1; leaf.Counter != want {
		t.find(Finding{Code: CodeMap, Leaf: &index, Shard: shardName(leaf.Shard), Counter: leaf.Counter,
			Text: fmt.Sprintf("the table of leaves names entry %s of its shard where entry %s is due", number(leaf.Counter), number(want))})
		c.skip()
		return stored, nil
	}
	raw, err := c.next()
	if err != nil {
		return stored, err
	}
	if raw == nil {
		c.missing(&index)
		return stored, nil
	}
	e, account, told := c.check(raw, &index)
	got := LeafHash(raw)
	if got != stored {
		t.different = append(t.different, leafDiff{index: index, leaf: leaf, told: told})
	}
	if e == nil {
		return got, nil
	}
	if e.Content != ([32]byte{}) {
		*contents = append(*contents, e.Content)
	}
	if e.Flags&FlagStatement != 0 {
		t.statementAt(index, e)
	}
	switch {
	case t.index == nil:
	case e.Flags&FlagStatement != 0:
		t.index.read++
	case account != nil:
		return got, t.index.entry(account, uint32(t.ordinal+1), index)
	}
	return got, nil
}

// statementAt takes note of a statement. It belongs at leaf 0.
func (t *treeCheck) statementAt(index uint64, e *Entry) {
	s, err := ParseStatement(e)
	switch {
	case err != nil:
		t.find(Finding{Code: CodeSuccessor, Leaf: &index, Text: "a statement is malformed"})
	case index == 0:
		t.statement = s
	default:
		t.find(Finding{Severity: Warning, Code: CodeSuccessor, Leaf: &index,
			Text: "a statement that no tree begins with: a declaration was begun and not finished"})
	}
}

// note remembers the roots at the sizes that will be asked for.
func (t *treeCheck) note(entries, tiles *Tree) {
	size := entries.Size()
	handed := func(h HandOver) bool { return size == h.At.Size }
	if size == t.state.Size || (t.signed != nil && size == t.signed.Size) ||
		(t.pinned != nil && size == t.pinned.Size) || slices.ContainsFunc(t.signs.HandOvers(), handed) {
		t.roots[size], t.tileRoots[size] = entries.Root(), tiles.Root()
	}
}

func (t *treeCheck) keepTile(level int, n uint64, data []byte) error {
	if level > 0 {
		t.upper[tileName{level, n}] = data
	}
	return nil
}

// compareTile holds a higher tile against what the lowest tiles make up. Where
// one of those was altered, what the entries make up is as good.
func (t *treeCheck) compareTile(level int, n uint64, data []byte) error {
	if level == 0 {
		return nil
	}
	stored, err := t.cell(record.SpaceTree, t.id.TileName(level, n))
	if err == nil && !bytes.Equal(stored, data) && !bytes.Equal(stored, t.upper[tileName{level, n}]) {
		t.tileAltered(level, n)
	}
	delete(t.upper, tileName{level, n})
	return err
}

func (t *treeCheck) tileAltered(level int, n uint64) {
	t.find(Finding{Code: CodeTile, Text: fmt.Sprintf("tile %d of level %d was altered", n, level)})
}

// judge says what differs, once all leaves have been rehashed. Where a signed
// root is at hand, it decides whether an entry or its tile was altered;
// elsewhere the entry's MAC does.
func (t *treeCheck) judge(root tlog.Hash) {
	if t.state.Root != root && t.state.Root != t.tileRoots[t.state.Size] {
		t.find(Finding{Code: CodeRoot, Text: "the tree's state holds a root that neither its entries nor its tiles make up"})
	}
	truth := t.truth()
	entriesHold := truth != nil && t.roots[truth.Size] == truth.Root
	tilesHold := truth != nil && t.tileRoots[truth.Size] == truth.Root
	if truth != nil && truth == t.signed && !entriesHold && !tilesHold {
		t.find(Finding{Code: CodeRoot, Text: "neither the entries nor the tiles make up the signed root"})
	}
	lastTile := ^uint64(0)
	for _, d := range t.different {
		signed := truth != nil && d.index < truth.Size
		tile := !d.told
		if signed && entriesHold != tilesHold {
			tile = entriesHold
		}
		switch n := d.index / tileWidth; {
		case tile && n != lastTile:
			t.tileAltered(0, n)
			lastTile = n
		case !tile && !d.told:
			t.find(Finding{Code: CodeEntryAltered, Leaf: &d.index, Shard: shardName(d.leaf.Shard), Counter: d.leaf.Counter,
				Text: "the entry is not the one that was taken into the tree"})
		}
	}
	t.checkSigned()
}

// truth is a signed checkpoint of this tree whose size the tree has reached.
func (t *treeCheck) truth() *Checkpoint {
	for _, c := range []*Checkpoint{t.signed, t.pinned} {
		if c != nil && c.Origin == t.id.Origin(t.Tenant) && c.Size <= t.state.Size {
			return c
		}
	}
	return nil
}

// checkSigned checks that the store's own checkpoint is where it should be.
func (t *treeCheck) checkSigned() {
	switch {
	case t.signed == nil && t.state.Size > 0:
		t.find(Finding{Severity: Warning, Code: CodeUnsigned, Text: "no signed checkpoint in the store covers this tree"})
	case t.signed != nil && t.signed.Size > t.state.Size:
		t.find(Finding{Code: CodeRollback, Text: fmt.Sprintf(
			"the tree is older than the store's own checkpoint: size %s < %s", number(t.state.Size), number(t.signed.Size))})
	case t.signed != nil && t.pinned != nil && t.pinned.Origin == t.signed.Origin &&
		t.signed.Size < t.pinned.Size && t.pinned.Size <= t.state.Size:
		t.find(Finding{Code: CodeSignature, Text: fmt.Sprintf(
			"the store's checkpoint is older than the pinned one: size %s < %s", number(t.signed.Size), number(t.pinned.Size))})
	}
}

// checkSuccession checks that a tree after the first begins with a statement
// that tells the truth about the one before it.
func (t *treeCheck) checkSuccession() {
	if t.ordinal == 0 {
		return
	}
	before := t.trees[t.ordinal-1]
	s := t.statement
	switch {
	case s == nil:
		t.find(Finding{Code: CodeSuccessor, Text: "the tree follows another one without a declaration"})
	case s.RecoveredOrigin != before.id.Origin(t.Tenant) || s.RecoveredSize != before.state.Size || s.RecoveredRoot != before.state.Root:
		t.find(Finding{Code: CodeSuccessor, Text: "the declaration does not describe the tree before it as it is"})
	default:
		t.report.Successors = append(t.report.Successors, fmt.Sprintf("%s declared by %s at %s: %s; lost: %s",
			s.Reason, s.Who, s.Time.Format("2006-01-02 15:04:05Z"), s.Why, s.Missing()))
	}
}
