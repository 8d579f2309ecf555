package app

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/config"
)

// TestSigningKeyReplaced: in a file or wrapped by a service, the key that signs is
// replaced; the folder's files and log verify by any that ever signed, and what keeps
// the key from before is refused.
func TestSigningKeyReplaced(t *testing.T) {
	_, one, _ := fakeService(t)
	for name, kms := range map[string]string{"file": config.KMSLocal, "service": one} {
		t.Run(name, func(t *testing.T) {
			cfg, signed := made(t, kms)
			cfg.CheckpointOut = filepath.Join(t.TempDir(), "checkpoint")
			keyFile := filepath.Join(cfg.Dir, map[string]string{"file": rootKeyFile, "service": signingFile}[name])
			before, err := os.ReadFile(keyFile)
			if err != nil {
				t.Fatal(err)
			}
			known := [][]byte{signed}
			for range 2 {
				h, err := opened(t, cfg, Options{})
				if err != nil {
					t.Fatal(err)
				}
				_, err = rotateKey(t.Context(), h, "me", keyOrder{"checkpoint", "a test"})
				if err := closeAfter(t.Context(), h, err); err != nil {
					t.Fatal(err)
				}
				known = append(known, h.Keyring.Public())
			}
			if bytes.Equal(known[0], known[1]) || bytes.Equal(known[1], known[2]) {
				t.Fatal("the same key signs")
			}
			whole(t, name, cfg, known[2])
			pinned, err := readPinned(cfg.CheckpointOut)
			if err != nil || len(pinned.handOvers) == 0 {
				t.Fatal("nothing outside says who signs", err)
			}
			for _, key := range known {
				signers, err := verify.Believe(key, pinned.handOvers)
				if err != nil || len(signers.HandOvers()) != 2 {
					t.Fatal(err)
				}
				if _, err := signers.OpenCheckpoint(pinned.checkpoint); err != nil {
					t.Errorf("key %s: %v", base64.StdEncoding.EncodeToString(key), err)
				}
			}
			if err := os.WriteFile(keyFile, before, 0o600); err != nil {
				t.Fatal(err)
			}
			if h, err := opened(t, cfg, Options{}); err == nil || !strings.Contains(err.Error(), "the one before") {
				t.Errorf("the key from before: %v", err)
				_ = h.Close(t.Context())
			}
		})
	}
}

// TestInventoryOutlivesItsKey: between the two keys the inventory is believed by either,
// and by no other.
func TestInventoryOutlivesItsKey(t *testing.T) {
	cfg, _ := made(t, config.KMSLocal)
	h, err := opened(t, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = rotateKey(t.Context(), h, "me", keyOrder{"checkpoint", "a test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readInventory(cfg.Dir, inventoryOpen, h.Keyring); err != nil {
		t.Errorf("of the last close: %v", err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, _ := made(t, config.KMSLocal)
	text, err := os.ReadFile(filepath.Join(other.Dir, inventoryFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Dir, inventoryFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := verifyFiles(t.Context(), cfg, nil, false)
	if err != nil || report.OK {
		t.Errorf("another folder's inventory is believed: %v\n%v", err, report)
	}
}
