package fhirhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/notify"
	"github.com/wardkeep/wardkeep/internal/reindex"
)

// subscriptionRoutes are the operations of the Subscriptions R5 Backport guide.
func (s *server) subscriptionRoutes() []route {
	if s.Notifier == nil {
		return nil
	}
	const defs = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
	status := &operation{name: "status", definition: defs + "status"}
	token := &operation{name: "get-ws-binding-token", definition: defs + "get-ws-binding-token"}
	look := []string{authz.Read}
	return []route{
		{method: "GET", pattern: "Subscription/{id}/$status", op: status, asks: look, serve: s.handleSubscriptionStatus},
		{method: "GET", pattern: "Subscription/$status", op: status, asks: look, serve: s.handleSubscriptionStatus},
		{method: "GET", pattern: "Subscription/{id}/$get-ws-binding-token", op: token, asks: look, serve: s.handleBindingToken},
	}
}

// handleSubscriptionStatus answers for one Subscription, or for those that id
// names.
func (s *server) handleSubscriptionStatus(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	ids := q.all("id")
	if id := r.PathValue("id"); id != "" {
		ids = []string{id}
	}
	if err := q.only(r, "id"); err != nil {
		return err
	}
	if len(ids) == 0 || len(ids) > 100 {
		return fault.New(fault.Invalid, "fhirhttp.handleSubscriptionStatus", "Name 1 to 100 Subscriptions by id=….")
	}
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, fhir.BundleHead{Type: "searchset", Timestamp: s.Clock.Now(), Total: int64(len(ids))})
	for _, id := range ids {
		status, err := s.Notifier.Status(r.Context(), actor, strings.TrimPrefix(id, "Subscription/"))
		if err != nil {
			return err
		}
		b.Entry(fhir.EntryHead{Mode: "match"}, status)
	}
	if err := b.Close(); err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.handleSubscriptionStatus", err)
	}
	writeResource(w, r, http.StatusOK, out.Bytes())
	return nil
}

func (s *server) handleBindingToken(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	token, expires, err := s.Notifier.Token(r.Context(), actor, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeParameters(w, r,
		object{"name": "token", "valueString": token},
		object{"name": "expiration", "valueDateTime": expires.UTC().Format(time.RFC3339)},
		object{"name": "subscription", "valueString": r.PathValue("id")},
		object{"name": "websocket-url", "valueUrl": s.socketURL()},
	)
}

func (s *server) socketURL() string {
	return "wss" + strings.TrimPrefix(s.Base, "https") + "/websocket"
}

func writeParameters(w http.ResponseWriter, r *http.Request, params ...object) error {
	out, err := json.Marshal(object{"resourceType": "Parameters", "parameter": params})
	if err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.writeParameters", err)
	}
	writeResource(w, r, http.StatusOK, out)
	return nil
}

// indexRoutes tell how far a SearchParameter is that was stored while the server
// runs. The operation is this server's own.
func (s *server) indexRoutes() []route {
	if s.Indexing == nil {
		return nil
	}
	op := &operation{name: "index-status", definition: s.Base + "/OperationDefinition/SearchParameter-index-status"}
	return []route{{
		method: "GET", pattern: "SearchParameter/{id}/$index-status", op: op, asks: []string{authz.Read}, serve: s.handleIndexStatus,
	}}
}

// handleIndexStatus tells no numbers of records: an expression can ask anything
// of them, and how many it found would be the answer, whoever may see none.
func (s *server) handleIndexStatus(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	id := r.PathValue("id")
	if _, err := s.Chart.Read(r.Context(), actor, "SearchParameter", id, 0); err != nil {
		return err
	}
	status, err := s.Indexing.Status(r.Context(), id)
	if err != nil {
		return err
	}
	params := []object{
		{"name": "state", "valueCode": string(status.State)},
		{"name": "code", "valueCode": status.Code},
		{"name": "searchable", "valueBoolean": status.State == reindex.Ready},
		{"name": "started", "valueInstant": status.Started.UTC().Format(time.RFC3339Nano)},
	}
	if status.Reason != "" {
		params = append(params, object{"name": "reason", "valueString": status.Reason})
	}
	if !status.Finished.IsZero() {
		params = append(params, object{"name": "finished", "valueInstant": status.Finished.UTC().Format(time.RFC3339Nano)})
	}
	return writeParameters(w, r, params...)
}

