package seal

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// dictionaries are kept for ever: what was sealed with one needs the very same
// bytes. They are named by their id; see internal/seal/traindict.
//
//go:embed dict/*.zdict
var dictionaries embed.FS

// codecRaw and the ids of dictionaries share the first byte of a body's text.
const (
	codecRaw    = 0
	codecNewest = 1 // the dictionary that new bodies are compressed with
)

const (
	// MaxBody is the longest body that is sealed, and the most memory that
	// opening one may take, whatever its compressed bytes claim.
	MaxBody = 64 << 20

	bodyHead = 1 + 4 // codec, length of the payload
)

// ErrTooLarge: the body is over MaxBody.
var ErrTooLarge = errors.New("the body is over its size limit")

// codec packs bodies into texts that are ready to be sealed, and back. It is
// safe for concurrent use.
type codec struct {
	encoder  *zstd.Encoder
	decoders map[byte]*zstd.Decoder
	texts    sync.Pool // *[]byte
}

func newCodec() (*codec, error) {
	c := &codec{decoders: map[byte]*zstd.Decoder{}}
	c.texts.New = func() any { return new([]byte) }
	entries, err := dictionaries.ReadDir("dict")
	if err != nil {
		return nil, fmt.Errorf("dictionaries: %w", err)
	}
	for _, e := range entries {
		id, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ".zdict"), 10, 8)
		if err != nil || id == codecRaw {
			return nil, fmt.Errorf("dictionaries: %w", errDictionary)
		}
		text, err := dictionaries.ReadFile("dict/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("dictionaries: %w", err)
		}
		if err := c.add(byte(id), text); err != nil {
			return nil, fmt.Errorf("dictionaries: %w", err)
		}
	}
	if c.encoder == nil {
		return nil, fmt.Errorf("dictionaries: %w", errDictionary)
	}
	return c, nil
}

var errDictionary = errors.New("a dictionary is missing or misnamed")

func (c *codec) add(id byte, dictionary []byte) error {
	d, err := zstd.NewReader(nil, zstd.WithDecoderDicts(dictionary),
		zstd.WithDecoderMaxMemory(MaxBody), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return err
	}
	c.decoders[id] = d
	if id != codecNewest {
		return nil
	}
	// Without entropy coding a body takes a quarter more, and is opened in less than
	// half the time: what saves most is the dictionary.
	c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderDict(dictionary), zstd.WithNoEntropyCompression(true),
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(128<<10))
	return err
}

func (c *codec) close() {
	for _, d := range c.decoders {
		d.Close()
	}
}

// pack hands the text of a body to use, which must not keep it. A body that
// does not shrink is kept as it is.
func (c *codec) pack(body []byte, use func(text []byte)) error {
	if len(body) > MaxBody {
		return ErrTooLarge
	}
	kept := c.texts.Get().(*[]byte)
	defer c.texts.Put(kept)
	text := append((*kept)[:0], make([]byte, bodyHead)...)
	text = c.encoder.EncodeAll(body, text)
	text[0] = codecNewest
	if len(text) >= bodyHead+len(body) {
		text = append(text[:bodyHead], body...)
		text[0] = codecRaw
	}
	binary.BigEndian.PutUint32(text[1:], uint32(len(text)-bodyHead))
	text = pad(text, padded(len(text)))
	use(text)
	keepText(kept, text)
	return nil
}

// keepText leaves the memory of a text to the next one, unless it is large.
func keepText(kept *[]byte, text []byte) {
	if cap(text) <= maxKeptText {
		*kept = text
	}
}

const maxKeptText = 1 << 20

// unpack returns the body of a text that has been authenticated, in memory of
// its own.
func (c *codec) unpack(text []byte) ([]byte, error) {
	if len(text) < bodyHead {
		return nil, ErrForged
	}
	n := uint64(binary.BigEndian.Uint32(text[1:]))
	rest := text[bodyHead:]
	if n > uint64(len(rest)) || !zeros(rest[n:]) {
		return nil, ErrForged
	}
	payload := rest[:n:n]
	if text[0] == codecRaw {
		return bytes.Clone(payload), nil
	}
	d := c.decoders[text[0]]
	if d == nil {
		return nil, errDictionary
	}
	body, err := d.DecodeAll(payload, nil)
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, zstd.ErrDecoderClosed):
		return nil, ErrClosed
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, ErrTooLarge
	}
	return nil, ErrForged
}
