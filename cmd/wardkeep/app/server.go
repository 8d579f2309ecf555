package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wardkeep/wardkeep/internal/collector"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Server is a house with its doors open.
type Server struct {
	House   *House
	Version string
	Demo    bool
	Lines   *collector.Lines // of the log, that wait for the collector; nil: none
	// Ready is called with the base address once requests are answered.
	Ready func(base string)
}

const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 2 * time.Minute
	writeTimeout      = 5 * time.Minute
	idleTimeout       = 2 * time.Minute
	drainTimeout      = 10 * time.Second
	maxHeader         = 32 << 10
)

// Run serves until ctx ends, lets requests under way finish, and returns.
func (s *Server) Run(ctx context.Context) error {
	tuneCollector(heapLimit)
	spareThread()
	if err := s.House.wantSpool(ctx); err != nil {
		return err
	}
	cfg := s.House.Config
	keeper, err := s.House.keeper()
	if err != nil {
		return err
	}
	handler, mutual, err := s.handler()
	if err != nil {
		return err
	}
	endLogs, err := s.House.sendLogs(ctx, s.Lines)
	if err != nil {
		return err
	}
	defer endLogs()
	var doors []door
	closeAll := func() {
		for _, d := range doors {
			_ = d.listener.Close()
		}
	}
	main, err := listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	doors = append(doors, door{server: newHTTPServer(handler, s.House.Slog, slog.LevelDebug), listener: tls.NewListener(main, keeper.TLS())})
	if cfg.MTLSListen != "" {
		l, err := listen(ctx, cfg.MTLSListen)
		if err != nil {
			closeAll()
			return err
		}
		doors = append(doors, door{server: newHTTPServer(mutual, s.House.Slog, slog.LevelInfo), listener: tls.NewListener(l, web.MutualTLS(keeper.Certificate))})
	}
	if cfg.Redirect != "" {
		l, err := listen(ctx, cfg.Redirect)
		if err != nil {
			closeAll()
			return err
		}
		doors = append(doors, door{server: newHTTPServer(redirectTo(cfg), s.House.Slog, slog.LevelDebug), listener: l})
	}
	socket, err := listenSocket(filepath.Join(cfg.Dir, socketFile))
	if err != nil {
		closeAll()
		return err
	}
	doors = append(doors, door{server: s.House.socketServer(), listener: socket})
	defer s.House.begin(ctx)()
	return serveAll(ctx, doors, func() {
		if s.Ready != nil {
			s.Ready(cfg.Base())
		}
	})
}

// begin starts what a house does by itself; end stops the sweeping of its store.
func (h *House) begin(ctx context.Context) (end func()) {
	h.tellChoices(ctx)
	sweeping, end := context.WithCancel(ctx)
	go h.sweep(sweeping)
	go h.settles(sweeping)
	if keeper, err := h.keeper(); err == nil { // it was opened before
		go h.keepCertificate(sweeping, keeper)
	}
	h.Indexing.Start(ctx)
	h.Notifier.Start(ctx, h.Chart)
	h.Jobs.Start(ctx)
	h.Keys.Start(ctx)
	return end
}

// redirectTo leads people who came by plain HTTP to where they are served.
func redirectTo(cfg config.Config) http.Handler {
	return web.RedirectToHTTPS(cfg.Base(), "/fhir", "/oauth2", "/.well-known", "/healthz", "/readyz")
}

// door is a listener and who answers there.
type door struct {
	server   *http.Server
	listener net.Listener
	only     *slog.Logger // of one tenant: if it fails, the others stay open
}

func serveAll(ctx context.Context, doors []door, ready func()) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range doors {
		group.Go(func() error {
			err := d.server.Serve(d.listener)
			switch {
			case errors.Is(err, http.ErrServerClosed):
				return nil
			case d.only != nil:
				d.only.ErrorContext(ctx, "the admin socket cannot be used any more", "error", err)
				return nil
			}
			return fmt.Errorf("listening ended: %w", err)
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		for _, d := range doors {
			if err := d.server.Shutdown(drain); err != nil {
				_ = d.server.Close()
			}
		}
		return nil
	})
	ready()
	return group.Wait()
}

// newHTTPServer tells the log of connections that come to nothing, at a level: where
// programs prove themselves by certificates those are attempts to sign in, elsewhere noise.
func newHTTPServer(h http.Handler, log *slog.Logger, failed slog.Level) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), failed),
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: is something else running there? Choose another address by --listen", address)
	}
	return l, nil
}

// keeper returns who keeps the server's certificate.
func (h *House) keeper() (*web.Keeper, error) {
	h.keeping.Lock()
	defer h.keeping.Unlock()
	if h.kept != nil {
		return h.kept, nil
	}
	keys := h.keys()
	if keys.ACME != nil {
		if err := keys.ACME.Check(); err != nil {
			return nil, err
		}
	}
	var err error
	h.kept, err = keys.Open(h.Clock.Now())
	return h.kept, err
}

// keys are those of the house, which can be opened.
func (h *House) keys() web.Keys {
	keys := keysOf(h.Config)
	keys.Safe = h.safe
	if keys.ACME != nil {
		keys.ACME.Safe, keys.ACME.Secret = h.safe, func() (string, error) { return h.Config.ACME.Secret(h.secret) }
	}
	return keys
}

// keysOf says where certificate and keys lie, and what the server's own certificate
// is for.
func keysOf(cfg config.Config) web.Keys {
	var hosts []string
	if !cfg.Shared { // a tenant's certificate is for its own names alone
		hosts = ofMachine(cfg)
	}
	for _, base := range []string{cfg.BaseURL, cfg.MTLSBaseURL} {
		if u, err := url.Parse(base); err == nil && u.Hostname() != "" && !slices.Contains(hosts, u.Hostname()) {
			hosts = append(hosts, u.Hostname())
		}
	}
	return web.Keys{Dir: cfg.Dir, Hosts: hosts, CertFile: cfg.TLSCert, KeyFile: secretPath(cfg, cfg.TLSKey), NextFile: cfg.TLSNextKey, ACME: acmeOf(cfg), LeastRSA: cfg.LeastRSA}
}

// ofMachine are the names of a server that has the machine to itself.
func ofMachine(cfg config.Config) []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" && !config.Loopback(cfg.Listen) {
		hosts = append(hosts, host)
	}
	if name, err := os.Hostname(); err == nil && !config.Loopback(cfg.Listen) {
		hosts = append(hosts, name)
	}
	return hosts
}

// sweepEvery is how often postings of superseded versions and expired cells are
// cleared out, the index is put in order, and yesterday is counted.
const sweepEvery = 5 * time.Minute

// settleRefusals tells the log what was counted before it closes.
func (h *House) settleRefusals(ctx context.Context) error {
	if h.Identity == nil {
		return nil
	}
	return h.Identity.SettleRefusals(ctx, true)
}

func (h *House) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, swept := h.Store.Sweep(ctx)
		for what, err := range map[string]error{
			"the sweep failed": swept, "the index could not be put in order": h.Store.Tidy(ctx), "yesterday could not be counted": h.tallyYesterday(ctx),
			"refusals could not be counted": h.Identity.SettleRefusals(ctx, false),
		} {
			if err != nil && ctx.Err() == nil {
				h.Slog.ErrorContext(ctx, what, "error", err)
			}
		}
	}
}
