package pebble

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// watch stands between the tree and its write-ahead log, and lets the log fail
// without the tree noticing. The tree answers an error of its log by a panic
// with its locks held, at a rotation even by one that nothing can recover from,
// and the process would take reads down with it.
//
// From the first error on, failed is set and every later byte of the log goes
// nowhere, into this file as into new ones. So on the device the log ends where
// it failed, exactly as after a crash, and what is behind it was promised to
// nobody: failed is set before the tree hears of success, and a receipt looks
// at it after the tree has spoken.
type watch struct {
	vfs.FS
	failed *atomic.Bool
}

// Unwrap implements vfs.FS.
func (w watch) Unwrap() vfs.FS { return w.FS }

// Create implements vfs.FS.
func (w watch) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return w.log(name, func() (vfs.File, error) { return w.FS.Create(name, category) })
}

// ReuseForWrite implements vfs.FS.
func (w watch) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return w.log(newname, func() (vfs.File, error) { return w.FS.ReuseForWrite(oldname, newname, category) })
}

// log begins a file. A log that cannot be begun, or comes after one that
// failed, exists in name only: a second one on the device would make the first
// look damaged instead of cut short.
func (w watch) log(name string, begin func() (vfs.File, error)) (vfs.File, error) {
	if !strings.HasSuffix(name, ".log") {
		return begin()
	}
	if !w.failed.Load() {
		if f, err := begin(); err == nil {
			return &watched{File: f, failed: w.failed}, nil
		}
		w.failed.Store(true)
	}
	return &watched{File: vfs.NewMemFile(nil), failed: w.failed}, nil
}

// watched is one file of the log.
type watched struct {
	vfs.File
	failed *atomic.Bool
}

// attempt does something to the file unless the log has failed.
func (f *watched) attempt(do func() error) {
	if !f.failed.Load() && do() != nil {
		f.failed.Store(true)
	}
}

// Write implements vfs.File.
func (f *watched) Write(p []byte) (int, error) {
	n := len(p)
	f.attempt(func() error {
		_, err := f.File.Write(p)
		return err
	})
	return n, nil
}

// Sync implements vfs.File.
func (f *watched) Sync() error {
	f.attempt(f.File.Sync)
	return nil
}

// SyncData implements vfs.File.
func (f *watched) SyncData() error {
	f.attempt(f.File.SyncData)
	return nil
}

// SyncTo implements vfs.File.
func (f *watched) SyncTo(length int64) (full bool, err error) {
	f.attempt(func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, nil
}

// Close implements vfs.File. A failed log is closed too, whatever it says.
func (f *watched) Close() error {
	if err := f.File.Close(); err != nil {
		f.failed.Store(true)
	}
	return nil
}
