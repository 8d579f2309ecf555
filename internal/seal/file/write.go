package file

import (
	"crypto/cipher"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writer seals what is written, chunk by chunk. A part of a chunk waits for the rest of
// it, for a sync or for the end. After an error it takes no more: what lies beyond may
// hold part of a chunk, and its nonce is used.
type writer struct {
	mu      sync.Mutex
	under   vfs.File
	aead    cipher.AEAD
	place   int64 // where the next chunk will stand
	at      int64 // where its text will
	synced  int64 // bytes of text that are durable
	told    int64 // the same, as the last chunk tells
	waiting []byte
	out     []byte
	failed  bool
}

func newWriter(under vfs.File, aead cipher.AEAD) *writer {
	return &writer{under: under, aead: aead, place: headerSize}
}

// size is how much text was written.
func (w *writer) size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at + int64(len(w.waiting))
}

func (w *writer) write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed {
		return 0, ErrOverwrite
	}
	written := len(text)
	for len(text) > 0 {
		lacks := room(w.place) - len(w.waiting)
		if len(text) < lacks {
			w.waiting = append(w.waiting, text...)
			break
		}
		if len(w.waiting) == 0 {
			w.seal(text[:lacks])
		} else {
			w.waiting = append(w.waiting, text[:lacks]...)
			w.sealWaiting()
		}
		text = text[lacks:]
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	return written, nil
}

func (w *writer) sealWaiting() {
	w.seal(w.waiting)
	w.waiting = w.waiting[:0]
}

func (w *writer) seal(text []byte) {
	before := len(w.out)
	w.out = sealChunk(w.aead, w.out, w.place, head{synced: w.synced, at: w.at}, text)
	w.told = w.synced
	w.place += int64(len(w.out) - before)
	w.at += int64(len(text))
	if left := int(-w.place & (pageSize - 1)); left <= overhead { // no text would fit
		w.out = append(w.out, make([]byte, left)...)
		w.place += int64(left)
	}
}

// flush hands on what was sealed.
func (w *writer) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	n, err := w.under.Write(w.out)
	w.failed = err != nil || n < len(w.out)
	w.out = w.out[:0]
	return err
}

// sync makes durable what was written, by a sync of what is beneath.
func (w *writer) sync(beneath func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed {
		return ErrOverwrite
	}
	if len(w.waiting) > 0 {
		w.sealWaiting()
	}
	err := w.flush()
	if err == nil {
		err = beneath()
	}
	if err != nil {
		w.failed = true
		return err
	}
	w.synced = w.at
	return nil
}

// end hands on what waits. That everything was durable is told by a chunk without text:
// what is damaged before it was no crash.
func (w *writer) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed {
		return nil
	}
	w.failed = true
	if len(w.waiting) > 0 || w.synced > w.told {
		w.sealWaiting()
	}
	return w.flush()
}
