package verify

import (
	"encoding/binary"
	"errors"
)

// Content is the content part of an entry: what could tell of a patient.
type Content struct {
	Query  string
	Reason string
	Detail string
	Names  []Name
}

// Name is the "Type/id" of an item of the entry. Items are counted from 0,
// those shown first, then those written.
type Name struct {
	Item uint64
	Text string
}

// Fields of a content part, in the order in which they are written.
const (
	fieldQuery = 1 + iota
	fieldReason
	fieldDetail
	fieldName
)

const contentFormat = 1

var errContent = errors.New("malformed content part")

// Append appends the part's bytes, or nothing if it is empty.
func (c *Content) Append(buf []byte) []byte {
	if c.Query == "" && c.Reason == "" && c.Detail == "" && len(c.Names) == 0 {
		return buf
	}
	buf = append(buf, contentFormat)
	for tag, s := range []string{fieldQuery: c.Query, fieldReason: c.Reason, fieldDetail: c.Detail} {
		if s != "" {
			buf = binary.AppendUvarint(append(buf, byte(tag)), uint64(len(s)))
			buf = append(buf, s...)
		}
	}
	for _, n := range c.Names {
		value := append(binary.AppendUvarint(nil, n.Item), n.Text...)
		buf = binary.AppendUvarint(append(buf, fieldName), uint64(len(value)))
		buf = append(buf, value...)
	}
	return buf
}

// ParseContent reads an opened content part. Fields unknown to this version are
// passed over.
func ParseContent(src []byte) (*Content, error) {
	if len(src) < 2 || src[0] != contentFormat {
		return nil, errContent
	}
	c, last := &Content{}, byte(0)
	for src = src[1:]; len(src) > 0; {
		tag := src[0]
		size, n := binary.Uvarint(src[1:])
		if n <= 0 || size > uint64(len(src)-1-n) || tag < max(last, 1) || tag == last && tag < fieldName {
			return nil, errContent
		}
		value := src[1+n : 1+n+int(size)]
		src, last = src[1+n+int(size):], tag
		switch tag {
		case fieldQuery:
			c.Query = string(value)
		case fieldReason:
			c.Reason = string(value)
		case fieldDetail:
			c.Detail = string(value)
		case fieldName:
			item, n := binary.Uvarint(value)
			if n <= 0 {
				return nil, errContent
			}
			c.Names = append(c.Names, Name{item, string(value[n:])})
		}
	}
	return c, nil
}
