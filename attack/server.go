package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	tenant            string // whose folder it is: of several, each has its own address
	*dialler
	mutual    *dialler   // where programs show certificates
	authority *authority // that the house believes of programs
	*process
}

// process is what all houses share.
type process struct {
	cmd      *exec.Cmd
	provider *provider
	screen   screen
	exited   chan struct{}
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
	cmd := exec.CommandContext(ctx, s.binary, append(args, "--tenant", s.tenant)...)
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

// await waits until the house answers.
func (s *server) await(ctx context.Context, address, mutual string) error {
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
		if s.dialler, err = newDialler(address, s.base, ca); err != nil {
			return err
		}
		if s.mutual, err = newDialler(mutual, s.base, ca); err != nil {
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
func (s *process) stop() error {
	if s.provider != nil {
		defer s.provider.Close()
	}
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

// settle fills the house's folder with its records.
func (s *server) settle(ctx context.Context, w *world) error {
	if _, err := s.run(ctx, "init", "--dir", s.dir, "--admin", "root", "--given", "Ada", "--family", "Admin"); err != nil {
		return err
	}
	file := filepath.Join(filepath.Dir(s.dir), "hospital.ndjson")
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(w.write(out), out.Close()); err != nil {
		return err
	}
	var sum struct {
		Total   int               `json:"total"`
		Refused []json.RawMessage `json:"refused"`
	}
	if err := s.json(ctx, &sum, "import", file); err != nil {
		return err
	}
	if want := len(w.house) + len(w.records()) + len(w.guardedRecords()) - w.consents(); sum.Total != want || len(sum.Refused) > 0 {
		return fmt.Errorf("%d of %d records were filed; refused: %s", sum.Total, want, sum.Refused)
	}
	return os.Remove(file)
}
