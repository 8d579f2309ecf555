package fhirhttp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/notify"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Bounds of a web socket.
const (
	socketMessage = 1024
	knownSilence  = 30 * time.Second // before a socket that is bound to nothing is closed
	silence       = 5 * time.Second  // the same, if it came without an access token
	socketBinds   = 50
	maxTokenFor   = socketBinds // Subscriptions of one token
	maxStrangers  = 200         // sockets at a time that came without an access token
	maxNeighbours = 8           // of them, bound to nothing yet, from one network
	maxSockets    = 2000
)

// Socket returns the end of web sockets, to be mounted at /fhir/websocket. A
// socket binds itself by a token of $get-ws-binding-token, or, if it came with an
// access token, to Subscriptions of its actor by their ids (FHIR R4,
// Subscription, channel websocket).
func Socket(cfg Config) http.Handler {
	strangers, known, near := make(places, maxStrangers), make(places, maxSockets), newNeighbours()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ofOurPages(r, cfg.Origins) {
			Fail(w, r, fault.New(fault.Denied, "fhirhttp.Socket", "Pages of this origin may not open web sockets here."))
			return
		}
		c := socket{notifier: cfg.Notifier, silence: silence, bound: func() {}, certificate: web.Thumbprint(r)}
		room := strangers
		if r.Header.Get("Authorization") != "" {
			var err error
			if c.actor, err = cfg.authenticate(r); err != nil {
				Fail(w, r, err)
				return
			}
			room, c.silence = known, knownSilence
		} else {
			var ok bool
			if c.bound, ok = near.enter(peer(r)); !ok {
				Fail(w, r, fault.New(fault.Throttled, "fhirhttp.Socket", "Too many web sockets of your network are bound to nothing. Bind those first, or come with an access token."))
				return
			}
			defer c.bound()
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			Fail(w, r, fault.New(fault.Throttled, "fhirhttp.Socket", "Too many web sockets are open. Try again later, or with an access token."))
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled, OriginPatterns: []string{"*"}}) // origins were compared above
		if err != nil {
			return // Accept has answered
		}
		conn.SetReadLimit(socketMessage)
		c.conn = conn
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil) // not before Close: a reading that is cancelled takes the connection with it, and the reason
		err = c.serve(ctx, cancel)
		_ = conn.Close(closeCode(err), "")
	})
}

// ofOurPages reports whether no page asks, or one of this server or of the origins that
// were named. Schemes are compared, which the library does not: a page that came by
// plain HTTP may be anybody's.
func ofOurPages(r *http.Request, origins []string) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || strings.EqualFold(origin, "https://"+r.Host) || slices.Contains(origins, origin)
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
	silence  time.Duration
	bound    func() // is called once it is bound to something

	certificate string // thumbprint of the connection's, "" if none
}

// serve carries out commands until ctx ends, which cancel MUST end.
func (c *socket) serve(ctx context.Context, cancel context.CancelCauseFunc) error {
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
	silence := time.NewTimer(c.silence)
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
			c.bound()
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
	var list []notify.Bound
	var err error
	switch id := rest; verb {
	case "bind":
		var one notify.Bound
		if one.Told, one.Unbind, err = c.notifier.Bind(ctx, c.actor, strings.TrimPrefix(id, "Subscription/")); err == nil {
			if err = c.write(ctx, []byte("bound "+id)); err != nil {
				one.Unbind()
			}
			list = append(list, one)
		}
	case "bind-with-token":
		list, err = c.notifier.Redeem(rest, c.certificate)
	default:
		return fault.New(fault.Invalid, "fhirhttp.bind", "")
	}
	if err != nil {
		return err
	}
	for _, one := range list {
		go c.pass(ctx, one)
	}
	return nil
}

// pass hands on what a Subscription tells.
func (c *socket) pass(ctx context.Context, from notify.Bound) {
	defer from.Unbind()
	for {
		select {
		case <-ctx.Done():
			return
		case text, open := <-from.Told:
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
}
