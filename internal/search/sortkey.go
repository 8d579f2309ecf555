package search

import (
	"bytes"
	"encoding/binary"
)

// maxSortText bounds how much of a text is sorted by.
const maxSortText = 256

// SortKey returns the bytes that records are ordered by, nil if the query names
// no order. Of several values the one that comes first in the order asked for
// counts; who has none comes last, in either direction. A span sorts by its
// start, and descending by its end.
func (p *Plan) SortKey(card []byte) ([]byte, error) {
	if len(p.q.Sort) == 0 {
		return nil, nil
	}
	m := p.matchers.get()
	defer p.matchers.pool.Put(m)
	if err := m.card.open(card); err != nil {
		return nil, err
	}
	var key []byte
	for i := range p.q.Sort {
		found, err := m.sortValue(&p.q.Sort[i])
		if err != nil {
			return nil, err
		}
		if !found {
			key = append(key, sortNone)
			continue
		}
		key = appendSortKey(key, m.best, p.q.Sort[i].Desc)
	}
	return key, nil
}

// The first byte of each part of a sort key.
const (
	sortSome = 1 // a value follows
	sortNone = 2 // there is none
)

// appendSortKey appends the part of a key that one value makes.
func appendSortKey(key, value []byte, desc bool) []byte {
	key = append(key, sortSome)
	at := len(key)
	for _, c := range value {
		if key = append(key, c); c == 0 {
			key = append(key, 0xff)
		}
	}
	key = append(key, 0, 0)
	if desc {
		for j := at; j < len(key); j++ {
			key[j] = ^key[j]
		}
	}
	return key
}

// sortValue leaves in best the ordered form of the value that counts.
func (m *matcher) sortValue(s *Sort) (found bool, err error) {
	m.best = m.best[:0]
	switch s.param.special {
	case "_id":
		m.best = append(m.best, m.card.id...)
		return true, nil
	case "_lastUpdated":
		m.best = appendTime(m.best, m.card.updated)
		return true, nil
	}
	for i := range s.param.sources {
		src := &s.param.sources[i]
		err = m.card.each(src.id, src.kind, func(v *value) bool {
			if src.only != "" && !v.points(src.only) {
				return true
			}
			m.key = v.appendOrdered(m.key[:0], src.kind, s.Desc)
			if len(m.key) == 0 {
				return true
			}
			c := bytes.Compare(m.key, m.best)
			if !found || s.Desc && c > 0 || !s.Desc && c < 0 {
				m.best = append(m.best[:0], m.key...)
				found = true
			}
			return true
		})
		if err != nil {
			return false, err
		}
	}
	return found, nil
}

// appendOrdered appends v so that bytes order as values do.
func (v *value) appendOrdered(b []byte, k kind, desc bool) []byte {
	switch k {
	case kindToken:
		if len(v.code) == 0 {
			return b
		}
		b = append(b, v.code...)
		if v.hasSystem {
			b = append(append(b, 0), v.system...)
		}
	case kindString:
		if v.norm != nil {
			b = append(b, v.norm...)
			break
		}
		for _, c := range v.code {
			b = append(b, lower(c))
		}
	case kindDate:
		if desc {
			return appendTime(b, v.span.hi)
		}
		return appendTime(b, v.span.lo)
	case kindNumber, kindQuantity:
		end, inf, far := v.number.lo, v.number.loInf, byte(0)
		if desc {
			end, inf, far = v.number.hi, v.number.hiInf, 0xff
		}
		if inf {
			return append(b, far)
		}
		return end.appendOrdered(append(b, 1))
	case kindReference:
		if v.local {
			b = append(append(b, v.typ...), '/')
		}
		b = append(b, v.code...)
	case kindURI:
		b = append(b, v.code...)
	}
	return b[:min(len(b), maxSortText)]
}

func appendTime(b []byte, t int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t)^1<<63)
}
