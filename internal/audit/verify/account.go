package verify

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
)

// Account is the accountability part of an entry: who did what, when, to which
// records. It is kept as long as the law asks and holds no word of a record.
type Account struct {
	Time      time.Time // of the event; microseconds count
	Action    string
	Outcome   string
	Actor     string
	Client    string
	Session   string
	Roles     []string
	Purpose   string
	RequestID string
	Type      string // resource type acted on
	Address   string // network address of the caller
	Patients  []record.Key
	Read      []Ref
	Written   []Written
	Amended   []Written // versions there were, sealed anew
	Spooled   Spooled   // zero: it was logged when it happened
}

// Spooled says that an entry was kept in a spool first, while the log could not be
// written (docs/formats/spool.md).
type Spooled struct {
	Spool  [16]byte
	Number uint64 // of the entry in the spool, from 1
}

// Ref names a version of a record.
type Ref struct {
	Key     record.Key
	Version uint64
}

// Written names a version and what it holds.
type Written struct {
	Ref
	record.Digests
}

// Fields of an accountability part, in the order in which they are written.
const (
	fieldTime = 1 + iota
	fieldAction
	fieldOutcome
	fieldActor
	fieldClient
	fieldSession
	fieldRole
	fieldPurpose
	fieldRequest
	fieldType
	fieldAddress
	fieldPatient
	fieldRead
	fieldWritten
	fieldAmended
	fieldSpooled
)

const accountFormat = 1

var errAccount = errors.New("malformed accountability part")

// Append appends the part's bytes: a format byte, then fields of tag (one
// byte), length (uvarint) and value; lists repeat their tag, empty strings are
// left out.
func (a *Account) Append(buf []byte) []byte {
	buf = append(buf, accountFormat)
	buf = append(buf, fieldTime, 8)
	buf = binary.BigEndian.AppendUint64(buf, uint64(a.Time.UnixMicro()))
	text := func(tag byte, s string) {
		if s != "" {
			buf = binary.AppendUvarint(append(buf, tag), uint64(len(s)))
			buf = append(buf, s...)
		}
	}
	text(fieldAction, a.Action)
	text(fieldOutcome, a.Outcome)
	text(fieldActor, a.Actor)
	text(fieldClient, a.Client)
	text(fieldSession, a.Session)
	for _, r := range a.Roles {
		text(fieldRole, r)
	}
	text(fieldPurpose, a.Purpose)
	text(fieldRequest, a.RequestID)
	text(fieldType, a.Type)
	text(fieldAddress, a.Address)
	for _, p := range a.Patients {
		buf = append(append(buf, fieldPatient, 16), p[:]...)
	}
	for _, r := range a.Read {
		buf = append(append(buf, fieldRead, 24), r.Key[:]...)
		buf = binary.BigEndian.AppendUint64(buf, r.Version)
	}
	for _, w := range a.Written {
		buf = w.append(append(buf, fieldWritten, 88))
	}
	for _, w := range a.Amended {
		buf = w.append(append(buf, fieldAmended, 88))
	}
	if a.Spooled.Number > 0 {
		buf = append(append(buf, fieldSpooled, 24), a.Spooled.Spool[:]...)
		buf = binary.BigEndian.AppendUint64(buf, a.Spooled.Number)
	}
	return buf
}

func (w *Written) append(buf []byte) []byte {
	buf = binary.BigEndian.AppendUint64(append(buf, w.Key[:]...), w.Version)
	return append(append(buf, w.Content[:]...), w.Index[:]...)
}

// ParseAccount reads an opened accountability part. Fields unknown to this
// version are passed over; they come after the known ones.
func ParseAccount(src []byte) (*Account, error) {
	if len(src) == 0 || src[0] != accountFormat {
		return nil, errAccount
	}
	a, last, timed := &Account{}, byte(0), false
	for src = src[1:]; len(src) > 0; {
		tag := src[0]
		size, n := binary.Uvarint(src[1:])
		if n <= 0 || size > uint64(len(src)-1-n) || tag < last || (tag == last && !repeats(tag)) {
			return nil, errAccount
		}
		value := src[1+n : 1+n+int(size)]
		src, last = src[1+n+int(size):], tag
		if !a.set(tag, value) {
			return nil, errAccount
		}
		timed = timed || tag == fieldTime
	}
	if !timed {
		return nil, errAccount
	}
	return a, nil
}

func repeats(tag byte) bool {
	return tag == fieldRole || tag == fieldPatient || tag == fieldRead || tag >= fieldWritten && tag != fieldSpooled
}

func (a *Account) set(tag byte, value []byte) bool {
	switch tag {
	case fieldTime:
		if len(value) != 8 || binary.BigEndian.Uint64(value) > maxMicros {
			return false
		}
		a.Time = time.UnixMicro(int64(binary.BigEndian.Uint64(value))).UTC()
	case fieldRole:
		a.Roles = append(a.Roles, string(value))
		return len(value) > 0
	case fieldPatient:
		if len(value) != 16 {
			return false
		}
		a.Patients = append(a.Patients, record.Key(value))
	case fieldRead:
		if len(value) != 24 {
			return false
		}
		a.Read = append(a.Read, parseRef(value))
	case fieldWritten, fieldAmended:
		if len(value) != 88 {
			return false
		}
		w := Written{
			Ref:     parseRef(value),
			Digests: record.Digests{Content: [32]byte(value[24:56]), Index: [32]byte(value[56:88])},
		}
		if tag == fieldWritten {
			a.Written = append(a.Written, w)
		} else {
			a.Amended = append(a.Amended, w)
		}
	case fieldSpooled:
		if len(value) != 24 {
			return false
		}
		ref := parseRef(value)
		a.Spooled = Spooled{Spool: ref.Key, Number: ref.Version}
		return ref.Version > 0
	default:
		if s := a.text(tag); s != nil {
			*s = string(value)
			return len(value) > 0
		}
		return tag > fieldSpooled
	}
	return true
}

func (a *Account) text(tag byte) *string {
	switch tag {
	case fieldAction:
		return &a.Action
	case fieldOutcome:
		return &a.Outcome
	case fieldActor:
		return &a.Actor
	case fieldClient:
		return &a.Client
	case fieldSession:
		return &a.Session
	case fieldPurpose:
		return &a.Purpose
	case fieldRequest:
		return &a.RequestID
	case fieldType:
		return &a.Type
	case fieldAddress:
		return &a.Address
	}
	return nil
}

func parseRef(src []byte) Ref {
	return Ref{Key: record.Key(src[:16]), Version: binary.BigEndian.Uint64(src[16:24])}
}
