package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/collector"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Tenants are several houses behind one set of doors. Each has its own folder, keys,
// store, log, people and limits; which of them a request is for is decided by host name.
type Tenants struct {
	Config  config.Config
	Slog    *slog.Logger
	Version string
	// Successor is declared for the log of the tenant Restored, and of no other.
	Successor *audit.Decision
	Restored  string
	// Ready is called with each tenant's address once requests are answered.
	Ready func(base string)
}

// tenant is one of them: open, or out of service.
type tenant struct {
	cfg         config.Config
	log         *slog.Logger
	house       *House // nil: out of service
	socket      door
	all, mutual http.Handler
	certificate func() *tls.Certificate
	answer      func(*tls.ClientHelloInfo) (*tls.Config, error)
	lines       *collector.Lines
	endLogs     func()
}

// Run serves all that open until ctx ends. It fails if none does.
func (s *Tenants) Run(ctx context.Context) error {
	tuneCollector(heapLimit * int64(len(s.Config.Tenants)))
	spareThread()
	list, err := s.open(ctx)
	defer closeTenants(ctx, list)
	if err != nil {
		return err
	}
	doors, err := s.doors(ctx, list)
	if err != nil {
		return err
	}
	for _, t := range list {
		if t.house != nil {
			doors = append(doors, t.socket)
			defer t.endLogs()
			defer t.house.begin(ctx)()
		}
	}
	return serveAll(ctx, doors, func() {
		for _, t := range list {
			if s.Ready != nil && t.house != nil {
				s.Ready(t.cfg.Base())
			}
		}
	})
}

func (s *Tenants) open(ctx context.Context) ([]*tenant, error) {
	var list []*tenant
	var failed []error
	roots := map[string]string{}
	for _, cfg := range s.Config.Tenants {
		log, lines := withLines(s.Slog, cfg)
		t := &tenant{cfg: cfg, log: log.With("tenant", cfg.Tenant), lines: lines}
		var opt Options
		if cfg.Tenant == s.Restored {
			opt.Successor = s.Successor
		}
		if err := t.open(ctx, opt, s.Version, roots); err != nil {
			t.log.ErrorContext(ctx, "this tenant is out of service until the server is started anew", "error", err)
			failed = append(failed, fmt.Errorf("tenant %s: %s", cfg.Tenant, errorText(err)))
			t.outOfService(ctx)
		}
		list = append(list, t)
	}
	if len(failed) == len(list) {
		return list, fmt.Errorf("no tenant can be served: %w", errors.Join(failed...))
	}
	return list, nil
}

// open opens the tenant's house, its socket among it, or leaves nothing open. roots
// are the keys that those before sign by, which stay when a root key is replaced, and what
// their roots are called: two of one service's key sign by keys of their own.
func (t *tenant) open(ctx context.Context, opt Options, version string, roots map[string]string) (err error) {
	if err := cmp.Or(mayServe(t.cfg), t.cfg.CheckServing()); err != nil {
		return err
	}
	house, err := OpenHouse(ctx, t.cfg, t.log, opt)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAfter(ctx, house, nil))
		}
	}()
	signs, root := string(house.Keyring.Public()), house.Keyring.ID()
	if other := cmp.Or(roots[signs], roots[root]); other != "" {
		return fmt.Errorf("its root key is that of tenant %s: give each its own", other)
	}
	keeper, err := house.keeper()
	if err != nil {
		return err
	}
	if t.all, t.mutual, err = (&Server{House: house, Version: version}).handler(); err != nil {
		return err
	}
	listener, err := listenSocket(filepath.Join(t.cfg.Dir, socketFile))
	if err != nil {
		return err
	}
	if t.endLogs, err = house.sendLogs(ctx, t.lines); err != nil {
		return errors.Join(err, listener.Close())
	}
	t.house, t.certificate, t.answer, t.socket = house, keeper.Certificate, keeper.Answer, door{house.socketServer(), listener, t.log}
	roots[signs], roots[root] = t.cfg.Tenant, t.cfg.Tenant
	return nil
}

// outOfService answers 503 to whoever asks for the tenant, by its certificate if that
// can be read. Nothing is made in a folder that may be the wrong one.
func (t *tenant) outOfService(ctx context.Context) {
	pair, err := t.pair(ctx)
	t.certificate = func() *tls.Certificate {
		if err != nil {
			return nil
		}
		return &pair
	}
	t.all = web.Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := fault.New(fault.Unavailable, "app.outOfService", "This service cannot be used at the moment.")
		web.EventOf(r.Context()).Fail(err)
		onFault(w, r, err)
	}), web.Config{Log: t.log, Clock: clock.System{}})
	t.mutual = t.all
}

// pair is the certificate of a tenant that is out of service, if its root opens the key.
func (t *tenant) pair(ctx context.Context) (tls.Certificate, error) {
	keys := keysOf(t.cfg)
	var err error
	if keys.Safe, err = openSafe(ctx, t.cfg); err != nil {
		return tls.Certificate{}, err
	}
	return keys.Pair()
}

// doors opens the listeners that all tenants share.
func (s *Tenants) doors(ctx context.Context, list []*tenant) (doors []door, err error) {
	all, mutual, plain := web.Hosts{}, web.Hosts{}, web.Hosts{}
	for _, t := range list {
		all[hostOf(t.cfg.Base())] = web.Site{Handler: t.all, Certificate: t.certificate, Answer: t.answer}
		plain[hostOf(t.cfg.Base())] = web.Site{Handler: redirectTo(t.cfg)}
		if t.mutual != nil && s.Config.MTLSListen != "" {
			mutual[hostOf(t.cfg.MTLSBase())] = web.Site{Handler: t.mutual, Certificate: t.certificate}
		}
	}
	defer func() {
		if err != nil {
			for _, d := range doors {
				_ = d.listener.Close()
			}
		}
	}()
	chain := web.Config{Log: s.Slog, Clock: clock.System{}}
	for _, one := range []struct {
		address string
		tls     *tls.Config
		handler http.Handler
		failed  slog.Level
	}{
		{s.Config.Listen, all.TLS(), all.Encrypted(chain), slog.LevelDebug},
		{s.Config.MTLSListen, mutual.MutualTLS(), mutual.Encrypted(chain), slog.LevelInfo},
		{s.Config.Redirect, nil, plain.Plain(chain), slog.LevelDebug},
	} {
		if one.address == "" {
			continue
		}
		l, err := listen(ctx, one.address)
		if err != nil {
			return doors, err
		}
		if one.tls != nil {
			l = tls.NewListener(l, one.tls)
		}
		doors = append(doors, door{server: newHTTPServer(one.handler, s.Slog, one.failed), listener: l})
	}
	return doors, nil
}

// hostOf is the host name of an address that was checked.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// closeTenants writes each log's last checkpoint, all at once.
func closeTenants(ctx context.Context, list []*tenant) {
	var all sync.WaitGroup
	for _, t := range list {
		if t.house != nil {
			all.Go(func() {
				_ = t.socket.listener.Close() // nobody answers there if no door could be opened
				if err := closeAfter(ctx, t.house, nil); err != nil {
					t.log.ErrorContext(ctx, "this tenant was not closed well", "error", err)
				}
			})
		}
	}
	all.Wait()
}
