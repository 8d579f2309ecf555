package content_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/content"
)

// eicar is the file by which scanners are tried out (eicar.org). It stands here in two
// parts, so that no scanner finds this one.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// fakeClamd speaks clamd's protocol, and answers what it is told to.
func fakeClamd(t *testing.T, answer func(data []byte) string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				head := make([]byte, len("zINSTREAM\x00"))
				if _, err := io.ReadFull(conn, head); err != nil || string(head) != "zINSTREAM\x00" {
					return
				}
				var data bytes.Buffer
				for {
					var n uint32
					if binary.Read(conn, binary.BigEndian, &n) != nil {
						return
					}
					if n == 0 {
						break
					}
					if _, err := io.CopyN(&data, conn, int64(n)); err != nil {
						return
					}
				}
				_, _ = io.WriteString(conn, answer(data.Bytes()))
			}()
		}
	}()
	return "unix:" + path
}

func scanner(t *testing.T, address string) *content.Scanner {
	t.Helper()
	s, err := content.NewScanner(address)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScannerAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"unix:/run/clamav/clamd.ctl": true, "tcp:127.0.0.1:3310": true, "tcp:[::1]:3310": true, "tcp:localhost:3310": true,
		"": false, "/run/clamd": false, "unix:clamd": false, "unix:": false, "tcp:192.0.2.7:3310": false, "tcp:scanner.example.org:3310": false,
		"tcp:127.0.0.1": false, "tcp:127.0.0.1:": false, "http://localhost": false,
	} {
		if _, err := content.NewScanner(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestScanOfAFake: each answer of a fake clamd, whole data in order, and what is no verdict.
func TestScanOfAFake(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	for _, c := range []struct {
		reply, malware string
		fails          bool
	}{
		{reply: "stream: OK\x00"}, {reply: "stream: Eicar-Test-Signature FOUND\x00", malware: "Eicar-Test-Signature"},
		{reply: "stream: a b\nc FOUND\x00", malware: "a_b_c"}, {reply: "stream: " + strings.Repeat("x", 500) + " FOUND\x00", malware: strings.Repeat("x", 100)},
		{reply: "INSTREAM size limit exceeded. ERROR\x00", fails: true}, {reply: "stream: Can't allocate memory ERROR\x00", fails: true},
		{reply: "stream:  FOUND\x00", fails: true}, {reply: "stream: OK", fails: true}, {reply: "", fails: true}, {reply: "stream: NOT OK\x00", fails: true},
		{reply: strings.Repeat("x", 5000), fails: true},
	} {
		s := scanner(t, fakeClamd(t, func(data []byte) string {
			if !bytes.Equal(data, large) {
				return "stream: other data ERROR\x00"
			}
			return c.reply
		}))
		malware, err := s.Scan(context.Background(), large)
		if malware != c.malware || (err != nil) != c.fails {
			t.Errorf("%.40q: %q %v", c.reply, malware, err)
		}
		if err != nil && strings.Contains(err.Error(), "0123456789") {
			t.Error("the error repeats the file")
		}
	}
}

// TestScannerThatDoesNotAnswer: who waits for it waits no longer than he wants to, and
// not more ask it at a time than it is given.
func TestScannerThatDoesNotAnswer(t *testing.T) {
	block, asked := make(chan struct{}), make(chan struct{}, 100)
	s := scanner(t, fakeClamd(t, func([]byte) string { asked <- struct{}{}; <-block; return "stream: OK\x00" }))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	for range 10 {
		go func() { _, err := s.Scan(ctx, []byte("x")); ended <- err }()
	}
	for range 4 {
		<-asked
	}
	select {
	case <-asked:
		t.Error("a fifth is asked for at the same time")
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	for range 10 {
		if err := <-ended; err == nil {
			t.Error("who gave up is told that all is well")
		}
	}
	close(block)
	if malware, err := s.Scan(context.Background(), []byte("x")); err != nil || malware != "" {
		t.Errorf("later: %q %v", malware, err)
	}
	if _, err := scanner(t, "unix:/nowhere/clamd").Scan(context.Background(), nil); err == nil {
		t.Error("nobody is there, and all is well")
	}
}

// TestScanByClamd asks ClamAV's own clamd, with a database that knows one file.
func TestScanByClamd(t *testing.T) {
	clamd, err := exec.LookPath("clamd")
	if err != nil {
		clamd, err = exec.LookPath("/usr/sbin/clamd")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("clamd is not installed: scripts/test-deps.sh")
		}
		t.Skip("clamd is not installed: make deps")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("one.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n")
	cmd := exec.Command(clamd, "--config-file", write("clamd.conf", "LocalSocket "+socket+"\nDatabaseDirectory "+dir+"\nForeground yes\nStreamMaxLength 1M\n"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s := scanner(t, "unix:"+socket)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := s.Scan(context.Background(), nil); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		data, malware string
		fails         bool
	}{
		"nothing": {}, "a letter": {data: "To whom it may concern"}, "large": {data: strings.Repeat("letter ", 100_000)},
		"the test file": {data: eicar, malware: "Eicar-Test-Signature"}, "too large for it": {data: strings.Repeat("letter ", 300_000), fails: true},
	} {
		malware, err := s.Scan(context.Background(), []byte(c.data))
		if !strings.HasPrefix(malware, c.malware) || (malware == "") != (c.malware == "") || (err != nil) != c.fails {
			t.Errorf("%s: %q %v", name, malware, err)
		}
	}
}
