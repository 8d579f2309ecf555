package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
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

// message is a whole notification: a history Bundle of the status and, if asked
// for, of what happened.
func (m *Manager) message(s *spec, kind kindOf, number uint64, res *chart.Resource, now time.Time) ([]byte, error) {
	var about []object
	if kind == event {
		part := []object{
			{"name": "event-number", "valueString": strconv.FormatUint(number, 10)},
			{"name": "timestamp", "valueInstant": now.UTC().Format(time.RFC3339Nano)},
		}
		if s.content != Empty {
			part = append(part, object{"name": "focus", "valueReference": object{"reference": m.base + "/" + res.TypeID.Type + "/" + res.TypeID.ID}})
		}
		about = append(about, object{"name": "notification-event", "part": part})
	}
	state := "active"
	if kind == handshake {
		state = "requested"
	}
	status, err := m.status(s, state, kind, number, "", about...)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := fhir.NewBundleWriter(&out, fhir.BundleHead{Type: "history", Timestamp: now, Total: -1})
	w.Entry(fhir.EntryHead{
		FullURL: m.base + "/Subscription/" + s.id + "/$status", Method: "GET", URL: "Subscription/" + s.id + "/$status", Status: "200",
	}, status)
	if kind == event && s.content != Empty {
		head := fhir.EntryHead{
			FullURL: m.base + "/" + res.TypeID.Type + "/" + res.TypeID.ID,
			Method:  "PUT", URL: res.TypeID.Type + "/" + res.TypeID.ID, Status: "200",
		}
		if res.Version == 1 {
			head.Method, head.URL, head.Status = "POST", res.TypeID.Type, "201"
		}
		var body []byte
		if s.content == Full {
			body = res.JSON()
		}
		w.Entry(head, body)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("notify.message: %w", err)
	}
	return out.Bytes(), nil
}
