package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Server is a house with its doors open.
type Server struct {
	House   *House
	Version string
	Demo    bool
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
	cfg := s.House.Config
	cert, err := certificate(cfg, s.House.Clock.Now())
	if err != nil {
		return err
	}
	handler, err := s.handler()
	if err != nil {
		return err
	}
	main, err := listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	doors := []door{{newHTTPServer(handler, s.House.Slog), tls.NewListener(main, web.TLS(cert))}}
	closeAll := func() {
		for _, d := range doors {
			_ = d.listener.Close()
		}
	}
	if cfg.Redirect != "" {
		l, err := listen(ctx, cfg.Redirect)
		if err != nil {
			closeAll()
			return err
		}
		doors = append(doors, door{newHTTPServer(web.RedirectToHTTPS(cfg.Base()), s.House.Slog), l})
	}
	socket, err := listenSocket(filepath.Join(cfg.Dir, socketFile))
	if err != nil {
		closeAll()
		return err
	}
	doors = append(doors, door{s.House.socketServer(), socket})
	sweeping, stop := context.WithCancel(ctx)
	defer stop()
	go s.House.sweep(sweeping)
	s.House.Indexing.Start(ctx)
	s.House.Notifier.Start(ctx, s.House.Chart)
	s.House.Jobs.Start(ctx)
	return serveAll(ctx, doors, func() {
		if s.Ready != nil {
			s.Ready(cfg.Base())
		}
	})
}

// door is a listener and who answers there.
type door struct {
	server   *http.Server
	listener net.Listener
}

func serveAll(ctx context.Context, doors []door, ready func()) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range doors {
		group.Go(func() error {
			if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("listening ended: %w", err)
			}
			return nil
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

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
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

func certificate(cfg config.Config, now time.Time) (tls.Certificate, error) {
	if cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return cert, fmt.Errorf("tls_cert and tls_key cannot be used: %w", err)
		}
		return cert, nil
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" && !config.Loopback(cfg.Listen) {
		hosts = append(hosts, host)
	}
	if name, err := os.Hostname(); err == nil && !config.Loopback(cfg.Listen) {
		hosts = append(hosts, name)
	}
	return web.LocalCertificate(cfg.Dir, hosts, now)
}

// sweepEvery is how often postings of superseded versions and expired cells are
// cleared out, the index is put in order, and yesterday is counted.
const sweepEvery = 5 * time.Minute

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
		} {
			if err != nil && ctx.Err() == nil {
				h.Slog.ErrorContext(ctx, what, "error", err)
			}
		}
	}
}
