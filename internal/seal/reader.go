package seal

import (
	"encoding/binary"
	"math"
)

// reader takes fields off the front of stored bytes. After a field that is not
// there, bad is set, and all further fields are empty.
type reader struct {
	b     []byte
	bad   bool
	alien bool // of a format that is not known
}

// format takes the number of the format.
func (r *reader) format() {
	if first := r.take(1); !r.bad && first[0] != formatVersion {
		r.bad, r.alien = true, true
	}
}

// refused is why a bad reader was given up.
func (r *reader) refused() error {
	if r.alien {
		return ErrFormat
	}
	return ErrForged
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// uvarint refuses encodings longer than need be, so that a value has one form.
func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || n > 1 && r.b[n-1] == 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) sized() []byte { return r.take(r.uvarint()) }

// version is the number of a key's version, from 1 on.
func (r *reader) version() uint32 {
	v := r.uvarint()
	if v == 0 || v > math.MaxUint32 {
		r.bad = true
		return 0
	}
	return uint32(v)
}
