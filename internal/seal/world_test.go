package seal_test

import (
	gocontext "context"
	"errors"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// cells is a store that knows nothing but cells, and can be made to fail.
type cells struct {
	mu    sync.Mutex
	data  map[string][]byte
	reads int
	err   error
}

var errGuard = errors.New("a guard does not hold")

func (c *cells) Cells(_ gocontext.Context, space record.Space, names [][]byte) ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.err != nil {
		return nil, c.err
	}
	out := make([][]byte, len(names))
	for i, n := range names {
		out[i] = c.data[string(rune(space))+string(n)]
	}
	return out, nil
}

func (c *cells) commit(set []record.Cell, guards []record.Guard) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range guards {
		name := string(rune(g.Cell.Space)) + string(g.Cell.Name)
		if string(c.data[name]) != string(g.Cell.Value) {
			return errGuard
		}
	}
	for _, s := range set {
		name := string(rune(s.Space)) + string(s.Name)
		if s.Value == nil {
			delete(c.data, name)
			continue
		}
		c.data[name] = append([]byte(nil), s.Value...)
	}
	return nil
}

func (c *cells) readCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

func (c *cells) get(cell record.Cell) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data[string(rune(cell.Space))+string(cell.Name)]
}

func (c *cells) set(cell record.Cell, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data[string(rune(cell.Space))+string(cell.Name)] = value
}

// context is for callbacks that have none of their own.
func context() gocontext.Context { return gocontext.Background() }

// root is fixed: a failing test prints the same bytes again.
var root = [32]byte{1, 2, 3}

func newCells() *cells { return &cells{data: map[string][]byte{}} }

func config(c *cells) seal.Config {
	return seal.Config{Tenant: "north", Keyring: local.New(root), Cells: c}
}

// open starts a sealer on a fresh store.
func open(t testing.TB, change ...func(*seal.Config)) (*seal.Sealer, *cells) {
	t.Helper()
	c := newCells()
	conf := config(c)
	for _, f := range change {
		f(&conf)
	}
	b, err := seal.Init(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.commit(b.Cells, b.Guards); err != nil {
		t.Fatal(err)
	}
	return reopen(t, conf), c
}

func reopen(t testing.TB, conf seal.Config) *seal.Sealer {
	t.Helper()
	s, err := seal.Open(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func key(b byte) record.Key { return record.Key{15: b, 0: 0x80 ^ b} }
