package collector

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Most that waits of the request log while the collector is away. The lines stand on
// standard error all the same; what does not fit is counted, and told.
const (
	mostLines = 10_000
	mostBytes = 16 << 20
	batch     = 256 // sent at a time
)

// Lines is the part of the request log that waits to be sent. Nothing that writes to
// it ever waits.
type Lines struct {
	mu      sync.Mutex
	list    []message
	bytes   int
	made    uint64 // sequence of the newest line, lost ones counted
	lost    uint64
	waiting chan struct{}
}

// NewLines returns an empty queue.
func NewLines() *Lines { return &Lines{waiting: make(chan struct{}, 1)} }

func (l *Lines) add(level slog.Level, at time.Time, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	if len(l.list) >= mostLines || l.bytes+len(text) > mostBytes {
		l.lost++
		return
	}
	l.list = append(l.list, message{
		facility: daemon, severity: ofLevel(level), time: at, id: "line", sequence: l.made, text: bytes.TrimRight(text, "\n"),
	})
	l.bytes += len(text)
	select {
	case l.waiting <- struct{}{}:
	default:
	}
}

// take returns the oldest lines that wait.
func (l *Lines) take() []message {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.list), batch)
	list := l.list[:n:n]
	l.list = l.list[n:]
	for _, m := range list {
		l.bytes -= len(m.text)
	}
	return list
}

// back puts lines that were not sent before those that came since.
func (l *Lines) back(list []message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range list {
		l.bytes += len(m.text)
	}
	l.list = append(list, l.list...)
}

func (l *Lines) state() (waiting int, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list), l.lost
}

func ofLevel(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return failure
	case level >= slog.LevelWarn:
		return warning
	case level >= slog.LevelInfo:
		return informational
	}
	return debug
}

// Handler returns a handler that queues each line in the JSON form of standard error.
func (l *Lines) Handler(options *slog.HandlerOptions) slog.Handler {
	p := &printer{}
	return handler{slog.NewJSONHandler(&p.text, options), p, l}
}

// printer lends one buffer to the handlers that derive from one.
type printer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

type handler struct {
	slog.Handler
	printer *printer
	lines   *Lines
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.printer.mu.Lock()
	defer h.printer.mu.Unlock()
	h.printer.text.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	h.lines.add(r.Level, r.Time, bytes.Clone(h.printer.text.Bytes()))
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.printer, h.lines}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.printer, h.lines}
}
