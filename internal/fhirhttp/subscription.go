package fhirhttp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
	var list []route
	add := func(name string, serve handler, asks []string, patterns ...string) {
		for _, pattern := range patterns {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				op := &operation{name: name, definition: defs + name}
				list = append(list, route{method: method, pattern: pattern + "/$" + name, op: op, asks: asks, serve: serve})
			}
		}
	}
	add("status", s.handleSubscriptionStatus, []string{authz.Read}, "Subscription/{id}")
	add("status", s.handleSubscriptionStatus, []string{authz.Read, authz.Search}, "Subscription")
	add("events", s.handleSubscriptionEvents, []string{authz.Read, authz.VRead}, "Subscription/{id}")
	add("get-ws-binding-token", s.handleBindingToken, []string{authz.Read}, "Subscription/{id}", "Subscription")
	return list
}

// maxNamed bounds the Subscriptions that one request names.
const maxNamed = 100

// subscriptionsOf takes the Subscriptions that a request is about: the one in the
// address, else those that id names.
func (q *query) subscriptionsOf(r *http.Request) []string {
	ids := q.all("id")
	if id := r.PathValue("id"); id != "" {
		return []string{id} // there the parameter says nothing (Backport 1.1.0)
	}
	for i, id := range ids {
		ids[i] = strings.TrimPrefix(id, "Subscription/")
	}
	return ids
}

// handleSubscriptionStatus answers for one Subscription, for those that id names,
// or for all that the caller may find.
func (s *server) handleSubscriptionStatus(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	ids, states := q.subscriptionsOf(r), q.all("status")
	if err := q.only(r, "id and status"); err != nil {
		return err
	}
	if len(ids) > maxNamed {
		return fault.New(fault.Invalid, "fhirhttp.handleSubscriptionStatus", "Name at most 100 Subscriptions by id, or none for all.")
	}
	for _, state := range states {
		if !slices.Contains([]string{"requested", "active", "error", "off"}, state) {
			return fault.New(fault.Invalid, "fhirhttp.handleSubscriptionStatus", "status is one of requested, active, error, off.")
		}
	}
	if r.PathValue("id") != "" {
		states = nil // as id
	}
	list, err := s.Notifier.Statuses(r.Context(), actor, ids, states)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, fhir.BundleHead{Type: "searchset", Timestamp: s.Clock.Now(), Total: int64(len(list))})
	for _, status := range list {
		b.Entry(fhir.EntryHead{FullURL: "urn:uuid:" + chart.NewID(), Mode: "match"}, status)
	}
	if err := b.Close(); err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.handleSubscriptionStatus", err)
	}
	writeResource(w, r, http.StatusOK, out.Bytes())
	return nil
}

func (s *server) handleBindingToken(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	ids := q.subscriptionsOf(r)
	if err := q.only(r, "id"); err != nil {
		return err
	}
	if len(ids) == 0 || len(ids) > maxTokenFor {
		return fault.New(fault.Invalid, "fhirhttp.handleBindingToken", "Name 1 to 50 Subscriptions by id.")
	}
	token, expires, err := s.Notifier.Token(r.Context(), actor, ids...)
	if err != nil {
		return err
	}
	out := []object{
		{"name": "token", "valueString": token},
		{"name": "expiration", "valueDateTime": expires.UTC().Format(time.RFC3339)},
	}
	for _, id := range ids {
		out = append(out, object{"name": "subscription", "valueString": id})
	}
	return writeParameters(w, r, append(out, object{"name": "websocket-url", "valueUrl": s.socketURL()})...)
}

// handleSubscriptionEvents is $events: what a Subscription of the caller told of,
// as far as he may see it now.
func (s *server) handleSubscriptionEvents(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := argumentsOf(r)
	if err != nil {
		return err
	}
	req := notify.EventsRequest{Content: notify.Content(q.take("content"))}
	for name, to := range map[string]**uint64{"eventsSinceNumber": &req.Since, "eventsUntilNumber": &req.Until} {
		if text := q.take(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				return fault.New(fault.Invalid, "fhirhttp.handleSubscriptionEvents", name+" is a number from 0 on.")
			}
			*to = &n
		}
	}
	if err := q.only(r, "eventsSinceNumber, eventsUntilNumber and content"); err != nil {
		return err
	}
	switch req.Content {
	case "", notify.Empty, notify.IDOnly, notify.Full:
	default:
		return fault.New(fault.Invalid, "fhirhttp.handleSubscriptionEvents", "content is one of empty, id-only, full-resource.")
	}
	out, err := s.Notifier.Events(r.Context(), actor, r.PathValue("id"), req)
	if err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, out)
	return nil
}

func (s *server) socketURL() string {
	return "wss" + strings.TrimPrefix(s.Links, "https") + "/websocket"
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
