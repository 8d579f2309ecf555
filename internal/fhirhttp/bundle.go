package fhirhttp

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/web"
)

// maxEntries bounds a Bundle sent in one request; larger sets are imported.
const maxEntries = 5000

func (s *server) handleBundle(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if err := noQuery(r); err != nil {
		return err
	}
	media, err := sentType(r)
	if err != nil {
		return err
	}
	src, err := readAll(r)
	if err != nil {
		return err
	}
	release, err := s.bundles.take(r.Context())
	if err != nil {
		return err
	}
	defer release()
	if src, err = inJSON(media, src); err != nil {
		return err
	}
	bundle, err := fhir.Limits{Entries: maxEntries}.Parse(src)
	if err != nil {
		return err
	}
	kind := bundle.Root().Get("type").Text()
	if bundle.Type() != "Bundle" || kind != "batch" && kind != "transaction" {
		return fault.New(fault.Invalid, "fhirhttp.handleBundle", "Send a Bundle of type batch or transaction here.")
	}
	entries, err := chart.Entries(bundle)
	if err != nil {
		return err
	}
	answers := make([]answer, len(entries))
	if kind == "transaction" {
		if err := s.transaction(r, actor, entries, answers); err != nil {
			return err
		}
	} else {
		room := maxAnswer
		for i, e := range entries {
			answers[i] = s.within(&room, r, actor, e)
		}
	}
	body, err := s.responses(kind+"-response", answers, preferences(r))
	if err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, body)
	return nil
}

// answer is the response to one entry.
type answer struct {
	head fhir.EntryHead
	body []byte
	read bool // the body is what was asked for, whatever Prefer says of changes
	// findings are what validation has to say of a change that was made.
	findings []fault.Issue
}

func (s *server) transaction(r *http.Request, actor chart.Actor, entries []chart.Entry, answers []answer) error {
	for i := range entries {
		if err := s.afterwards(&entries[i]); err != nil {
			return err
		}
	}
	outcomes, err := s.Chart.Transaction(r.Context(), actor, entries)
	if err != nil {
		return err
	}
	room := maxAnswer
	for i, e := range entries {
		if e.After || e.Method == "GET" || e.Method == "HEAD" {
			answers[i] = s.within(&room, r, actor, e)
			continue
		}
		answers[i] = s.outcome(e, outcomes[i])
	}
	return nil
}

// afterwards marks an operation to be carried out once the changes are made, like
// a GET, or refuses it before: what it changes could not be taken back with the
// rest.
func (s *server) afterwards(e *chart.Entry) error {
	if !e.Operation() {
		return nil
	}
	text := "There is no such operation. GET /fhir/metadata tells what is served."
	r, err := http.NewRequest(e.Method, "/fhir/"+strings.TrimPrefix(e.URL, "/"), nil)
	if err == nil {
		if rt := s.find(r); rt != nil && rt.op != nil {
			if e.After = !rt.alone && !rt.affects; e.After {
				return nil
			}
			text = "A transaction carries operations that only read, and answer at once. Send this one in a batch, or as a request of its own."
		}
	}
	return &fault.Error{
		Kind: fault.NotSupported, Op: "fhirhttp.afterwards", Public: text,
		Issues: []fault.Issue{{Code: "not-supported", Text: text, Expression: e.Place + ".request"}},
	}
}

func (s *server) outcome(e chart.Entry, out chart.Outcome) answer {
	status := "200 OK"
	switch {
	case out.Created:
		status = "201 Created"
	case e.Method == "DELETE":
		status = "204 No Content"
	}
	a := answer{head: fhir.EntryHead{Status: status}, findings: out.Issues}
	res := out.Resource
	if res.Version == 0 {
		return a
	}
	a.head.ETag, a.head.LastModified = etag(res.Version), res.Updated
	if res.Resource != nil {
		a.head.FullURL = s.fullURL(res)
		a.head.Location = s.fullURL(res) + "/_history/" + strconv.FormatUint(res.Version, 10)
		a.body = res.JSON()
	}
	return a
}

