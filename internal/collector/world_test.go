package collector_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/collector"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

const tenant = "test"

// world is an audit log, and an authority for certificates.
type world struct {
	t      *testing.T
	log    *audit.Log
	store  *pebble.Store
	key    *local.Keyring
	sealer *seal.Sealer
	lines  *collector.Lines
	slog   *slog.Logger
	ca     *x509.Certificate
	caKey  *ecdsa.PrivateKey
	dir    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := pebble.OpenMemory(clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, key: local.New([32]byte{1}), lines: collector.NewLines(), dir: t.TempDir()}
	t.Cleanup(func() { _ = s.Close() })
	c := seal.Config{Tenant: tenant, Keyring: w.key, Cells: s}
	b, err := seal.Init(t.Context(), c)
	if err == nil {
		b.Time = time.Now()
		_, err = s.Commit(t.Context(), b)
	}
	if err == nil {
		w.sealer, err = seal.Open(t.Context(), c)
	}
	if err == nil {
		w.log, err = audit.Open(t.Context(), audit.Config{
			Store: s, Sealer: w.sealer, Keyring: w.key, Tenant: tenant, Server: "ward-1", IntegrateEvery: time.Millisecond, CheckpointEvery: 10 * time.Millisecond,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.log.Close(context.Background()) })
	w.slog = slog.New(w.lines.Handler(nil))
	w.ca, w.caKey = w.issue(nil, nil, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	return w
}

func (w *world) issue(parent *x509.Certificate, signer *ecdsa.PrivateKey, change func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "collector"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return cert, key
}

// files writes a certificate of the authority and its key, and returns both, too.
func (w *world) files(name string, change func(*x509.Certificate)) (certFile, keyFile string, pair tls.Certificate) {
	w.t.Helper()
	cert, key := w.issue(w.ca, w.caKey, change)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	certFile, keyFile = w.write(name+".pem", "CERTIFICATE", cert.Raw), w.write(name+".key", "PRIVATE KEY", der)
	if pair, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		w.t.Fatal(err)
	}
	return certFile, keyFile, pair
}

func (w *world) write(name, kind string, der []byte) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(w.ca)
	return pool
}

func (w *world) config(address string) collector.Config {
	return collector.Config{
		Address: address, TLS: &tls.Config{RootCAs: w.roots(), ServerName: "localhost"}, Log: w.log, Lines: w.lines,
		Clock: clock.System{}, Slog: w.slog, Settle: time.Hour, Retry: time.Millisecond,
	}
}

// start runs a sender; the function it returns ends it and waits.
func start(t *testing.T, c collector.Config) (*collector.Sender, func()) {
	t.Helper()
	s := collector.New(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

var patient = record.Key{7: 0xaa}

func (w *world) look(n int) {
	w.t.Helper()
	for range n {
		err := w.log.Append(w.t.Context(), audit.Event{
			Actor: "dr-1", Client: "portal", Session: "s1", Roles: []string{"physician"}, Action: audit.ActionRead, Purpose: "TREAT",
			RequestID: "r1", Type: "Patient", Address: "10.0.0.7", Patients: []record.Key{patient},
			Items: []audit.Item{{Key: patient, Version: 3, Name: "Patient/canary-id"}}, Query: "name=canary-query", Reason: "canary-reason", Detail: "canary-detail",
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.log.Integrate(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// received is a message as the fake collector read it.
type received struct {
	priority, version, stamp, host, app, process, id, data string
	raw, text                                              string
	entry                                                  struct {
		Index      *uint64
		Tree, Hash string
		Part       int
		Patients   []string
		Shown      []string
		Checkpoint string
	}
}

// fake is a collector: a TLS listener of this test's own, which reads frames strictly.
type fake struct {
	t        *testing.T
	listener net.Listener
	mu       sync.Mutex
	got      []received
	open     []net.Conn
	deaf     bool // takes connections and reads nothing
}

func (w *world) collect(address string, config *tls.Config) *fake {
	w.t.Helper()
	if config == nil {
		_, _, pair := w.files("server", nil)
		config = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	l, err := tls.Listen("tcp", address, config)
	if err != nil {
		w.t.Fatal(err)
	}
	f := &fake{t: w.t, listener: l}
	w.t.Cleanup(f.kill)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.open = append(f.open, c)
			f.mu.Unlock()
			go f.read(c)
		}
	}()
	return f
}

func (f *fake) address() string { return f.listener.Addr().String() }

// kill is the collector's sudden end.
func (f *fake) kill() {
	_ = f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.open {
		_ = c.(*tls.Conn).NetConn().Close()
	}
	f.open = nil
}

func (f *fake) read(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		size, err := in.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, " "))
		frame := make([]byte, max(n, 0))
		if err != nil || n == 0 || size[0] == '0' {
			f.t.Errorf("a frame begins with %q", size)
			return
		}
		if _, err := io.ReadFull(in, frame); err != nil {
			return
		}
		f.mu.Lock()
		if !f.deaf {
			f.got = append(f.got, parsed(f.t, string(frame)))
		}
		f.mu.Unlock()
	}
}

func parsed(t *testing.T, line string) received {
	part := strings.SplitN(line, " ", 7)
	if len(part) != 7 {
		t.Errorf("no syslog line: %q", line)
		return received{}
	}
	data, text, ok := "-", strings.TrimPrefix(part[6], "- "), true
	if part[6][0] == '[' {
		data, text, ok = strings.Cut(part[6], "] ")
	}
	priority, version, _ := strings.Cut(part[0], ">")
	r := received{priority: priority, version: version, stamp: part[1], host: part[2], app: part[3], process: part[4], id: part[5], data: data, text: text, raw: line}
	if err := json.Unmarshal([]byte(text), &r.entry); err != nil || !ok {
		t.Errorf("%q: %v", line, err)
	}
	return r
}

func (f *fake) all() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]received(nil), f.got...)
}

// indexes are the entries received, in order.
func (f *fake) indexes() []uint64 {
	var list []uint64
	for _, r := range f.all() {
		if r.id == "audit" {
			list = append(list, *r.entry.Index)
		}
	}
	return list
}

// until waits for what must come about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("it does not come about: %s", what)
}
