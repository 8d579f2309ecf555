package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
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
