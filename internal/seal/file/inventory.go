package file

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Inventory lists the files of a store that was closed, as they lie on the disk.
// Its maker signs it. While the store is closed, nothing in it may change; what
// does is named, even where no record depends on the byte.
type Inventory struct {
	Files []Sum `json:"files"` // sorted by name
}

// Sum is one file.
type Sum struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Difference is one file that is not as the inventory says.
type Difference struct {
	Name    string
	Problem string // changed | missing | not in the inventory
}

// immutable files are written once under a name that is never used again. Their
// sums are taken over from the inventory before: summing a file anew would
// excuse whatever was done to it meanwhile.
func immutable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// lockFile is held while the store is open and has no content.
const lockFile = "LOCK"

// TakeInventory lists the files in dir. before is the inventory of the last
// close, nil if there is none.
func TakeInventory(dir string, before *Inventory) (*Inventory, error) {
	known := map[string]Sum{}
	if before != nil {
		for _, s := range before.Files {
			known[s.Name] = s
		}
	}
	inv := &Inventory{}
	err := each(dir, func(name string, info fs.FileInfo) error {
		if s, ok := known[name]; ok && immutable(name) {
			inv.Files = append(inv.Files, s)
			return nil
		}
		sum, err := sumOf(filepath.Join(dir, name))
		inv.Files = append(inv.Files, Sum{Name: name, Size: info.Size(), SHA256: sum})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("file.TakeInventory: %w", err)
	}
	return inv, nil
}

// Compare finds what differs in dir.
func (inv *Inventory) Compare(dir string) ([]Difference, error) {
	var found []Difference
	seen := map[string]bool{}
	err := each(dir, func(name string, info fs.FileInfo) error {
		seen[name] = true
		at, ok := slices.BinarySearchFunc(inv.Files, name, func(s Sum, n string) int { return strings.Compare(s.Name, n) })
		if !ok {
			found = append(found, Difference{name, "not in the inventory"})
			return nil
		}
		want := inv.Files[at]
		sum, err := sumOf(filepath.Join(dir, name))
		if err == nil && (sum != want.SHA256 || info.Size() != want.Size) {
			found = append(found, Difference{name, "changed"})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("file.Compare: %w", err)
	}
	for _, s := range inv.Files {
		if !seen[s.Name] {
			found = append(found, Difference{s.Name, "missing"})
		}
	}
	return found, nil
}

func each(dir string, visit func(name string, info fs.FileInfo) error) error {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || e.Name() == lockFile {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if err := visit(e.Name(), info); err != nil {
			return err
		}
	}
	return nil
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// signed is the stored form: the list as it was signed, and the signature.
type signed struct {
	Inventory json.RawMessage `json:"inventory"`
	Signature []byte          `json:"signature"` // Ed25519, over "wardkeep store inventory v1\n" and the list
}

const inventoryContext = "wardkeep store inventory v1\n"

// ErrInventory says that an inventory is malformed or not signed by the key.
var ErrInventory = errors.New("the inventory of the store's files is not signed by this key")

// Encode signs the inventory for a file beside the store.
func (inv *Inventory) Encode(sign func(message []byte) ([]byte, error)) ([]byte, error) {
	list, err := json.Marshal(inv)
	if err != nil {
		return nil, fmt.Errorf("file.Encode: %w", err)
	}
	signature, err := sign(append([]byte(inventoryContext), list...))
	if err != nil {
		return nil, fmt.Errorf("file.Encode: %w", err)
	}
	return json.Marshal(signed{Inventory: list, Signature: signature})
}

// ParseInventory reads what Encode wrote; check verifies the signature.
func ParseInventory(text []byte, check func(message, signature []byte) bool) (*Inventory, error) {
	var s signed
	var inv Inventory
	if json.Unmarshal(text, &s) != nil || !check(append([]byte(inventoryContext), s.Inventory...), s.Signature) ||
		json.Unmarshal(s.Inventory, &inv) != nil {
		return nil, ErrInventory
	}
	return &inv, nil
}
