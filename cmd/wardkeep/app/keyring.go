package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/aws"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/kms/service"
)

// signingFile is the key that signs checkpoints, wrapped by a key service.
const signingFile = "signing.key"

// openKeyring opens what keeps the root key of the data folder dir, by the setting
// kms. It never makes a new key beside an existing store: it could open nothing, and
// would hide that the right one is missing.
func openKeyring(ctx context.Context, dir, setting string) (kms.Keyring, error) {
	fresh, err := freshFolder(dir)
	if err != nil {
		return nil, err
	}
	where, err := config.ParseKMS(setting)
	if err != nil {
		return nil, err
	}
	if where == nil {
		return openLocal(dir, fresh)
	}
	wrapper, err := aws.Open(ctx, aws.Config(*where))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, signingFile)
	if fresh {
		k, err := service.OpenOrCreate(ctx, wrapper, path)
		if err != nil {
			return nil, err
		}
		return service.NewRoot(k), nil
	}
	k, err := service.Open(ctx, wrapper, path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists(filepath.Join(dir, rootKeyFile)):
		return nil, fmt.Errorf("the root key of %s lies in its %s, and the setting kms names a key service. Set kms: local; or move it there: wardkeep keys rotate root --to", dir, rootKeyFile)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing; without it checkpoints cannot be signed. Put it back from its copy", path)
	case err != nil:
		return nil, explain(dir, wrapper.ID(), err)
	}
	return service.NewRoot(k), nil
}

// freshFolder reports whether nothing has been wrapped yet by a root.
func freshFolder(dir string) (bool, error) {
	path := filepath.Join(dir, fileKeyFile)
	if exists(path) {
		return false, nil
	}
	if exists(filepath.Join(dir, storeDir)) {
		return false, fmt.Errorf("the key of the store's files %s is missing; without it nothing here can be read. Put it back from its copy", path)
	}
	return true, nil
}

func openLocal(dir string, fresh bool) (kms.Keyring, error) {
	path := filepath.Join(dir, rootKeyFile)
	if fresh {
		return local.OpenOrCreate(path)
	}
	k, err := local.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists(filepath.Join(dir, signingFile)):
		return nil, fmt.Errorf("the root key of %s is kept by a key service: %s. Name it by the setting kms", dir, wrappedBy(dir))
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the root key %s is missing; without it nothing here can be read. Put it back from its copy", path)
	}
	return k, err
}

// explain says what to do about a key that a root refuses. What the folder tells of
// who wrapped it is not believed; it helps people.
func explain(dir, id string, err error) error {
	if !errors.Is(err, kms.ErrRefused) {
		return err
	}
	by := wrappedBy(dir)
	if by == id {
		return fmt.Errorf("%w. It is said to be wrapped by this very key, %s: is that key switched off, or about to be destroyed, or was a move of the root cut short? Then say wardkeep keys rotate root --to again, as before", err, id)
	}
	return fmt.Errorf("%w. The setting kms leads to %s; the folder says that %s has wrapped its keys. Set kms to that; if a move of the root was cut short, say wardkeep keys rotate root --to again, as before", err, id, by)
}

func wrappedBy(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, fileKeyFile))
	fields := strings.Fields(string(text))
	if err == nil && len(fields) == 3 && !strings.ContainsFunc(fields[1], func(r rune) bool { return r < '!' || r > '~' }) {
		return fields[1]
	}
	return "a key that is not known"
}

// openMove opens the root of a folder together with the one that it moves to. A move
// that was cut short may have left the root before it nowhere.
func openMove(ctx context.Context, dir, from, to string) (kms.Keyring, error) {
	where, err := config.ParseKMS(to)
	if err != nil {
		return nil, err
	}
	newest, err := aws.Open(ctx, aws.Config(*where))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, signingFile)
	before, err := config.ParseKMS(from)
	if err != nil {
		return nil, err
	}
	if before != nil {
		old, err := aws.Open(ctx, aws.Config(*before))
		if err != nil {
			return nil, err
		}
		return service.Move(ctx, newest, old, path)
	}
	old, err := local.Open(filepath.Join(dir, rootKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return openKeyring(ctx, dir, to)
	}
	if err != nil {
		return nil, err
	}
	return service.MoveFromLocal(newest, old, path), nil
}

// whereRootIs tells who made a folder what to think of its root key.
func whereRootIs(setting string) string {
	if where, err := config.ParseKMS(setting); err == nil && where != nil {
		return "Its root key is kept by the key service that kms names."
	}
	return "Its root key lies in a file beside the data: for trying out, not for care."
}
