package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
)

var errHalfway = errors.New("the store is gone")

// TestExportCutShort: a failure in the middle of an export must not look like
// its end.
func TestExportCutShort(t *testing.T) {
	for name, c := range map[string]struct {
		lines int
		err   error
	}{"whole": {3, nil}, "at once": {0, errHalfway}, "halfway": {3, errHalfway}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := listenSocket(filepath.Join(dir, socketFile))
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(filepath.Join(dir, socketFile))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the socket has mode %v: %v", info.Mode(), err)
			}
			server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				err := streamed(w, func(w io.Writer) (int, error) {
					_, _ = io.WriteString(w, strings.Repeat("{}\n", c.lines)[:3*c.lines])
					return c.lines, c.err
				})
				if err != nil {
					w.WriteHeader(http.StatusUnprocessableEntity)
				}
			})}
			done := make(chan error, 1)
			go func() { done <- server.Serve(l) }()
			d := dialDesk(dir)
			var out strings.Builder
			n, err := d.export(context.Background(), "Patient", chart.Snapshot{At: 1}, &out)
			if (err == nil) != (c.err == nil) || c.err == nil && (n != 3 || strings.Count(out.String(), "\n") != 3) {
				t.Errorf("%d records, %v: %q", n, err, out.String())
			}
			_ = d.Close()
			if err := server.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			<-done
		})
	}
}

func TestAFolderOpenToAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if house, err := openOn(context.Background(), dir, nil); err == nil {
		t.Error("a folder that everybody may write to is used", house.Close(context.Background()))
	}
}

// overSocket lists the programs of an empty house, and returns the answer and the log.
func overSocket(t *testing.T, network, address string) (answer, lines string) {
	t.Helper()
	var out bytes.Buffer
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB = t.TempDir(), 8
	house, err := OpenHouse(t.Context(), cfg, newLogger(&out, "info"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server, done := house.socketServer(), make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
	}}}
	resp, err := client.Post("http://desk/call/client-list", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close(), server.Shutdown(t.Context()), house.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	<-done
	return string(body), out.String()
}

// TestStrangersAtTheSocket: the kernel says who is at the other end. Where it says
// nothing, and to another user, no command is carried out; it is told in the log.
func TestStrangersAtTheSocket(t *testing.T) {
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		answer, lines := overSocket(t, network, address)
		refused := strings.Contains(answer, "Only the server's own user")
		if refused != (network == "tcp") || refused != strings.Contains(lines, "command failed") {
			t.Errorf("%s: %s, %s", network, answer, lines)
		}
	}
	for uid, want := range map[uint32]bool{0: true, 1000: true, 1001: false, 65534: false} {
		if heard(uid, 1000) != want {
			t.Errorf("user %d is heard by the server of user 1000: %t", uid, !want)
		}
	}
}

// TestPanicOfACommand: its value is told neither to who gave the command nor to a log;
// where it was, is.
func TestPanicOfACommand(t *testing.T) {
	var out, plain bytes.Buffer
	log.SetOutput(&plain)
	defer log.SetOutput(os.Stderr)
	house := &House{Slog: newLogger(&out, "info")}
	falls := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("Zephyrine") })
	for name, handler := range map[string]http.Handler{"net": house.fallen(falls), "without": falls} {
		out.Reset()
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = house.socketServer().ErrorLog
		server.Start()
		resp, err := server.Client().Get(server.URL)
		if err == nil {
			t.Errorf("%s: %d is answered", name, resp.StatusCode)
		}
		server.Close()
		var line struct{ Msg, Stack string }
		err = json.Unmarshal(out.Bytes(), &line)
		told := strings.Contains(out.String(), "Zephyrine")
		if err != nil || told != (name == "without") || !told && (line.Msg != "panic" || !strings.Contains(line.Stack, "TestPanicOfACommand")) || plain.Len() > 0 {
			t.Errorf("%s: %v in %s, and beside it %q", name, err, out.String(), plain.String())
		}
	}
	if own := house.socketServer().Handler; own == nil || strings.Contains(fmt.Sprintf("%T", own), "ServeMux") {
		t.Errorf("commands are served by %T, without the net", own)
	}
}
