package file

import (
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is one open file. Reads may run beside each other and beside one write.
type file struct {
	vfs.File
	reader *reader
	read   int64   // where Read goes on
	writer *writer // nil: not to be written
}

// Read implements vfs.File.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.read)
	f.read += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt implements vfs.File. What was written and not synced may be missing at the end.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.reader.readAt(p, off)
	if errors.Is(err, ErrForged) {
		err = wrap("ReadAt", err)
	}
	return n, err
}

// Write implements vfs.File.
func (f *file) Write(p []byte) (int, error) {
	if f.writer == nil {
		return 0, wrap("Write", ErrOverwrite)
	}
	return f.writer.write(p)
}

// WriteAt implements vfs.File for what lies at the end, and refuses all else.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if f.writer == nil || off != f.writer.size() {
		return 0, wrap("WriteAt", ErrOverwrite)
	}
	return f.writer.write(p)
}

// Sync implements vfs.File.
func (f *file) Sync() error { return f.sync(f.File.Sync) }

// SyncData implements vfs.File.
func (f *file) SyncData() error { return f.sync(f.File.SyncData) }

func (f *file) sync(beneath func() error) error {
	if f.writer == nil {
		return beneath()
	}
	return f.writer.sync(beneath)
}

// SyncTo implements vfs.File. It hurries what was handed on, and promises nothing.
func (f *file) SyncTo(length int64) (bool, error) {
	_, err := f.File.SyncTo(begin(pageOf(length)))
	return false, err
}

// Close implements vfs.File.
func (f *file) Close() error {
	if f.writer == nil {
		return f.File.Close()
	}
	return errors.Join(f.writer.end(), f.File.Close())
}

// Preallocate implements vfs.File.
func (f *file) Preallocate(offset, length int64) error {
	from := begin(pageOf(offset))
	return f.File.Preallocate(from, begin(pageOf(offset+length)+1)-from)
}

// Stat implements vfs.File.
func (f *file) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	if f.writer != nil {
		return sized{info, f.writer.size()}, nil
	}
	size, err := f.reader.size()
	return sized{info, size}, err
}

// Prefetch implements vfs.File.
func (f *file) Prefetch(offset, length int64) error {
	from := begin(pageOf(offset))
	return f.File.Prefetch(from, begin(pageOf(offset+length)+1)-from)
}
