package app

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

// collected is a fake collector: a listener of this test's own, which keeps what it reads.
type collected struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *collected) listen(t *testing.T, address string, pair tls.Certificate) net.Listener {
	t.Helper()
	l, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					size, err := in.ReadString(' ')
					n, wrong := strconv.Atoi(strings.TrimSpace(size))
					if err != nil || wrong != nil {
						return
					}
					frame := make([]byte, n)
					if _, err := io.ReadFull(in, frame); err != nil {
						return
					}
					c.mu.Lock()
					c.text.Write(append(frame, '\n'))
					c.mu.Unlock()
				}
			}()
		}
	}()
	return l
}

func (c *collected) has(words ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.Lines(c.text.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it does not come about: %s", what)
}

// TestLogsElsewhere: a server whose collector is away answers and is ready, says in
// status and doctor that entries wait, and sends entries and lines once it is there.
func TestLogsElsewhere(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	toCollector := free.Addr().String()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := other.Addr().String()
	_, _ = free.Close(), other.Close()
	certFile, keyFile := certificateFile(t, elsewhere, "collector", func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.Listen = dir, 8, listen
	cfg.LogOut = config.LogOut{To: toCollector, CA: certFile}
	log, lines := serverLog(io.Discard, cfg)
	house, err := OpenHouse(context.Background(), cfg, log, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		s := &Server{House: house, Version: "test", Lines: lines, Ready: func(string) { close(ready) }}
		done <- closeAfter(ctx, house, s.Run(ctx))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-ready
	get := func(path string) (int, string) {
		pool := x509.NewCertPool()
		ca, _ := os.ReadFile(filepath.Join(dir, "ca.pem"))
		pool.AppendCertsFromPEM(ca)
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
		resp, err := client.Get("https://" + listen + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("X-Request-Id")
	}
	waitFor(t, "the collector is away", func() bool { st := house.collectorState(); return st.Problem != "" })
	if code, _ := get("/readyz"); code != http.StatusOK {
		t.Errorf("without its collector the server is not ready: %d", code)
	}
	code, request := get("/fhir/Patient/canary")
	if code != http.StatusUnauthorized {
		t.Errorf("a request answers %d", code)
	}
	if code, out, _ := run(t, "audit", "status", "--dir", dir); code != 1 || !strings.Contains(out, "away since") || strings.Contains(out, " 0 entries behind") {
		t.Errorf("status is exit %d: %s", code, out)
	}
	if code, out, _ := run(t, "doctor", "--dir", dir); code != 1 || !strings.Contains(out, "failure  log_out") {
		t.Errorf("doctor is exit %d: %s", code, out)
	}
	var got collected
	l := got.listen(t, toCollector, pair)
	t.Cleanup(func() { _ = l.Close() })
	waitFor(t, "entries and lines", func() bool {
		return got.has("<85>1 ", " audit ", `"action":"log-start"`) && got.has(" line ", request, `"status":401`) && got.has(" checkpoint ")
	})
	if code, out, _ := run(t, "audit", "status", "--dir", dir); code != 0 || !strings.Contains(out, "connected since") || !strings.Contains(out, " 0 entries behind") {
		t.Errorf("status is exit %d: %s", code, out)
	}
	if _, out, _ := run(t, "doctor", "--dir", dir); !strings.Contains(out, "ok       log_out") {
		t.Errorf("doctor: %s", out)
	}
}
