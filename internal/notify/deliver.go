package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
)

// errDelivery is all that is said of an endpoint that does not take a
// notification: what it answered may hold anything.
var errDelivery = errors.New("the endpoint did not take the notification")

// post sends one notification to a rest-hook. One of a topic is a Bundle that is
// posted; one of plain R4 is an empty POST, or the record, put below the endpoint
// (FHIR R4, Subscription, channel rest-hook).
func (m *Manager) post(ctx context.Context, s *spec, kind kindOf, number uint64, res *chart.Resource) error {
	method, address, body := http.MethodPost, s.endpoint, []byte(nil)
	switch {
	case s.topic != "":
		var err error
		if body, err = m.message(s, kind, number, res, m.clock.Now()); err != nil {
			return err
		}
	case kind != event:
		return nil // plain R4 knows neither handshake nor heartbeat
	case s.mime != "":
		method, body = http.MethodPut, res.JSON()
		address = strings.TrimSuffix(address, "/") + "/" + res.TypeID.Type + "/" + res.TypeID.ID
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify.post: %w", errDelivery)
	}
	for _, h := range s.headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	answer, err := m.client.Do(r)
	if err != nil {
		return fmt.Errorf("notify.post: %w", errDelivery)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
	if err := answer.Body.Close(); err != nil || answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("notify.post: status %d: %w", answer.StatusCode, errDelivery)
	}
	return nil
}

// send sends a notification once.
func (m *Manager) send(ctx context.Context, s *spec, kind kindOf, number uint64, res *chart.Resource) error {
	if s.socket {
		return m.sockets.send(ctx, m, s, kind, number, res)
	}
	return m.post(ctx, s, kind, number, res)
}

// insist calls deliver again and again with growing pauses, until the endpoint
// takes what it sends or patience ends. deliver MUST decide anew what may be sent:
// an hour may lie between two tries.
func (m *Manager) insist(ctx context.Context, deliver func() error) error {
	pause := m.pause
	for try := 1; ; try++ {
		err := deliver()
		if !errors.Is(err, errDelivery) || ctx.Err() != nil || try == m.tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Minute)
	}
}
