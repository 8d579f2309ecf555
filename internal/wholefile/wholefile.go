// Package wholefile writes small files that a crash leaves whole or not at all, and
// keeps their names out of errors.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create writes a file that only its owner may read, unless there is one of that
// name: then errors.Is(err, fs.ErrExist) holds.
func Create(path string, text []byte) error {
	return write(path, text, 0o600, os.Link) // unlike a rename, a link fails if the name is taken
}

// Replace writes a file in the place of the one there may be.
func Replace(path string, text []byte, mode fs.FileMode) error {
	return write(path, text, mode, os.Rename)
}

// Exchange is Replace of a file that there is, and writes over size bytes of what was in
// it, where the disk allows it.
func Exchange(path string, text []byte, mode fs.FileMode, size int) error {
	was, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return WithoutPath(err)
	}
	defer was.Close()
	if err := Replace(path, text, mode); err != nil {
		return err
	}
	return Overwrite(was, size)
}

// Overwrite writes over the bytes of a file that has no name any more.
func Overwrite(f *os.File, size int) error {
	_, err := f.Write(make([]byte, size))
	return WithoutPath(errors.Join(err, f.Sync()))
}

func write(path string, text []byte, mode fs.FileMode, name func(from, to string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return WithoutPath(err)
	}
	defer os.Remove(f.Name()) // once it was renamed there is none
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return WithoutPath(err)
	}
	if err := name(f.Name(), path); err != nil {
		return WithoutPath(err)
	}
	return SyncDir(dir)
}

// ReplaceSecret is Replace of a file that only its owner may read; the bytes of the one
// before are written over.
func ReplaceSecret(path string, text []byte) error {
	return destroying(path, func() error { return Replace(path, text, 0o600) })
}

// Destroy removes a file and writes over its bytes.
func Destroy(path string) error {
	return destroying(path, func() error {
		if err := os.Remove(path); err != nil {
			return WithoutPath(err)
		}
		return SyncDir(filepath.Dir(path))
	})
}

// destroying writes over the bytes of the file that is there, once it has lost its name.
func destroying(path string, unname func() error) error {
	was, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return unname()
	}
	if err != nil {
		return WithoutPath(err)
	}
	defer was.Close()
	info, err := was.Stat()
	if err == nil {
		err = unname()
	}
	if err == nil {
		_, err = was.WriteAt(make([]byte, info.Size()), 0)
	}
	if err == nil {
		err = was.Sync()
	}
	return WithoutPath(err)
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return WithoutPath(err)
	}
	return WithoutPath(errors.Join(d.Sync(), d.Close()))
}

// WithoutPath strips the file name that os puts into its errors.
func WithoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}
