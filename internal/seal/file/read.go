package file

import (
	"crypto/cipher"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// reader opens what a file holds, at any place. It is safe for concurrent use.
type reader struct {
	under   vfs.File
	aead    cipher.AEAD // nil: the file has no header, and no text
	scratch *sync.Pool  // of *scratch
	reached atomic.Pointer[spot]
}

// spot is a page, and a place of the text that is not before it. Whoever reads a file
// that was synced in the middle of pages goes on from there: no arithmetic tells where.
type spot struct{ page, at int64 }

// scratch is memory of one read.
type scratch struct {
	stored []byte
	text   [maxText]byte
}

// mostPages are read at a time.
const mostPages = 64

// errTorn says that what was written last did not come to the disk whole.
var errTorn = errors.New("the text is torn here")

// readAt fills p with the text from a place on, as io.ReaderAt does.
func (r *reader) readAt(p []byte, at int64) (n int, err error) {
	if len(p) == 0 || r.aead == nil {
		return eof(p)
	}
	s := r.scratch.Get().(*scratch)
	defer r.scratch.Put(s)
	page := pageOf(at)
	if hint := r.reached.Load(); hint != nil && hint.at <= at {
		page = max(page, hint.page)
	}
	for n < len(p) && err == nil {
		var done int
		done, page, err = r.readPages(s, p[n:], at+int64(n), page)
		n += done
	}
	if end := at + int64(n); page > pageOf(end) {
		r.reached.Store(&spot{page, end})
	}
	if errors.Is(err, errTorn) {
		return n, r.tear(s, at+int64(n))
	}
	return n, err
}

// readPages reads some pages from one on. It returns how much of p it filled, and the
// page in which to go on.
func (r *reader) readPages(s *scratch, p []byte, at, page int64) (n int, next int64, err error) {
	whole := min(mostPages, 2+len(p)/maxText) * pageSize
	stored, err := r.load(s, page, whole)
	if err != nil {
		return 0, page, err
	}
	short := len(stored) < whole
	for len(stored) > 0 {
		one := stored[:min(pageSize, len(stored))]
		done, err := r.readPage(s, p[n:], at+int64(n), page, one)
		if n += done; err != nil || n == len(p) {
			return n, page, err
		}
		if stored = stored[len(one):]; len(stored) > 0 || !short {
			page++
		}
	}
	if short {
		return n, page, io.EOF
	}
	return n, page, nil
}

// load reads stored bytes, fewer at the end of the file.
func (r *reader) load(s *scratch, page int64, length int) ([]byte, error) {
	s.stored = slices.Grow(s.stored[:0], length)[:length]
	n, err := r.under.ReadAt(s.stored, page*pageSize)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return s.stored[:n], err
}

// readPage reads from one page as much as it has and p takes. Chunks before the place
// are stepped over: a false length leads to a chunk that does not open.
func (r *reader) readPage(s *scratch, p []byte, at, page int64, stored []byte) (n int, err error) {
	for place := begin(page) - page*pageSize; n < len(p) && place < int64(len(stored)) && room(place) > 0; {
		want := at + int64(n)
		if h, ok := headAt(stored, place); n == 0 && ok && h.end() <= want {
			place += int64(overhead + h.size)
			continue
		}
		dst := s.text[:0]
		if h, ok := headAt(stored, place); ok && h.at == want && h.size <= len(p)-n {
			dst = p[n:n:len(p)]
		}
		h, text, ok := openChunk(r.aead, dst, stored[place:], page*pageSize+place)
		if !ok || h.at > want || h.end() < want {
			return n, errTorn
		}
		n += copy(p[n:], text[want-h.at:])
		place += int64(overhead + h.size)
	}
	return n, nil
}

// size is how much text there is.
func (r *reader) size() (int64, error) {
	if r.aead == nil {
		return 0, nil
	}
	s := r.scratch.Get().(*scratch)
	defer r.scratch.Put(s)
	end, _, err := r.final(s)
	return end, err
}

// tear tells a text that a crash cut off from one that somebody changed: what was durable
// when something behind it was written was not torn by a crash.
func (r *reader) tear(s *scratch, at int64) error {
	_, synced, err := r.final(s)
	switch {
	case err != nil:
		return err
	case synced > at:
		return ErrForged
	}
	return io.EOF
}

// final opens the last page that has a whole chunk, and returns where its text ends and
// what is known to have been durable.
func (r *reader) final(s *scratch) (end, synced int64, err error) {
	info, err := r.under.Stat()
	if err != nil {
		return 0, 0, err
	}
	for page := (info.Size() - 1) / pageSize; page >= 0; page-- {
		stored, err := r.load(s, page, pageSize)
		if err != nil {
			return 0, 0, err
		}
		opened := false
		for place := begin(page) - page*pageSize; place < int64(len(stored)) && room(place) > 0; {
			h, _, ok := openChunk(r.aead, s.text[:0], stored[place:], page*pageSize+place)
			if ok {
				opened, end, synced = true, h.end(), h.synced
			}
			place += int64(overhead + h.size)
		}
		if opened {
			return end, synced, nil
		}
	}
	return 0, 0, nil
}
