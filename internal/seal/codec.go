package seal

import "encoding/binary"

type codec struct{}

func newCodec() (*codec, error) { return &codec{}, nil }
func (c *codec) close()         {}

func (c *codec) pack(body []byte) ([]byte, error) {
	out := binary.AppendUvarint([]byte{0}, uint64(len(body)))
	out = append(out, body...)
	return append(out, make([]byte, -len(out)&31)...), nil
}

func (c *codec) unpack(text []byte) ([]byte, error) {
	r := reader{b: text}
	id, body := r.take(1), r.sized()
	if r.bad || id[0] != 0 || !zeros(r.b) {
		return nil, ErrForged
	}
	return body, nil
}
