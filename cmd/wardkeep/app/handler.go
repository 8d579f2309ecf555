package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/smart"
	"github.com/wardkeep/wardkeep/internal/web"
)

// handler mounts every surface of the house, and what of it programs come to with
// certificates: no page, and nothing that a browser's cookie would open.
func (s *Server) handler() (all, mutual http.Handler, err error) {
	h := s.House
	base, mutualBase := h.Config.Base(), h.Config.MTLSBase()
	zone, err := time.LoadLocation(h.Config.Zone)
	if err != nil {
		return nil, nil, fmt.Errorf("zone must be an IANA time zone: %w", err)
	}
	rates, err := ratesOf(h.Config)
	if err != nil {
		return nil, nil, err
	}
	callers := web.NewCallers(rates, h.Clock, source)
	cfg := fhirhttp.Config{
		Chart: h.Chart, Authenticate: h.bearer, Base: base + "/fhir", TokenURL: base + "/oauth2/token",
		Version: s.Version, Released: h.Clock.Now(), Clock: h.Clock,
		Origins: strings.Fields(h.Config.CORSOrigins), Notifier: h.Notifier, Indexing: h.Indexing, Jobs: h.Jobs,
		AllowSource: h.Sources.Allow, AllowOrigin: h.Identity.AllowsOrigin, Pace: fhirhttp.Pace, Callers: callers, NamesInURLs: h.Config.SearchInURLs == config.SearchAll,
	}
	links := ""
	if mutualBase != "" {
		links = mutualBase + "/fhir"
	}
	api, mutualAPI, err := fhirhttp.NewAt(cfg, links)
	if err != nil {
		return nil, nil, err
	}
	h.Jobs.Register(bulk.ExportKind, &bulk.Exporter{Chart: h.Chart})
	h.Jobs.Register(bulk.ImportKind, &bulk.Receiver{
		Filing: &bulk.Filing{Chart: h.Chart, Marks: h.Vault}, Client: h.Sources, Clock: h.Clock,
	})
	var pages *portal.Portal
	tokens := smart.New(smart.Config{
		Clients: h.Identity, Issuer: base, FHIRBase: base + "/fhir", Clock: h.Clock, Source: source, Admit: callers.AdmitStranger,
		Mutual: mutualBase, Authorities: h.Config.MTLSCA != "", Certificates: web.Certificates,
		RequestID: func(r *http.Request) string { return web.EventOf(r.Context()).RequestID },
		MaySee: func(ctx context.Context, actor identity.Actor, patient string) error {
			_, err := h.Chart.Read(ctx, actor, "Patient", patient, 0)
			return err
		},
		Stop: func(w http.ResponseWriter, r *http.Request, words string) { pages.Stop(w, r, words) },
	})
	upstream, err := federation.New(federation.Config{
		Providers: h.Config.Federation, Base: base, People: h.Identity, Short: records{h.Vault}, Clock: h.Clock, Sealed: h.secret,
	})
	if err != nil {
		return nil, nil, err
	}
	pages, err = portal.New(portal.Config{
		Apps:  apps{tokens, h.Identity},
		Chart: pageChart{h.Chart}, Accounts: portal.NewAccounts(h.Identity), Drafts: h.Identity, Passkeys: h.Identity.PasskeysServed(), Own: h.Identity, People: h.Identity,
		Places: func(ctx context.Context, wards []string, practitioner string) error {
			return h.checkPlaces(ctx, newUser{Wards: wards, Practitioner: practitioner})
		},
		Callers: callers, Federation: upstream, Clock: h.Clock, Emergency: h.Chart, Book: h.Book, Numbers: numbers{h.Chart}, Purposes: h.Chart, Refusals: h.Identity, Accesses: accesses{h.Chart, h.Identity}, Consents: consents{h.Chart, h.Identity}, Shifts: h.Identity,
		Outage: h.Log.Down,
		Zone:   zone, Facility: h.Config.Facility, Demo: s.Demo, Source: source, Idle: h.Config.IdleLock, PasswordLength: h.Config.PasswordLength,
	})
	if err != nil {
		return nil, nil, err
	}
	socket := fhirhttp.Socket(cfg)
	mux := withRecords(api, socket, tokens)
	mux.Handle("/oauth2/", tokens)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.handleReady)
	mux.Handle("/", web.OwnForms(pages))
	chain := web.Config{Log: h.Slog, Clock: h.Clock, OnFault: onFault}
	if mutualAPI != nil {
		with := withRecords(mutualAPI, socket, tokens)
		for _, path := range smart.ClientPaths() {
			with.Handle(path, tokens)
		}
		mutual = hurried(web.Chain(with, chain))
	}
	return hurried(web.Chain(mux, chain)), mutual, nil
}

// withRecords mounts what is at both addresses.
func withRecords(api, socket, tokens http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/fhir", api)
	mux.Handle("/fhir/", api)
	mux.Handle("/fhir/websocket", socket)
	mux.Handle("/fhir/.well-known/", tokens)
	mux.Handle("/.well-known/", tokens)
	return mux
}

// apps shows pages what apps ask and may do.
type apps struct {
	*smart.Server
	*identity.Service
}

var _ portal.Apps = apps{}

// onFault answers for the chain in the surface's own format.
func onFault(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, "/fhir") {
		fhirhttp.Fail(w, r, err)
		return
	}
	http.Error(w, fault.Public(err), web.Status(fault.KindOf(err)))
}

// bearer authenticates a request to the API.
func (h *House) bearer(r *http.Request) (chart.Actor, error) {
	if err := h.down(); err != nil {
		return chart.Actor{}, err
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return chart.Actor{}, fault.New(fault.Unauthenticated, "app.bearer", "Send a bearer token; /fhir/.well-known/smart-configuration says where to get one.")
	}
	return h.Identity.Authenticate(r.Context(), strings.TrimSpace(token), originOf(r))
}

// originOf says where a request came from, for throttles and the audit log.
func originOf(r *http.Request) identity.Origin {
	return identity.Origin{Source: source(r), RequestID: web.EventOf(r.Context()).RequestID, Certificates: web.Certificates(r)}
}

// source is the network address of the connection. Forwarding headers are not
// believed: whoever sends them may write what he likes.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// handleReady answers 200 once store, keys and audit can be used.
func (h *House) handleReady(w http.ResponseWriter, r *http.Request) {
	if err := h.down(); err != nil {
		web.EventOf(r.Context()).Fail(err)
		http.Error(w, "the audit log cannot be used", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
