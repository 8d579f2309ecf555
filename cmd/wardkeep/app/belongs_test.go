package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

func openTenant(t *testing.T, dir, tenant string) (*House, error) {
	t.Helper()
	cfg := config.Default()
	cfg.Dir, cfg.Tenant, cfg.CacheMB = dir, tenant, 8
	return OpenHouse(t.Context(), cfg, slog.New(slog.DiscardHandler), Options{})
}

var ann = vault.TypeID{Type: "Patient", ID: "ann"}

// folderOf makes the closed folder of a tenant, with a patient whose ids and numbers
// are those that the other has, too. root is the folder whose root key it gets.
func folderOf(t *testing.T, tenant, root string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), tenant)
	if root != "" {
		replaceIn(t, dir, root, rootKeyFile)
	}
	h, err := openTenant(t, dir, tenant)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"resourceType":"Patient","id":"ann","identifier":[{"system":"urn:mrn","value":"4711"}],"name":[{"family":"` + tenant + `"}]}`
	if report, err := h.file(t.Context(), "test", bulk.Unit{Source: "x", Lines: true, Data: []byte(text + "\n")}); err != nil || report.Accepted["Patient"] != 1 {
		t.Fatal(report, err)
	}
	shut(t, h)
	return dir
}

func shut(t *testing.T, h *House) {
	t.Helper()
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// replaceIn puts files and folders of one folder into the place of another's.
func replaceIn(t *testing.T, dir, from string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		old, to := filepath.Join(from, name), filepath.Join(dir, name)
		err := os.RemoveAll(to)
		info, wrong := os.Stat(old)
		switch {
		case err != nil || wrong != nil:
			t.Fatal(err, wrong)
		case info.IsDir():
			err = os.CopyFS(to, os.DirFS(old))
		default:
			var text []byte
			if text, err = os.ReadFile(old); err == nil {
				err = os.WriteFile(to, text, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFoldersAreTheirTenants: files of one organisation open nothing in the folder of
// another, nor under its name, and are as they were after the attempt.
func TestFoldersAreTheirTenants(t *testing.T) {
	north := folderOf(t, "north", "")
	for name, c := range map[string]struct {
		root  bool // both have one root key, which they must not
		files []string
		words string
	}{
		"nothing (the control)": {},
		"nothing, one root":     {root: true},
		"the store":             {files: []string{storeDir, inventoryFile}},
		"the store, one root":   {root: true, files: []string{storeDir, inventoryFile}},
		"the store and its key": {files: []string{storeDir, inventoryFile, fileKeyFile}, words: "the keys cannot be used"},
		"both, one root":        {root: true, files: []string{storeDir, inventoryFile, fileKeyFile}, words: "is the folder of tenant north, and was opened as that of south"},
		"the key of the store":  {files: []string{fileKeyFile}, words: "the keys cannot be used"},
		"the root key":          {files: []string{rootKeyFile}, words: "the keys cannot be used"},
		"all of it":             {files: []string{storeDir, inventoryFile, fileKeyFile, rootKeyFile, blobsDir}, words: "Use --tenant north, or name the right folder"},
	} {
		t.Run(name, func(t *testing.T) {
			root := ""
			if c.root {
				root = north
			}
			south := folderOf(t, "south", root)
			replaceIn(t, south, north, c.files...)
			for range 2 { // the first attempt leaves nothing that lets the second in
				h, err := openTenant(t, south, "south")
				if err == nil {
					shut(t, h)
				}
				if (err == nil) != (c.files == nil) || err != nil && !strings.Contains(errorText(err), c.words) {
					t.Errorf("opened: %v", err)
				}
			}
			if len(c.files) == 5 {
				h, err := openTenant(t, south, "north")
				if err != nil {
					t.Fatal("its own name does not open it any more:", err)
				}
				shut(t, h)
			}
		})
	}
}

// TestStoreWithoutATreeIsNobodysElse: a store that has lost what names its owner gets no
// keys of somebody else.
func TestStoreWithoutATreeIsNobodysElse(t *testing.T) {
	dir := folderOf(t, "north", "")
	h, err := openTenant(t, dir, "north")
	if err != nil {
		t.Fatal(err)
	}
	var names [][]byte
	if err := h.Store.Scan(t.Context(), record.SpaceTree, nil, nil, func(name, _ []byte) error {
		names = append(names, bytes.Clone(name))
		return nil
	}); err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	h.Log = nil // it must not write a checkpoint again
	var cells []record.Cell
	for _, name := range names {
		cells = append(cells, record.Cell{Space: record.SpaceTree, Name: name})
	}
	planted(t, h, record.Batch{Cells: cells})
	shut(t, h)
	h, err = openTenant(t, dir, "south")
	if err == nil {
		shut(t, h)
	}
	if err == nil || !strings.Contains(err.Error(), "the keys cannot be used") {
		t.Errorf("it was given keys under another name: %v", err)
	}
}

func planted(t *testing.T, h *House, b record.Batch) {
	t.Helper()
	b.Time = h.Clock.Now()
	receipt, err := h.Store.Commit(t.Context(), b)
	if err == nil {
		err = receipt.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func family(t *testing.T, h *House) (string, error) {
	t.Helper()
	rec, err := h.Vault.Get(t.Context(), ann)
	return string(rec.Body), err
}

// TestRowsAreTheirTenants plants rows, keys and files of one organisation into the other's
// store under the names of its own, although both have one root key.
func TestRowsAreTheirTenants(t *testing.T) {
	northDir := folderOf(t, "north", "")
	southDir := folderOf(t, "south", northDir)
	north, err := openTenant(t, northDir, "north")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { shut(t, north) }()
	south, err := openTenant(t, southDir, "south")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := family(t, south); err != nil || !strings.Contains(text, `"south"`) {
		t.Fatalf("the control: %v", err)
	}
	row := func(h *House) (record.Key, record.Row) {
		keys, err := h.Vault.Keys(t.Context(), []vault.TypeID{ann})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := h.Store.Get(t.Context(), []store.Ref{{Key: keys[0]}}, store.WantBody|store.WantCard)
		if err != nil {
			t.Fatal(err)
		}
		return keys[0], rows[0]
	}
	key, own := row(south)
	northKey, theirs := row(north)
	northCells, southCells := keyCells(t, north), keyCells(t, south)
	planted(t, south, record.Batch{Puts: []record.Put{{Key: key, Version: 2, Class: own.Class, Body: theirs.Body, Card: theirs.Card}}})
	if text, err := family(t, south); err == nil {
		t.Errorf("a row of another tenant opens: %.80s", text)
	}
	// The row under its own key, with the patient's wrapped key and every cell of names.
	var cells []record.Cell
	for name, value := range northCells {
		if name[0] != 't' {
			cells = append(cells, record.Cell{Space: record.SpaceKey, Name: []byte(name), Value: value})
		}
	}
	if err := north.Store.Scan(t.Context(), record.SpaceName, nil, nil, func(name, value []byte) error {
		cells = append(cells, record.Cell{Space: record.SpaceName, Name: bytes.Clone(name), Value: bytes.Clone(value)})
		return nil
	}); err != nil || len(cells) < 2 {
		t.Fatal(len(cells), err)
	}
	planted(t, south, record.Batch{Cells: cells, Puts: []record.Put{{Key: northKey, Version: 1, Class: theirs.Class, Body: theirs.Body, Card: theirs.Card}}})
	if keys, err := south.Vault.Keys(t.Context(), []vault.TypeID{ann}); err != nil || keys[0] != key {
		t.Errorf("a name leads to another tenant's record: %v", err)
	}
	if named, err := south.Vault.Named(t.Context(), []record.Key{northKey}); err == nil && len(named) > 0 {
		t.Error("another tenant's record has a name")
	}
	filesAreTheirs(t, north, south)

	// The tenant's wrapped keys, each in the place of its own.
	cells = nil
	for name := range southCells {
		for other, value := range northCells {
			if name[0] == 't' && other[0] == 't' && name[len(name)-1] == other[len(other)-1] {
				cells = append(cells, record.Cell{Space: record.SpaceKey, Name: []byte(name), Value: value})
			}
		}
	}
	if len(cells) != 4 {
		t.Fatalf("%d keys of a tenant", len(cells))
	}
	planted(t, south, record.Batch{Cells: cells})
	shut(t, south)
	if h, err := openTenant(t, southDir, "south"); err == nil {
		shut(t, h)
		t.Error("wrapped keys of another tenant open")
	}
}

func keyCells(t *testing.T, h *House) map[string][]byte {
	t.Helper()
	cells := map[string][]byte{}
	if err := h.Store.Scan(t.Context(), record.SpaceKey, nil, nil, func(name, value []byte) error {
		cells[string(name)] = bytes.Clone(value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return cells
}

// filesAreTheirs has a sealed file of one opened by the other, with all that opens it.
func filesAreTheirs(t *testing.T, north, south *House) {
	t.Helper()
	open := func(h *House, dir string) *blob.Store {
		folder, err := blob.OpenFolder(filepath.Join(dir, blobsDir), h.Clock)
		if err != nil {
			t.Fatal(err)
		}
		s, err := blob.New(blob.Config{Bucket: folder, Sealer: h.Sealer})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	own := open(north, north.Config.Dir)
	w, err := own.Create(t.Context(), nil, "text/plain")
	if err == nil {
		_, err = w.Write([]byte("an export"))
	}
	if err != nil {
		t.Fatal(err)
	}
	stored, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*House{north, south} {
		planted(t, h, record.Batch{Cells: stored.Cells})
	}
	if _, err := own.Open(t.Context(), stored.ID, stored.Head); err != nil {
		t.Fatal("the control:", err)
	}
	replaceIn(t, south.Config.Dir, north.Config.Dir, blobsDir)
	if _, err := open(south, south.Config.Dir).Open(t.Context(), stored.ID, stored.Head); err == nil {
		t.Error("a file of another tenant opens")
	}
}
