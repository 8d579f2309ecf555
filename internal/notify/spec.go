package notify

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// Extensions and profiles of the Subscriptions R5 Backport guide, 1.1.0.
const (
	backport       = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
	extFilter      = backport + "backport-filter-criteria"
	extContent     = backport + "backport-payload-content"
	extHeartbeat   = backport + "backport-heartbeat-period"
	extTimeout     = backport + "backport-timeout"
	extMaxCount    = backport + "backport-max-count"
	profileStatus  = backport + "backport-subscription-status-r4"
	profileMessage = backport + "backport-subscription-notification-r4"
)

// Content is how much of what happened a notification carries.
type Content string

const (
	Empty  Content = "empty"
	IDOnly Content = "id-only"
	Full   Content = "full-resource"
)

// spec is a Subscription resource taken apart.
type spec struct {
	id       string
	typ      string // whose changes it is about
	criteria []search.Param
	topic    string // canonical; "": a Subscription of plain R4
	socket   bool
	endpoint string
	headers  []string
	mime     string // of the payload; "": none
	content  Content

	heartbeat, timeout time.Duration
	end                time.Time
}

func refused(place, text string) error {
	e := fault.New(fault.Unprocessable, "notify.read", text)
	e.Issues = []fault.Issue{{Code: "business-rule", Text: text, Expression: place}}
	return e
}

// Bounds of what a subscriber may ask for.
const (
	minHeartbeat   = 10 * time.Second
	maxTimeout     = 30 * time.Second // of package outbound, too
	defaultTimeout = 10 * time.Second
	maxHeaders     = 20
	maxHeader      = 2048
)

// read takes a Subscription apart, and refuses what cannot be served.
func (m *Manager) read(r *fhir.Resource) (spec, error) {
	root, channel := r.Root(), r.Root().Get("channel")
	s := spec{id: r.ID(), mime: channel.Get("payload").Text(), timeout: defaultTimeout}
	switch channel.Get("type").Text() {
	case "rest-hook":
	case "websocket":
		s.socket = true
	default:
		return s, refused("Subscription.channel.type", "Channels here are rest-hook and websocket.")
	}
	if text := root.Get("end").Text(); text != "" {
		end, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return s, refused("Subscription.end", "The end is not an instant.")
		}
		s.end = end
	}
	if s.mime != "" && s.mime != "application/fhir+json" && s.mime != "application/json" {
		return s, refused("Subscription.channel.payload", "Payloads here are application/fhir+json, or none; XML is not sent.")
	}
	if err := m.readCriteria(&s, root); err != nil {
		return s, err
	}
	if err := s.readExtensions(channel); err != nil {
		return s, err
	}
	return s, m.readEndpoint(&s, channel)
}

// readCriteria reads "Type?query", or the canonical of a topic of this server,
// which names a type, with the filters beside it.
func (m *Manager) readCriteria(s *spec, root fhir.Node) error {
	criteria, place := root.Get("criteria"), "Subscription.criteria"
	text := criteria.Text()
	if typ, ok := strings.CutPrefix(text, m.topics); ok {
		s.topic, s.typ = text, typ
		text = typ
	}
	for ext := range criteria.All("extension") {
		if ext.Get("url").Text() != extFilter {
			continue
		}
		if s.topic == "" || s.criteria != nil {
			return refused(place, "A topic takes one filter, with all its conditions; criteria without a topic are the filter themselves.")
		}
		text, place = ext.Get("value").Text(), place+".extension.value"
		s.criteria = []search.Param{}
	}
	typ, query, _ := strings.Cut(text, "?")
	if !fhir.IsResource(typ) || s.topic != "" && typ != s.typ {
		return refused(place, "The criteria are Type?query, as in Observation?code=…, or a topic of this server with filters on its type.")
	}
	if typ == "Subscription" {
		return refused(place, "Nobody can subscribe to Subscriptions.")
	}
	var err error
	s.typ = typ
	if s.criteria, err = chart.ParseQuery(query); err != nil {
		return refused(place, "The query of the criteria is not well formed.")
	}
	for _, p := range s.criteria {
		if name, _, _ := strings.Cut(p.Key, ":"); strings.HasPrefix(name, "_") && !chooses(name) {
			return refused(place, "The criteria choose records; they do not shape an answer.")
		}
	}
	if _, err := search.Parse(typ, s.criteria, search.Options{Catalog: m.catalog()}); err != nil {
		return refused(place, fault.Public(err))
	}
	return nil
}

