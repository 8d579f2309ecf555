package file

import (
	"crypto/cipher"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS seals the contents of files on another file system. Names, times and sizes stay
// visible; a file is about a hundredth longer below than above.
type FS struct {
	vfs.FS  // what is beneath; directories and names pass through
	key     [KeySize]byte
	scratch *sync.Pool
}

var _ vfs.FS = (*FS)(nil)

// New returns a file system that keeps its files sealed on under. The key has 32
// bytes and is the only secret.
func New(under vfs.FS, key []byte) (*FS, error) {
	if len(key) != KeySize {
		return nil, errors.New("file.New: the key must have 32 bytes")
	}
	return &FS{FS: under, key: [KeySize]byte(key), scratch: &sync.Pool{New: func() any { return new(scratch) }}}, nil
}

// Create implements vfs.FS.
func (f *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	under, err := f.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	return f.begin(under)
}

// begin writes the header of an empty file and owns it from then on.
func (f *FS) begin(under vfs.File) (vfs.File, error) {
	h, aead, err := newHeader(f.key)
	if err == nil {
		_, err = under.Write(h)
	}
	if err != nil {
		return nil, wrap("Create", errors.Join(err, under.Close()))
	}
	return &file{File: under, reader: f.reader(under, aead), writer: newWriter(under, aead)}, nil
}

// ReuseForWrite implements vfs.FS. It creates a new file: to write over the old
// one would repeat its nonces.
func (f *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return f.Create(newname, category)
}

// Open implements vfs.FS.
func (f *FS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	under, err := f.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	return f.open(under)
}

func (f *FS) open(under vfs.File) (vfs.File, error) {
	if info, err := under.Stat(); err == nil && info.IsDir() {
		return under, nil
	}
	aead, err := readHeader(f.key, under)
	if err != nil {
		return nil, wrap("Open", errors.Join(err, under.Close()))
	}
	return &file{File: under, reader: f.reader(under, aead)}, nil
}

func (f *FS) reader(under vfs.File, aead cipher.AEAD) *reader {
	return &reader{under: under, aead: aead, scratch: f.scratch}
}

// OpenReadWrite implements vfs.FS. Only a file that did not exist, or is empty,
// can be written.
func (f *FS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	under, err := f.FS.OpenReadWrite(name, category, opts...)
	if err != nil {
		return nil, err
	}
	info, err := under.Stat()
	if err != nil {
		return nil, errors.Join(err, under.Close())
	}
	if info.Size() == 0 {
		return f.begin(under)
	}
	return f.open(under)
}

// Stat implements vfs.FS. How much text there is, the file's last page tells.
func (f *FS) Stat(name string) (vfs.FileInfo, error) {
	info, err := f.FS.Stat(name)
	if err != nil || info.IsDir() {
		return info, err
	}
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	info, err = file.Stat()
	return info, errors.Join(err, file.Close())
}

// Unwrap implements vfs.FS.
func (f *FS) Unwrap() vfs.FS { return f.FS }

// sized shows the size of the text.
type sized struct {
	vfs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

// Sys hides the structure in which the stored size could be read.
func (s sized) Sys() any { return nil }

var _ os.FileInfo = sized{}

// eof is what reading an empty file gives.
func eof(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return 0, io.EOF
}
