package verify

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiles are those of C2SP tlog-tiles: 256 hashes wide, level l+1 holding the
// roots of the full tiles of level l.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Tree is the right edge of an RFC 6962 tree: all that is needed to append
// leaves and to tell the root. The zero Tree is empty.
type Tree struct {
	size   uint64
	levels [][]tlog.Hash // the hashes of each level's unfinished tile
	dirty  []bool        // the unfinished tile changed since the last Flush
}

// EmitTile receives tile n of a level. data is valid only until it returns.
type EmitTile func(level int, n uint64, data []byte) error

// Size returns the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Clone returns an independent copy.
func (t *Tree) Clone() *Tree {
	c := &Tree{size: t.size, levels: make([][]tlog.Hash, len(t.levels)), dirty: append([]bool(nil), t.dirty...)}
	for l, hashes := range t.levels {
		c.levels[l] = append(make([]tlog.Hash, 0, tileWidth), hashes...)
	}
	return c
}

// Add appends a leaf. Tiles that it completes go to emit.
func (t *Tree) Add(leaf tlog.Hash, emit EmitTile) error {
	h := leaf
	for l := 0; ; l++ {
		if l == len(t.levels) {
			t.levels, t.dirty = append(t.levels, make([]tlog.Hash, 0, tileWidth)), append(t.dirty, false)
		}
		t.levels[l], t.dirty[l] = append(t.levels[l], h), true
		if len(t.levels[l]) < tileWidth {
			break
		}
		if err := emit(l, t.size>>(tileHeight*(l+1)), join(t.levels[l])); err != nil {
			return err
		}
		h = subtree(t.levels[l])
		t.levels[l], t.dirty[l] = t.levels[l][:0], false
	}
	t.size++
	return nil
}

// Flush gives the unfinished tiles that changed since the last Flush to emit.
func (t *Tree) Flush(emit EmitTile) error {
	for l, hashes := range t.levels {
		if !t.dirty[l] || len(hashes) == 0 {
			continue
		}
		if err := emit(l, t.size>>(tileHeight*(l+1)), join(hashes)); err != nil {
			return err
		}
		t.dirty[l] = false
	}
	return nil
}

// Root returns the tree's root hash.
func (t *Tree) Root() tlog.Hash {
	var root tlog.Hash
	any := false
	for _, hashes := range t.levels {
		// Peaks from the right: the smallest first, each wrapped by the next.
		for end := len(hashes); end > 0; {
			width := 1 << bits.TrailingZeros(uint(end))
			peak := subtree(hashes[end-width : end])
			if any {
				root = tlog.NodeHash(peak, root)
			} else {
				root, any = peak, true
			}
			end -= width
		}
	}
	if !any {
		root, _ = tlog.TreeHash(0, nil)
	}
	return root
}

// subtree returns the root of a full subtree; len(hashes) MUST be a power of two.
func subtree(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

var errTile = errors.New("a tile of the audit tree is missing or too short")

// LoadTree reads the right edge of a tree of the given size. The caller MUST
// compare the root: tiles come from an untrusted store.
func LoadTree(size uint64, read func(level int, n uint64) ([]byte, error)) (*Tree, error) {
	t := &Tree{size: size}
	for l := 0; size>>(tileHeight*l) > 0; l++ {
		width := size >> (tileHeight * l) % tileWidth
		hashes := make([]tlog.Hash, 0, tileWidth)
		if width > 0 {
			data, err := read(l, size>>(tileHeight*(l+1)))
			if err != nil {
				return nil, fmt.Errorf("verify.LoadTree: %w", err)
			}
			if uint64(len(data)) < width*tlog.HashSize {
				return nil, fmt.Errorf("verify.LoadTree: %w", errTile)
			}
			hashes = append(hashes, split(data[:width*tlog.HashSize])...)
		}
		t.levels, t.dirty = append(t.levels, hashes), append(t.dirty, false)
	}
	return t, nil
}

// Hashes returns a reader of a tree's inner hashes that believes nothing: each
// tile is checked against the root. read returns a tile at least as wide as it
// was at that size.
func Hashes(size uint64, root tlog.Hash, read func(level int, n uint64) ([]byte, error)) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: int64(size), Hash: root}, tileReader(read))
}

type tileReader func(level int, n uint64) ([]byte, error)

func (tileReader) Height() int                     { return tileHeight }
func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, err := r(t.L, uint64(t.N))
		if err != nil {
			return nil, err
		}
		if len(data) < t.W*tlog.HashSize {
			return nil, errTile
		}
		all[i] = data[:t.W*tlog.HashSize]
	}
	return all, nil
}

func join(hashes []tlog.Hash) []byte {
	data := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return data
}

func split(data []byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(data)/tlog.HashSize)
	for i := range hashes {
		hashes[i] = tlog.Hash(data[i*tlog.HashSize:])
	}
	return hashes
}
