package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestInventoryOfAStoreThatDoesNotOpen: it stays where it was, and that of a store
// which another process has open stays aside.
func TestInventoryOfAStoreThatDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	there := func() (names []string) {
		list, err := fs.Glob(os.DirFS(dir), "store.inventory*")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for _, name := range []string{inventoryFile, inventoryOpen} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		putBack, err := openInventory(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := there(); len(got) != 1 || got[0] != inventoryOpen {
			t.Errorf("with %s: while it is open there is %v", name, got)
		}
		if err := putBack(); err != nil {
			t.Fatal(err)
		}
		if got := there(); len(got) != 1 || got[0] != name {
			t.Errorf("with %s: afterwards there is %v", name, got)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}