// Bounds of a web socket.
const (
	socketMessage = 1024
	socketSilence = 30 * time.Second // before a socket that is bound to nothing is closed
	socketBinds   = 50
	maxStrangers  = 200 // sockets at a time that came without an access token
	maxSockets    = 2000
)

// Socket returns the end of web sockets, to be mounted at /fhir/websocket. A
// socket binds itself by a token of $get-ws-binding-token, or, if it came with an
// access token, to Subscriptions of its actor by their ids (FHIR R4,
// Subscription, channel websocket).
func Socket(cfg Config) http.Handler {
	strangers, known := make(places, maxStrangers), make(places, maxSockets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var actor chart.Actor
		room := strangers
		if r.Header.Get("Authorization") != "" {
			var err error
			if actor, err = cfg.Authenticate(r); err != nil {
				Fail(w, r, err)
				return
			}
			room = known
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			Fail(w, r, fault.New(fault.Throttled, "fhirhttp.Socket", "Too many web sockets are open. Try again later, or with an access token."))
			return
		}
		opt := &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}
		for _, origin := range cfg.Origins {
			opt.OriginPatterns = append(opt.OriginPatterns, strings.TrimPrefix(origin, "https://"))
		}
		conn, err := websocket.Accept(w, r, opt)
		if err != nil {
			return // Accept has answered
		}
		conn.SetReadLimit(socketMessage)
		c := socket{conn: conn, notifier: cfg.Notifier, actor: actor}
		err = c.serve(r.Context())
		_ = conn.Close(closeCode(err), "")
	})
}

func closeCode(err error) websocket.StatusCode {
	switch {
	case err == nil:
		return websocket.StatusNormalClosure
	case errors.Is(err, context.DeadlineExceeded), fault.Is(err, fault.Denied), fault.Is(err, fault.NotFound), fault.Is(err, fault.Invalid):
		return websocket.StatusPolicyViolation
	}
	return websocket.StatusInternalError
}

// socket is one connection.
type socket struct {
	conn     *websocket.Conn
	notifier *notify.Manager
	actor    chart.Actor
	told     chan []byte
}

func (c *socket) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.told = make(chan []byte)
	commands := make(chan string)
	go func() {
		for {
			_, text, err := c.conn.Read(ctx)
			if err != nil {
				cancel(err)
				return
			}
			select {
			case commands <- string(text):
			case <-ctx.Done():
				return
			}
		}
	}()
	silence := time.NewTimer(socketSilence)
	defer silence.Stop()
	binds := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-silence.C:
			if binds == 0 {
				return context.DeadlineExceeded
			}
		case text := <-c.told:
			if text == nil {
				return nil // too slow, or the Subscription ended
			}
			if err := c.write(ctx, text); err != nil {
				return err
			}
		case command := <-commands:
			if binds++; binds > socketBinds {
				return fault.New(fault.Invalid, "fhirhttp.socket", "")
			}
			if err := c.bind(ctx, command); err != nil {
				return err
			}
		}
	}
}

func (c *socket) write(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, text)
}

// bind carries out "bind ID" or "bind-with-token TOKEN".
func (c *socket) bind(ctx context.Context, command string) error {
	verb, rest, _ := strings.Cut(strings.TrimSpace(command), " ")
	var told <-chan []byte
	var unbind func()
	var err error
	switch id := rest; verb {
	case "bind":
		if told, unbind, err = c.notifier.Bind(ctx, c.actor, strings.TrimPrefix(id, "Subscription/")); err == nil {
			if err = c.write(ctx, []byte("bound "+id)); err != nil {
				unbind()
			}
		}
	case "bind-with-token":
		_, told, unbind, err = c.notifier.Redeem(rest)
	default:
		return fault.New(fault.Invalid, "fhirhttp.bind", "")
	}
	if err != nil {
		return err
	}
	go func() {
		defer unbind()
		for {
			select {
			case <-ctx.Done():
				return
			case text, open := <-told:
				if !open {
					text = nil
				}
				select {
				case c.told <- text:
				case <-ctx.Done():
					return
				}
				if !open {
					return
				}
			}
		}
	}()
	return nil
}
