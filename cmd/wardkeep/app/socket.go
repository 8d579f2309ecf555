package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// listenSocket opens the admin socket, over one that a crash left behind.
func listenSocket(path string) (net.Listener, error) {
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = conn.Close()
		return nil, errors.New("a server is already running on this data folder")
	}
	_ = os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the admin socket cannot be opened; is the path of the data folder longer than 90 characters? %w", err)
	}
	// Whoever connects before this is asked who he is all the same. The umask
	// would do without a gap, but it belongs to the whole process, the store's
	// own files among it.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("the admin socket cannot be closed to others: %w", err), l.Close())
	}
	return l, nil
}

type peerKey struct{}

// socketServer answers commands. The peer's user id comes from the kernel, and
// only root and the server's own user are heard.
func (h *House) socketServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /call/{name}", h.socket(func(w http.ResponseWriter, r *http.Request, who string) error {
		in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return err
		}
		out, err := h.operate(r.Context(), who, r.PathValue("name"), in)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(out)
	}))
	mux.HandleFunc("POST /import", h.socket(h.socketImport))
	mux.HandleFunc("POST /package", h.socket(h.socketPackage))
	mux.HandleFunc("GET /export/{type}", h.socket(func(w http.ResponseWriter, r *http.Request, who string) error {
		at, err := strconv.ParseUint(r.URL.Query().Get("at"), 10, 64)
		if err != nil {
			return fault.New(fault.Invalid, "app.export", "The export must say of which state of the store it is.")
		}
		return streamed(w, func(w io.Writer) (int, error) {
			return h.export(r.Context(), who, r.PathValue("type"), chart.Snapshot{At: at, Time: h.Clock.Now()}, w)
		})
	}))
	return &http.Server{
		Handler: h.fallen(mux), ReadHeaderTimeout: readHeaderTimeout, ErrorLog: slog.NewLogLogger(h.Slog.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peer(c))
		},
	}
}

// fallen cuts the connection of a command that panics. The panic's value may hold data
// and is told nowhere; its place in the code is.
func (h *House) fallen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != http.ErrAbortHandler {
				h.Slog.ErrorContext(r.Context(), "panic", "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r)
	})
}

// streamed sends what export writes, and behind it the count. A failure after the
// first line cannot be told any more: the connection is cut instead, so that the
// other end never takes a part for the whole.
func streamed(w http.ResponseWriter, export func(io.Writer) (int, error)) error {
	w.Header().Set("Trailer", "Wk-Count")
	out := &noting{w: w}
	n, err := export(out)
	switch {
	case err == nil:
		w.Header().Set("Wk-Count", strconv.Itoa(n))
	case out.written:
		panic(http.ErrAbortHandler)
	default:
		w.Header().Del("Trailer")
	}
	return err
}

// noting knows whether anything was written.
type noting struct {
	w       io.Writer
	written bool
}

func (n *noting) Write(b []byte) (int, error) {
	n.written = n.written || len(b) > 0
	return n.w.Write(b)
}

// peer returns the user at the other end of a socket; ok is false for those who
// are not heard.
func peer(c net.Conn) (who string) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ""
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return ""
	}
	var cred *unix.Ucred
	if err := raw.Control(func(fd uintptr) {
		cred, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || cred == nil {
		return ""
	}
	if !heard(cred.Uid, os.Getuid()) {
		return ""
	}
	return userName(cred.Uid)
}

func heard(uid uint32, own int) bool { return uid == 0 || int(uid) == own }

func (h *House) socket(serve func(http.ResponseWriter, *http.Request, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, _ := r.Context().Value(peerKey{}).(string)
		err := error(fault.New(fault.Denied, "app.socket", "Only the server's own user and root may use the admin socket."))
		if who != "" {
			err = serve(w, r, who)
		}
		if err == nil {
			return
		}
		h.Slog.InfoContext(r.Context(), "command failed", "error", err.Error())
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(wireFault{
			Kind: fault.KindOf(err), Public: errorText(err), Later: errors.Is(err, bulk.ErrLater),
		})
	}
}

func (h *House) socketImport(w http.ResponseWriter, r *http.Request, who string) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	report, err := h.file(r.Context(), who, bulk.Unit{
		Source: q.Get("source"), Place: q.Get("place"), Lines: q.Get("lines") == "true", Last: q.Get("last") == "true", Data: data,
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(report)
}

func (h *House) socketPackage(w http.ResponseWriter, r *http.Request, who string) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bulk.MaxPackage))
	if err != nil {
		return err
	}
	added, err := h.addPackage(r.Context(), who, body)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(added)
}

// farDesk works through the socket of a running server.
type farDesk struct{ client *http.Client }

// dialDesk returns the desk of the server that holds dir, nil if none runs.
func dialDesk(dir string) desk {
	path := filepath.Join(dir, socketFile)
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil
	}
	_ = conn.Close()
	return &farDesk{client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}}
}

func (d *farDesk) call(ctx context.Context, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return d.post(ctx, "/call/"+name, body, out)
}

func (d *farDesk) Apply(ctx context.Context, u bulk.Unit) (bulk.Report, error) {
	var report bulk.Report
	q := url.Values{"source": {u.Source}, "place": {u.Place}, "lines": {strconv.FormatBool(u.Lines)}, "last": {strconv.FormatBool(u.Last)}}
	err := d.post(ctx, "/import?"+q.Encode(), u.Data, &report)
	return report, err
}

func (d *farDesk) addPackage(ctx context.Context, body []byte) (addedPackage, error) {
	var added addedPackage
	err := d.post(ctx, "/package", body, &added)
	return added, err
}

func (d *farDesk) post(ctx context.Context, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://desk"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return fmt.Errorf("the running server does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return readFault(resp.Body)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func readFault(r io.Reader) error {
	var f wireFault
	if err := json.NewDecoder(r).Decode(&f); err != nil {
		return errors.New("the running server gave no usable answer")
	}
	err := fault.New(f.Kind, "server", f.Public)
	if f.Later {
		err.Err = bulk.ErrLater
	}
	return err
}

func (d *farDesk) export(ctx context.Context, typ string, s chart.Snapshot, w io.Writer) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://desk/export/"+typ+"?at="+strconv.FormatUint(s.At, 10), nil)
	if err != nil {
		return 0, err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("the running server does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, readFault(resp.Body)
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return 0, fmt.Errorf("the export was cut short: %w", err)
	}
	n, err := strconv.Atoi(resp.Trailer.Get("Wk-Count"))
	if err != nil {
		return 0, errors.New("the export was cut short")
	}
	return n, nil
}

func (d *farDesk) Close() error {
	d.client.CloseIdleConnections()
	return nil
}
