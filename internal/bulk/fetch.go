package bulk

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/outbound"
)

// Bounds of what a source may send. A file of FHIR packs to a tenth or a
// twentieth; what unpacks to far more was made to.
const (
	// SourceBytes is how much a source may send for one file.
	SourceBytes = 4 << 30
	// SourceTime is how long that may take.
	SourceTime  = 4 * time.Hour
	sourceIdle  = time.Minute
	maxUnpacked = 16 << 30
	maxRatio    = 200
	ratioGrace  = 16 << 20
)

var (
	errStatus   = errors.New("not 200 OK")
	errEncoding = errors.New("an encoding that is not read")
	errUnpacks  = errors.New("unpacks to more than it may")
)

// cause tells why a source could not be read to its end, without a word of it.
func cause(err error) string {
	for known, text := range map[error]string{
		errManyRefused:       "too many lines were refused before it.",
		errStatus:            "the source did not answer with 200 OK.",
		errEncoding:          "the source sends a Content-Encoding other than gzip.",
		errUnpacks:           "the file unpacks to more than it may.",
		outbound.ErrTooLarge: "the file is larger than it may be.",
		bufio.ErrTooLong:     "a line is longer than 16 MB.",
		gzip.ErrHeader:       "the file is damaged gzip.",
		gzip.ErrChecksum:     "the file is damaged gzip.",
	} {
		if errors.Is(err, known) {
			return text
		}
	}
	return "the source could not be reached, ended early or stopped sending."
}

// fetch reads a file of NDJSON from its source, unpacked or packed with gzip.
func (x *Receiver) fetch(ctx context.Context, address string, emit func(Unit) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := or(x.Idle, sourceIdle)
	timer := time.AfterFunc(idle, cancel)
	defer timer.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/fhir+ndjson")
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := x.Client.Do(r)
	timer.Stop()
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errStatus
	}
	if enc := answer.Header.Get("Content-Encoding"); enc != "" && enc != "identity" && enc != "gzip" {
		return errEncoding
	}
	packed := &watched{ctx: ctx, r: answer.Body, timer: timer, idle: idle}
	in := bufio.NewReaderSize(packed, 64<<10)
	var plain io.Reader = in
	// No line of JSON begins as gzip does, whatever the headers say.
	head, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.Equal(head, []byte{0x1f, 0x8b}) {
		if plain, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	return readLines(ctx, "", &unpacking{r: plain, packed: packed}, emit)
}

// watched ends a request whose answer stands still, and counts what came.
type watched struct {
	ctx   context.Context
	r     io.Reader
	timer *time.Timer
	idle  time.Duration
	n     int64
}

func (w *watched) Read(b []byte) (int, error) {
	w.timer.Reset(w.idle)
	defer w.timer.Stop()
	n, err := w.r.Read(b)
	w.n += int64(n)
	if w.ctx.Err() != nil { // a server that sees the connection go may still end its answer in good order
		return 0, w.ctx.Err()
	}
	return n, err
}

// unpacking ends where more comes out than what went in can honestly hold.
type unpacking struct {
	r      io.Reader
	packed *watched
	n      int64
}

func (u *unpacking) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	if u.n += int64(n); u.n > maxUnpacked || u.n > ratioGrace+maxRatio*u.packed.n {
		return 0, errUnpacks
	}
	return n, err
}
