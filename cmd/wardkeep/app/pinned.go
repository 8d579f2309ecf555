package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
)

// pinned is what is kept outside the store: a checkpoint, and beside it which key
// signed after which.
type pinned struct{ checkpoint, handOvers []byte }

// readPinned returns nil if there is no file to read.
func readPinned(file string) (*pinned, error) {
	if file == "" {
		return nil, nil
	}
	checkpoint, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the pinned checkpoint cannot be read: %w", err)
	}
	handOvers, err := os.ReadFile(file + verify.HandOversBeside)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the hand-overs beside the pinned checkpoint cannot be read: %w", err)
	}
	return &pinned{checkpoint, handOvers}, nil
}
