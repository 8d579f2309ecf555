package local_test

import (
	"path/filepath"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/kmstest"
	"github.com/wardkeep/wardkeep/internal/kms/local"
)

func TestContract(t *testing.T) {
	dir := t.TempDir()
	kmstest.Run(t, func(t *testing.T, name string) kms.Keyring {
		k, err := local.OpenOrCreate(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
}
