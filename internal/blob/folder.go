package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// strayAge is how old an unfinished upload must be before it is swept. No
// upload takes a day.
const strayAge = 24 * time.Hour

// uploads is the folder of unfinished objects.
const uploads = "uploads"

// Folder is a Bucket on the local disk. Several processes may share one.
type Folder struct {
	dir   string
	clock clock.Clock
}

var _ Bucket = (*Folder)(nil)

// OpenFolder opens or creates a folder of objects and sweeps what unfinished
// uploads of processes long gone left there.
func OpenFolder(dir string, c clock.Clock) (*Folder, error) {
	f := &Folder{dir: dir, clock: c}
	if err := os.MkdirAll(filepath.Join(dir, uploads), 0o700); err != nil {
		return nil, failed("blob.OpenFolder", err)
	}
	if err := errors.Join(wholefile.SyncDir(dir), f.Sweep()); err != nil {
		return nil, failed("blob.OpenFolder", err)
	}
	return f, nil
}

// Sweep removes unfinished uploads that nobody has touched for a day.
func (f *Folder) Sweep() error {
	entries, err := os.ReadDir(filepath.Join(f.dir, uploads))
	if err != nil {
		return failed("blob.Sweep", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // finished meanwhile
		} else if err != nil {
			return failed("blob.Sweep", err)
		}
		if f.clock.Now().Sub(info.ModTime()) < strayAge {
			continue
		}
		if err := os.Remove(filepath.Join(f.dir, uploads, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed("blob.Sweep", err)
		}
	}
	return nil
}

// Create begins an object in the folder of unfinished ones.
func (f *Folder) Create(ctx context.Context, name string) (Upload, error) {
	if err := errors.Join(ctx.Err(), checkName(name)); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Join(f.dir, uploads), name+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &folderUpload{File: file, folder: f, name: name}, nil
}

// Size is the length of an object.
func (f *Folder) Size(_ context.Context, name string) (int64, error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	info, err := os.Stat(f.path(name))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Open returns a range of an object.
func (f *Folder) Open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, offset, length), file}, nil
}

// Delete removes an object durably.
func (f *Folder) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := os.Remove(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return wholefile.SyncDir(filepath.Dir(f.path(name)))
}

// path spreads objects over 256 folders.
func (f *Folder) path(name string) string { return filepath.Join(f.dir, name[:2], name) }

var errName = errors.New("not the name of an object")

func checkName(name string) error {
	if len(name) != 32 || strings.Trim(name, "0123456789abcdef") != "" {
		return errName
	}
	return nil
}

// folderUpload is an object that has not got its name yet.
type folderUpload struct {
	*os.File
	folder *Folder
	name   string
	done   bool
}

// Commit syncs the content before the name, and the name before it returns.
func (u *folderUpload) Commit(ctx context.Context) error {
	if u.done {
		return ErrSealed
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := errors.Join(u.Sync(), u.File.Close()); err != nil {
		return err
	}
	path := u.folder.path(u.name)
	dir := filepath.Dir(path)
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := wholefile.SyncDir(u.folder.dir); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if err := os.Rename(u.File.Name(), path); err != nil {
		return err
	}
	u.done = true
	return wholefile.SyncDir(dir)
}

// Abort removes what was written.
func (u *folderUpload) Abort() error {
	if u.done {
		return nil
	}
	u.done = true
	u.File.Close() // it may be closed already
	err := os.Remove(u.File.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
