package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is the released program at work, as a process of its own.
type server struct {
	binary, dir, base string
	*dialler
	cmd    *exec.Cmd
	screen screen
	exited chan struct{}
}

// screen is what the process prints.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *screen) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.all.Bytes())
}

// run runs a command of the program on the folder. The settings of whoever attacks
// are not its own.
func (s *server) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "WARDKEEP_") })
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("wardkeep %s: %w: %s", args[0], err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// json runs a command and reads its output.
func (s *server) json(ctx context.Context, to any, args ...string) error {
	out, err := s.run(ctx, append(args, "--dir", s.dir, "--json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, to)
}

// start serves the folder.
func (s *server) start(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	s.base = "https://localhost:" + port
	settings := filepath.Join(filepath.Dir(s.dir), "wardkeep.yaml")
	if err := os.WriteFile(settings, []byte(minors), 0o600); err != nil {
		return err
	}
	s.cmd = exec.Command(s.binary, "serve", "--dir", s.dir, "--listen", address, "--config", settings)
	s.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "WARDKEEP_") }), "WARDKEEP_LOG=debug", "WARDKEEP_PERSON_RATE=0", "WARDKEEP_ADDRESS_RATE=0")
	s.cmd.Stdout, s.cmd.Stderr = &s.screen, &s.screen
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(s.exited) }()
	return s.await(ctx, address, "localhost:"+port)
}

func (s *server) await(ctx context.Context, address, host string) error {
	deadline := time.After(time.Minute)
	for {
		select {
		case <-s.exited:
			return fmt.Errorf("the server ended: %s", s.screen.bytes())
		case <-deadline:
			return fmt.Errorf("the server does not become ready: %s", s.screen.bytes())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		ca, err := os.ReadFile(filepath.Join(s.dir, "ca.pem"))
		if err != nil {
			continue
		}
		if s.dialler, err = newDialler(address, host, ca); err != nil {
			return err
		}
		l := &line{dialler: s.dialler}
		a, err := l.do(ctx, request{Method: "GET", Target: "/readyz"})
		l.close()
		if err == nil && a.Status == 200 {
			return nil
		}
	}
}

// stop ends the server as Ctrl-C does.
func (s *server) stop() error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.exited:
		return nil
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		return errors.New("the server did not end within 30 s")
	}
}

// found builds the hospital: folder, records, and the server on them.
func found(ctx context.Context, binary, dir string, w *world) (*server, error) {
	s := &server{binary: binary, dir: filepath.Join(dir, "data")}
	if _, err := s.run(ctx, "init", "--dir", s.dir, "--admin", "root", "--given", "Ada", "--family", "Admin"); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "hospital.ndjson")
	out, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.write(out), out.Close()); err != nil {
		return nil, err
	}
	var sum struct {
		Total   int               `json:"total"`
		Refused []json.RawMessage `json:"refused"`
	}
	if err := s.json(ctx, &sum, "import", file); err != nil {
		return nil, err
	}
	if want := len(w.house) + len(w.records()) + len(w.guardedRecords()) - w.consents(); sum.Total != want || len(sum.Refused) > 0 {
		return nil, fmt.Errorf("%d of %d records were filed; refused: %s", sum.Total, want, sum.Refused)
	}
	_ = os.Remove(file)
	return s, s.start(ctx)
}
