package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
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

// settingsOf writes settings with tenants, whose folders are those given.
func settingsOf(t *testing.T, more string, folders ...string) (file string, cfg config.Config) {
	t.Helper()
	text := "dir: " + t.TempDir() + "\nlisten: 127.0.0.1:8443\n" + more + "tenants:\n"
	for _, dir := range folders {
		text += fmt.Sprintf("  - {name: %[1]s, base_url: 'https://%[1]s.example.org', dir: %[2]s}\n", filepath.Base(dir), dir)
	}
	file = filepath.Join(t.TempDir(), "wardkeep.yaml")
	err := os.WriteFile(file, []byte(text), 0o600)
	if err == nil {
		cfg, err = config.Load(file, nil)
	}
	if err != nil || cfg.Check() != nil {
		t.Fatal(err, cfg.Check())
	}
	return file, cfg
}

// TestTenantsFailAlone: what is broken answers 503 at its own host, makes nothing, and
// takes nobody along; a server of which nothing is left does not run.
func TestTenantsFailAlone(t *testing.T) {
	good, unkeyed, damaged := folderOf(t, "good", ""), folderOf(t, "unkeyed", ""), folderOf(t, "damaged", "")
	twin, missing, unwritten := folderOf(t, "twin", good), filepath.Join(t.TempDir(), "missing"), folderOf(t, "unwritten", "")
	stale := folderOf(t, "stale", "")
	if err := os.Remove(filepath.Join(unkeyed, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	manifests, _ := filepath.Glob(filepath.Join(damaged, storeDir, "MANIFEST*"))
	for _, path := range manifests {
		if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A checkpoint of another log: the store is behind it, or is another one.
	checkpoint := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(checkpoint, []byte("wardkeep.org/audit/x\n1\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, cfg := settingsOf(t, "", good, unkeyed, damaged, twin, missing, unwritten, stale)
	for i := range cfg.Tenants {
		switch cfg.Tenants[i].Tenant {
		case "unwritten":
			cfg.Tenants[i].CheckpointOut = filepath.Join(t.TempDir(), "none", "checkpoint") // cannot be written
		case "stale":
			cfg.Tenants[i].CheckpointOut = checkpoint
		}
	}
	var log bytes.Buffer
	s := &Tenants{Config: cfg, Slog: newLogger(&log, "error"), Version: "test"}
	list, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		w := ask(one.all, "GET", "/readyz")
		fhir := ask(one.all, "GET", "/fhir/Patient/ann")
		open := one.cfg.Tenant == "good"
		if (w.Code == http.StatusOK) != open || !open && (w.Code != http.StatusServiceUnavailable || fhir.Code != w.Code || !strings.Contains(fhir.Body.String(), "OperationOutcome")) {
			t.Errorf("%s answers %d %s, %d %s", one.cfg.Tenant, w.Code, w.Body, fhir.Code, fhir.Body)
		}
		if !open && !strings.Contains(log.String(), `"tenant":"`+one.cfg.Tenant+`"`) {
			t.Errorf("%s is not in the log", one.cfg.Tenant)
		}
	}
	if exists(missing) {
		t.Error("the folder that was missing was made")
	}
	if exists(filepath.Join(unkeyed, rootKeyFile)) || exists(filepath.Join(unkeyed, "ca.pem")) {
		t.Error("something was made in a folder that does not open")
	}
	closeTenants(t.Context(), list)

	_, cfg = settingsOf(t, "", unkeyed, missing)
	err = (&Tenants{Config: cfg, Slog: slog.New(slog.DiscardHandler)}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "tenant unkeyed") || !strings.Contains(err.Error(), "tenant missing") {
		t.Errorf("with none left: %v", err)
	}
}

// TestTenantsCloseTheirDoors: a listener that cannot be had ends the server, and leaves
// no house and no socket open.
func TestTenantsCloseTheirDoors(t *testing.T) {
	good := folderOf(t, "good", "")
	_, cfg := settingsOf(t, "", good)
	cfg.Listen = "192.0.2.1:1"
	if err := (&Tenants{Config: cfg, Slog: slog.New(slog.DiscardHandler), Version: "test"}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot listen") {
		t.Fatal(err)
	}
	h, err := openTenant(t, good, "good")
	if err != nil {
		t.Fatal(err)
	}
	shut(t, h)
}

// TestCommandsNameTheirTenant: every command is for one organisation, and says which.
func TestCommandsNameTheirTenant(t *testing.T) {
	north, south := folderOf(t, "north", ""), folderOf(t, "south", "")
	file, _ := settingsOf(t, "", north, south)
	for name, c := range map[string]struct {
		args  []string
		code  int
		words string
	}{
		"none":                     {[]string{"--config", file}, exitUsage, "give --tenant; there are north, south"},
		"unknown":                  {[]string{"--config", file, "--tenant", "west"}, exitUsage, "there are north, south"},
		"by name":                  {[]string{"--config", file, "--tenant", "south"}, exitOK, ""},
		"by folder":                {[]string{"--config", file, "--dir", south + "/"}, exitOK, ""},
		"by both":                  {[]string{"--config", file, "--dir", south, "--tenant", "south"}, exitOK, ""},
		"by both, of two":          {[]string{"--config", file, "--dir", south, "--tenant", "north"}, exitUsage, "--dir is not the folder"},
		"another folder":           {[]string{"--config", file, "--dir", t.TempDir()}, exitUsage, "--dir is not the folder"},
		"without settings":         {[]string{"--dir", south, "--tenant", "south"}, exitOK, ""},
		"without either":           {[]string{"--dir", south}, exitUsage, "Use --tenant south"},
		"under another's name":     {[]string{"--dir", south, "--tenant", "north"}, exitUsage, "Use --tenant south"},
		"a name that is no tenant": {[]string{"--dir", south, "--tenant", "../north"}, exitUsage, "small letters"},
	} {
		code, _, errs := run(t, append([]string{"user", "list"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.words) {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
	for _, args := range [][]string{
		{"audit", "verify", "--config", file, "--tenant", "north"}, {"audit", "verify", "--dir", north, "--tenant", "north", "--deep"},
		{"audit", "key", "--config", file, "--tenant", "south"}, {"export", "--config", file, "--tenant", "south", "--out", filepath.Join(t.TempDir(), "out")},
	} {
		if code, out, errs := run(t, args...); code != exitOK {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
	for _, args := range [][]string{
		{"audit", "verify", "--config", file}, {"export", "--config", file, "--out", t.TempDir()}, {"doctor", "--pins", "--config", file}, {"serve", "--config", file, "--tenant", "north"},
		{"serve", "--config", file, "--checkpoint-out", "x"}, {"serve", "--config", file, "--declare-successor", "x"}, {"init", "--config", file, "--admin", "a", "--given", "A", "--family", "B"},
	} {
		if code, _, errs := run(t, args...); code != exitUsage || !strings.Contains(errs, "tenant") && !strings.Contains(errs, "entry of each") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
	code, out, _ := run(t, "doctor", "--config", file, "--json")
	if code != exitOK && code != exitFail || !strings.Contains(out, `"tenants":{"north":{"ok":`) || !strings.Contains(out, `"south":{"ok":`) {
		t.Errorf("doctor: %d %s", code, out)
	}
	single := filepath.Join(t.TempDir(), "one.yaml")
	if err := os.WriteFile(single, []byte("dir: "+north+"\ntenant: north\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "user", "list", "--config", single, "--tenant", "south"); code != exitUsage || !strings.Contains(errs, "have no tenants") {
		t.Errorf("settings without tenants: %d %s", code, errs)
	}
	if code, _, errs := run(t, "user", "list", "--config", single); code != exitOK {
		t.Errorf("a tenant by itself: %d %s", code, errs)
	}
}
