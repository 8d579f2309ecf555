package file

import (
	"crypto/cipher"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is one open file. Reads may run beside each other and beside one write.
type file struct {
	vfs.File
	stream *stream // nil: the file has no header, and no content
	read   int64   // where Read goes on

	writer  cipher.Stream // nil: not to be written; else stands at written
	written atomic.Int64  // bytes of text
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

// ReadAt implements vfs.File.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if f.stream == nil {
		return eof(p)
	}
	n, err := f.File.ReadAt(p, off+headerSize)
	if n > 0 {
		f.stream.at(off).XORKeyStream(p[:n], p[:n])
	}
	return n, err
}

// Write implements vfs.File. As the interface allows, p is encrypted in place.
// After an error the file takes no more: what lies beyond may hold part of p.
func (f *file) Write(p []byte) (int, error) {
	if f.writer == nil {
		return 0, wrap("Write", ErrOverwrite)
	}
	f.writer.XORKeyStream(p, p)
	n, err := f.File.Write(p)
	f.written.Add(int64(n))
	if err != nil || n < len(p) {
		f.writer = nil
	}
	return n, err
}

// WriteAt implements vfs.File for what lies at the end, and refuses all else.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if f.writer == nil || off != f.written.Load() {
		return 0, wrap("WriteAt", ErrOverwrite)
	}
	return f.Write(append([]byte(nil), p...))
}

// Preallocate implements vfs.File.
func (f *file) Preallocate(offset, length int64) error {
	return f.File.Preallocate(offset+headerSize, length)
}

// Stat implements vfs.File.
func (f *file) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return sized{info}, nil
}

// SyncTo implements vfs.File.
func (f *file) SyncTo(length int64) (bool, error) {
	return f.File.SyncTo(length + headerSize)
}

// Prefetch implements vfs.File.
func (f *file) Prefetch(offset, length int64) error {
	return f.File.Prefetch(offset+headerSize, length)
}
