package pebble

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// The first byte of a row.
const (
	rowPlain     = 0x01
	rowTombstone = 0x02
)

// head says which version of a record is the current one.
type head struct {
	version uint64 // 0: there is none
	at      record.Position
	class   record.Token
}

func (h head) appendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, h.version)
	dst = binary.AppendUvarint(dst, uint64(h.at))
	return binary.BigEndian.AppendUint64(dst, uint64(h.class))
}

func openHead(v []byte) (head, error) {
	version, n := binary.Uvarint(v)
	if n <= 0 || version == 0 {
		return head{}, damaged("head")
	}
	at, m := binary.Uvarint(v[n:])
	if m <= 0 || len(v) != n+m+8 {
		return head{}, damaged("head")
	}
	class := binary.BigEndian.Uint64(v[n+m:])
	return head{version, record.Position(at), record.Token(class)}, nil
}

// appendRow encodes all of a version but its position and body.
func appendRow(dst []byte, p *record.Put, at time.Time) []byte {
	kind := byte(rowPlain)
	if p.Deleted {
		kind = rowTombstone
	}
	dst = binary.BigEndian.AppendUint64(append(dst, kind), uint64(at.UnixNano()))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Class))
	dst = append(dst, p.Key[:]...)
	dst = binary.AppendUvarint(dst, p.Version)
	return append(dst, p.Card...)
}

const rowFixed = 1 + 8 + 8 + 16

// openRow decodes a row. Its card shares v's memory.
func openRow(v []byte, at record.Position) (record.Row, error) {
	if len(v) <= rowFixed || v[0] != rowPlain && v[0] != rowTombstone {
		return record.Row{}, damaged("row")
	}
	version, n := binary.Uvarint(v[rowFixed:])
	if n <= 0 || version == 0 {
		return record.Row{}, damaged("row")
	}
	r := record.Row{
		Version:  version,
		Class:    record.Token(binary.BigEndian.Uint64(v[9:])),
		Position: at,
		Deleted:  v[0] == rowTombstone,
		Time:     rowTime(v),
		Card:     v[rowFixed+n:],
	}
	copy(r.Key[:], v[17:])
	return r, nil
}

// rowTime reads the time of a row that openRow would accept.
func rowTime(v []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(v[1:]))).UTC()
}

func damaged(what string) error { return fmt.Errorf("%s: %w", what, store.ErrCorrupt) }