// chooses reports whether a parameter that begins with _ says which records are
// meant, and not what is shown of them.
func chooses(name string) bool {
	switch name {
	case "_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_has", "_list", "_filter":
		return true
	}
	return false
}

func (s *spec) readExtensions(channel fhir.Node) error {
	s.content = Empty
	if s.mime != "" {
		s.content = Full
	}
	for ext := range channel.Get("payload").All("extension") {
		if ext.Get("url").Text() == extContent {
			if s.topic == "" {
				return refused("Subscription.channel.payload", "How much of a record is told is chosen for topics. Without one a payload is the whole record; leave it out to be told of none.")
			}
			s.content = Content(ext.Get("value").Text())
		}
	}
	if s.content != Empty && s.content != IDOnly && s.content != Full {
		return refused("Subscription.channel.payload", "The payload's content is empty, id-only or full-resource.")
	}
	for ext := range channel.All("extension") {
		n, err := strconv.Atoi(ext.Get("value").Text())
		switch ext.Get("url").Text() {
		case extHeartbeat:
			if s.heartbeat = time.Duration(n) * time.Second; err != nil || s.heartbeat < minHeartbeat {
				return refused("Subscription.channel", "A heartbeat comes every 10 seconds at most.")
			}
		case extTimeout:
			if s.timeout = time.Duration(n) * time.Second; err != nil || n < 1 || s.timeout > maxTimeout {
				return refused("Subscription.channel", "A timeout is 1 to 30 seconds.")
			}
		case extMaxCount:
			if err != nil || n < 1 {
				return refused("Subscription.channel", "A notification carries one event here; that is within every max-count from 1.")
			}
		}
	}
	return nil
}

func (m *Manager) readEndpoint(s *spec, channel fhir.Node) error {
	s.endpoint = channel.Get("endpoint").Text()
	if s.socket {
		return nil
	}
	u, err := url.Parse(s.endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return refused("Subscription.channel.endpoint", "The endpoint is an absolute https address without user name or fragment.")
	}
	if err := m.allow(u); err != nil {
		return refused("Subscription.channel.endpoint", fault.Public(err))
	}
	for h := range channel.All("header") {
		if len(s.headers) == maxHeaders || len(h.Text()) > maxHeader || !plainHeader(h.Text()) {
			return refused("Subscription.channel.header", "A header is Name: value, of the kind that a subscriber's own gate needs: Authorization, X-…")
		}
		s.headers = append(s.headers, h.Text())
	}
	return nil
}

// plainHeader reports whether a header may be sent along: it MUST NOT change what
// the request is.
func plainHeader(h string) bool {
	name, value, ok := strings.Cut(h, ":")
	name = strings.ToLower(strings.TrimSpace(name))
	if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.ContainsAny(value, "\r\n\x00") {
		return false
	}
	part, own := strings.CutPrefix(name, "x-")
	return name == "authorization" || own && !slices.ContainsFunc(routing[:], func(p string) bool { return strings.HasPrefix(part, p) })
}

// routing is what headers begin with, behind X-, by which gateways let a caller
// say which method, address or sender a request has.
var routing = [...]string{"forwarded", "http-method", "method", "original", "rewrite", "host", "http-host", "real-", "client-", "cluster-", "remote-", "true-", "proxy", "envoy", "accel", "sendfile"}