// maxAnswer bounds what the entries of one bundle bring together.
const maxAnswer = 64 << 20

// within carries out one entry while there is room for answers.
func (s *server) within(room *int, outer *http.Request, actor chart.Actor, e chart.Entry) answer {
	if *room <= 0 {
		return failed(fault.New(fault.TooCostly, "fhirhttp.within", "The answers to the entries before are as much as one response carries. Send this one in another bundle."))
	}
	a := s.dispatch(outer.Context(), actor, outer, e)
	*room -= len(a.body)
	return a
}

// dispatch carries out one entry by the same handlers as a request of its own.
func (s *server) dispatch(ctx context.Context, actor chart.Actor, outer *http.Request, e chart.Entry) answer {
	var body []byte
	media := fhirJSON
	if e.Resource != nil {
		body = e.Resource.JSON()
		if e.Method == http.MethodPatch {
			var err error
			if media, body, err = chart.PatchBody(e.Resource); err != nil {
				return failed(err)
			}
		}
	}
	r, err := http.NewRequestWithContext(formless(ctx), e.Method, "/fhir/"+strings.TrimPrefix(e.URL, "/"), bytes.NewReader(body))
	if err != nil {
		return failed(fault.New(fault.Invalid, "fhirhttp.dispatch", "The entry's address is not well formed."))
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("Accept", fhirJSON)
	wanted := preferences(outer)
	r.Header.Set("Prefer", "return="+wanted.result)
	if wanted.lenient {
		r.Header.Add("Prefer", "handling=lenient")
	}
	for name, value := range map[string]string{
		"If-Match": e.IfMatch, "If-None-Match": e.IfNoneMatch,
		"If-None-Exist": e.IfNoneExist, "If-Modified-Since": e.IfModified,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	rt := s.find(r)
	switch {
	case rt == nil:
		return failed(s.absent(r))
	case rt.alone:
		return failed(fault.New(fault.NotSupported, "fhirhttp.dispatch", "This cannot be an entry of a bundle. Send it as a request of its own."))
	}
	rec := &capture{header: http.Header{}, status: http.StatusOK}
	if err := known(r); err != nil {
		return failed(err)
	}
	if err := rt.serve(rec, r, actor); err != nil {
		return failed(err)
	}
	a := answer{body: rec.body.Bytes(), read: !rt.changes()}
	switch {
	case e.Method == "HEAD":
		a.body = nil
	case !a.read && wanted.result == "OperationOutcome":
		a.head.Outcome, a.body = a.body, nil
	}
	a.head.Status = strconv.Itoa(rec.status) + " " + http.StatusText(rec.status)
	a.head.ETag, a.head.Location = rec.header.Get("ETag"), rec.header.Get("Location")
	if t, err := time.Parse(http.TimeFormat, rec.header.Get("Last-Modified")); err == nil {
		a.head.LastModified = t
	}
	return a
}

func failed(err error) answer {
	status := web.Status(fault.KindOf(err))
	return answer{head: fhir.EntryHead{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), Outcome: fhir.Outcome(err),
	}}
}

func (s *server) responses(kind string, answers []answer, p preference) ([]byte, error) {
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, fhir.BundleHead{Type: kind, Timestamp: s.Clock.Now(), Total: -1})
	for _, a := range answers {
		if !a.read && p.result != "representation" {
			a.body = nil
		}
		if !a.read && p.result == "OperationOutcome" && a.head.Outcome == nil {
			a.head.Outcome = stored(a.findings...)
		}
		if len(a.body) == 0 {
			a.body = nil
		}
		b.Entry(a.head, a.body)
	}
	err := b.Close()
	return out.Bytes(), err
}

// capture is a response that stays in memory.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *capture) Header() http.Header         { return c.header }
func (c *capture) WriteHeader(status int)      { c.status = status }
func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }
