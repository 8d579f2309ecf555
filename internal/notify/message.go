package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

type object map[string]any

// kindOf a notification, as the status resource says it.
type kindOf string

const (
	handshake kindOf = "handshake"
	heartbeat kindOf = "heartbeat"
	event     kindOf = "event-notification"
	asked     kindOf = "query-status"
	askedOf   kindOf = "query-event"
)

// status is the Parameters resource that stands first in every notification
// (Backport 1.1.0, backport-subscription-status-r4).
func (m *Manager) status(s *spec, state string, kind kindOf, events uint64, failure string, about ...object) ([]byte, error) {
	params := []object{
		{"name": "subscription", "valueReference": object{"reference": m.base + "/Subscription/" + s.id}},
	}
	if s.topic != "" {
		params = append(params, object{"name": "topic", "valueCanonical": s.topic})
	}
	params = append(params,
		object{"name": "status", "valueCode": state},
		object{"name": "type", "valueCode": string(kind)},
		object{"name": "events-since-subscription-start", "valueString": strconv.FormatUint(events, 10)},
	)
	params = append(params, about...)
	if failure != "" {
		params = append(params, object{"name": "error", "valueCodeableConcept": object{"text": failure}})
	}
	out, err := json.Marshal(object{
		"resourceType": "Parameters", "meta": object{"profile": []string{profileStatus}}, "parameter": params,
	})
	if err != nil {
		return nil, fmt.Errorf("notify.status: %w", err)
	}
	return out, nil
}

// happening is one event that is told of. res is nil where no record is to be named.
type happening struct {
	number uint64
	at     time.Time
	res    *chart.Resource
}

// part tells of an event in the status resource.
func (m *Manager) part(h happening) object {
	list := []object{{"name": "event-number", "valueString": strconv.FormatUint(h.number, 10)}}
	if !h.at.IsZero() {
		list = append(list, object{"name": "timestamp", "valueInstant": h.at.UTC().Format(time.RFC3339Nano)})
	}
	if h.res != nil {
		list = append(list, object{"name": "focus", "valueReference": object{"reference": m.base + "/" + h.res.TypeID.Type + "/" + h.res.TypeID.ID}})
	}
	return object{"name": "notification-event", "part": list}
}

// message is a notification: a history Bundle of the status and, if asked for, of
// what happened.
func (m *Manager) message(s *spec, kind kindOf, number uint64, res *chart.Resource, now time.Time) ([]byte, error) {
	var events []happening
	if kind == event {
		if s.content == Empty {
			res = nil
		}
		events = append(events, happening{number, now, res})
	}
	state := "active"
	if kind == handshake {
		state = "requested"
	}
	return m.bundle(s, state, kind, number, "", events, s.content, now)
}

// bundle writes a status and the events it tells of.
func (m *Manager) bundle(s *spec, state string, kind kindOf, number uint64, failure string, events []happening, content Content, now time.Time) ([]byte, error) {
	var about []object
	for _, h := range events {
		about = append(about, m.part(h))
	}
	status, err := m.status(s, state, kind, number, failure, about...)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := fhir.NewBundleWriter(&out, fhir.BundleHead{Type: "history", Timestamp: now, Total: -1})
	w.Entry(fhir.EntryHead{
		FullURL: m.base + "/Subscription/" + s.id + "/$status", Method: "GET", URL: "Subscription/" + s.id + "/$status", Status: "200",
	}, status)
	for _, h := range events {
		if h.res != nil {
			m.entry(w, h.res, content)
		}
		if out.Len() > maxBundle {
			return nil, fault.New(fault.TooCostly, "notify.bundle", "So many events are too much for one answer. Ask for fewer, or for their ids only.")
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("notify.bundle: %w", err)
	}
	return out.Bytes(), nil
}

// entry adds the record of an event.
func (m *Manager) entry(w *fhir.BundleWriter, res *chart.Resource, content Content) {
	head := fhir.EntryHead{
		FullURL: m.base + "/" + res.TypeID.Type + "/" + res.TypeID.ID,
		Method:  "PUT", URL: res.TypeID.Type + "/" + res.TypeID.ID, Status: "200",
	}
	if res.Version == 1 {
		head.Method, head.URL, head.Status = "POST", res.TypeID.Type, "201"
	}
	var body []byte
	if content == Full {
		body = res.JSON()
	}
	w.Entry(head, body)
}
