package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// The inventory of a closed store lies beside it. While the store is open it has
// another name: the files change, and only those that never do count on.
const (
	inventoryFile = "store.inventory"
	inventoryOpen = "store.inventory.before"
)

// openInventory sets the inventory of the last close aside, and returns what puts
// it back if the store is not opened then. Of a store that another process has
// open there is none to set aside, and nothing is put back.
func openInventory(dir string) (putBack func() error, err error) {
	closed, open := filepath.Join(dir, inventoryFile), filepath.Join(dir, inventoryOpen)
	err = os.Rename(closed, open)
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	return func() error { return os.Rename(open, closed) }, err
}

// closeInventory lists the files of a store that has just been closed.
func closeInventory(ctx context.Context, dir string, keyring kms.Keyring) error {
	before, err := readInventory(dir, inventoryOpen, keyring)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	inv, err := file.TakeInventory(filepath.Join(dir, storeDir), before)
	if err != nil {
		return err
	}
	text, err := inv.Encode(func(message []byte) ([]byte, error) { return keyring.Sign(ctx, message) })
	if err != nil {
		return err
	}
	part := filepath.Join(dir, inventoryFile+".part")
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, inventoryFile))
}

// resignInventory has the next key sign the inventory that was set aside: the key that
// has signed it is about to be replaced.
func resignInventory(ctx context.Context, dir string, keys kms.Resigning) error {
	inv, err := readInventory(dir, inventoryOpen, keys)
	if errors.Is(err, fs.ErrNotExist) || keys.Next() == nil {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := inv.Encode(func(message []byte) ([]byte, error) { return keys.SignNext(ctx, message) })
	if err != nil {
		return err
	}
	return wholefile.Replace(filepath.Join(dir, inventoryOpen), text, 0o600)
}

func readInventory(dir, name string, keyring kms.Keyring) (*file.Inventory, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return file.ParseInventory(text, func(message, signature []byte) bool {
		if keys, ok := keyring.(kms.Resigning); ok && keys.Next() != nil && ed25519.Verify(keys.Next(), message, signature) {
			return true
		}
		return ed25519.Verify(keyring.Public(), message, signature)
	})
}

// checkInventory holds the files of a closed store against their inventory, and
// adds what differs to the report. A store that was not closed in order has none.
func checkInventory(dir string, keyring kms.Keyring, report *verify.Report) error {
	inv, err := readInventory(dir, inventoryFile, keyring)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		report.Skipped = append(report.Skipped, "files against their inventory: the store was not closed in order, or is open")
		return nil
	case errors.Is(err, file.ErrInventory):
		fileFinding(report, inventoryFile+": "+err.Error())
		return nil
	case err != nil:
		return err
	}
	differences, err := inv.Compare(filepath.Join(dir, storeDir))
	for _, d := range differences {
		fileFinding(report, "file "+d.Name+" of the store: "+d.Problem+" since it was closed")
	}
	return err
}

func fileFinding(report *verify.Report, text string) {
	report.OK = false
	report.Findings = append(report.Findings, verify.Finding{Severity: verify.Error, Code: "file", Text: text})
}
