package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// rig runs the released program.
type rig struct {
	binary string
	work   string // folder for everything that is made
}

// run carries out one command and returns what it printed and the most memory
// it held, in MB.
func (r *rig) run(ctx context.Context, args ...string) ([]byte, float64, error) {
	cmd := exec.CommandContext(ctx, r.binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Start()
	if err != nil {
		return nil, 0, fmt.Errorf("wardkeep %s: %w", args[0], err)
	}
	peak := watchMemory(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return nil, 0, fmt.Errorf("wardkeep %s: %w: %s%s", args[0], err, tail(out.String()), tail(errs.String()))
	}
	return out.Bytes(), peak(), nil
}

// watchMemory looks every now and then at the most memory a process has held, in
// MB; the function it returns ends that. What wait(2) tells afterwards is of no
// use: it counts the memory of whoever started the process.
func watchMemory(pid int) (peak func() float64) {
	stop, done := make(chan struct{}), make(chan float64)
	go func() {
		most := 0.0
		for {
			if _, mb := memoryOf(pid); mb > most {
				most = mb
			}
			select {
			case <-stop:
				done <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() float64 { close(stop); return <-done }
}

func tail(s string) string { return s[max(0, len(s)-600):] }

// init makes a new hospital.
func (r *rig) init(ctx context.Context, name string) (string, error) {
	dir := filepath.Join(r.work, name)
	_, _, err := r.run(ctx, "init", "--dir", dir, "--admin", "bench", "--given", "Bench", "--family", "Mark")
	return dir, err
}

// server is a running wardkeep with a token for it.
type server struct {
	dir     string
	address string
	cmd     *exec.Cmd
	exited  chan error
	roots   *x509.CertPool
	http    *http.Client
	client  struct {
		ID       string `json:"client_id"`
		Secret   string `json:"client_secret"`
		TokenURL string `json:"token_url"`
	}
	token string
}

// serve starts the server on a data folder. Its log goes to a file beside it, as
// it would in a hospital.
func (r *rig) serve(ctx context.Context, dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, address: address, exited: make(chan error, 1)}
	s.cmd = exec.Command(r.binary, "serve", "--dir", dir, "--listen", address)
	s.cmd.Env = append(os.Environ(), "WARDKEEP_SEARCH_IN_URLS=all") // shapes are searches by GET
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.enter(ctx, r); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// startPlain builds and starts the yardstick in bench/plain.
func startPlain(ctx context.Context, source, dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "plain")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./bench/plain")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the plain index does not build: %w: %s", err, tail(string(out)))
	}
	s := &server{dir: dir, address: address, exited: make(chan error, 1), token: "none"}
	s.cmd = exec.Command(binary, "-dir", dir, "-listen", address)
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.trust(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// start starts the process and waits for the line that says it is ready.
func (s *server) start(ctx context.Context) error {
	log, err := os.Create(s.dir + ".log")
	if err != nil {
		return fmt.Errorf("the server's log cannot be made: %w", err)
	}
	defer log.Close()
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("the server cannot be started: %w", err)
	}
	ready := make(chan bool, 1)
	go func() {
		_, err := bufio.NewReader(out).ReadString('\n')
		ready <- err == nil
		_, _ = io.Copy(io.Discard, out)
		s.exited <- s.cmd.Wait()
	}()
	select {
	case ok := <-ready:
		if !ok {
			err = errors.New("the server did not start; see " + log.Name())
		}
	case <-time.After(time.Minute):
		err = errors.New("the server was not ready within a minute")
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("no free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// trust takes the authority that the server made in its folder.
func (s *server) trust() error {
	ca, err := os.ReadFile(filepath.Join(s.dir, "ca.pem"))
	if err != nil {
		return fmt.Errorf("the local authority cannot be read: %w", err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(ca)
	s.http = &http.Client{Timeout: maxWait, Transport: &http.Transport{TLSClientConfig: s.tlsConfig()}}
	return nil
}

// enter registers a program with the server and gets a token for it.
func (s *server) enter(ctx context.Context, r *rig) error {
	if err := s.trust(); err != nil {
		return err
	}
	out, _, err := r.run(ctx, "client", "add", "--dir", s.dir, "--name", "bench", "--scope", "system/*.cruds", "--secret", "--json")
	if err == nil {
		err = json.Unmarshal(out, &s.client)
	}
	if err != nil {
		return err
	}
	return s.renew(ctx)
}

func (s *server) tlsConfig(protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: s.roots, ServerName: "127.0.0.1", NextProtos: protocols}
}

// renew takes a new token. No requests may be under way.
func (s *server) renew(ctx context.Context) error {
	if s.client.ID == "" {
		return nil // it asks for none
	}
	form := url.Values{"grant_type": {"client_credentials"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.client.TokenURL, strings.NewReader(form))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.client.ID), url.QueryEscape(s.client.Secret))
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("no token: %w", err)
	}
	defer res.Body.Close()
	var token struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil || token.Token == "" {
		return fmt.Errorf("no token: status %d", res.StatusCode)
	}
	s.token = token.Token
	return nil
}

// stop ends the server as an operator does, so that it closes its store.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("the server ended with %w", err)
		}
		return nil
	case <-time.After(time.Minute):
		return errors.Join(errors.New("the server did not stop within a minute"), s.cmd.Process.Kill())
	}
}

// memory returns what the server holds now, and the most it held, in MB.
func (s *server) memory() (now, peak float64) { return memoryOf(s.cmd.Process.Pid) }

func memoryOf(pid int) (now, peak float64) {
	status := fmt.Sprintf("/proc/%d/status", pid)
	field := func(name string) float64 {
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(procField(status, name), " kB"), 64)
		return kb / 1024
	}
	return field("VmRSS"), field("VmHWM")
}

// cpu returns the processor time the server has used. The clock of /proc ticks a
// hundred times a second.
func (s *server) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}
