package chart

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// EverythingRequest is one page of $everything.
type EverythingRequest struct {
	Type, ID   string // Patient or Encounter; without an id: of all patients
	Types      []string
	Since      string // changed after this instant, "" for any
	Start, End string // dates of care
	Count      int    // 0: maxCount
	Page       string
}

// Everything is one page: what is in the compartment, in the order of commits,
// and what that refers to, each once on all pages together.
type Everything struct {
	Resources []Resource
	Included  []Resource
	Next      string
}

// Everything returns what there is about a patient, an encounter or all patients,
// of what the actor may see (FHIR R4, operations Patient/$everything and
// Encounter/$everything).
func (c *Chart) Everything(ctx context.Context, actor Actor, er EverythingRequest) (*Everything, error) {
	req := c.begin(actor, "search", er.Type)
	page := er.page()
	req.event.Query = page.Type + "?" + queryText(page.Params)
	out, err := settled(req, func() (*Everything, error) { return c.everything(ctx, req, er) })
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return out, nil
}

// page is the request as a search, for the audit log and the page's token.
func (er EverythingRequest) page() SearchRequest {
	return SearchRequest{
		Type: strings.TrimSuffix(er.Type+"/"+er.ID, "/") + "/$everything", Page: er.Page, Params: er.Params(),
	}
}

// Params are the parameters that the pages of one request have in common.
func (er EverythingRequest) Params() []search.Param {
	var params []search.Param
	for _, p := range []search.Param{
		{Key: "_type", Value: strings.Join(er.Types, ",")}, {Key: "_since", Value: er.Since},
		{Key: "start", Value: er.Start}, {Key: "end", Value: er.End},
	} {
		if p.Value != "" {
			params = append(params, p)
		}
	}
	if er.Count > 0 {
		params = append(params, search.Param{Key: "_count", Value: strconv.Itoa(er.Count)})
	}
	return params
}

func (c *Chart) everything(ctx context.Context, req *request, er EverythingRequest) (*Everything, error) {
	gather := vault.GatherRequest{Narrow: c.narrow(req.actor), Limit: min(er.Count, maxCount), Compartments: true}
	if gather.Limit <= 0 {
		gather.Limit = maxCount
	}
	var focus vault.PatientSet
	if er.ID == "" {
		if _, err := c.reach(req.actor, authz.Search, er.Type); err != nil {
			return nil, err
		}
	} else {
		subject, err := c.read(ctx, req.actor, authz.Read, vault.Ref{TypeID: typeIDOf(er.Type, er.ID)})
		if err != nil {
			return nil, err
		}
		focus = vault.Patients(subject.patients...)
		gather.Compartments = er.Type == "Patient"
	}
	if er.Type == "Patient" {
		gather.Patients = focus
	}
	var err error
	if gather.Queries, err = c.everyQuery(req.actor, er); err != nil {
		return nil, err
	}
	cursor, err := c.openPage(req.actor, er.page())
	if err != nil {
		return nil, err
	}
	seen, err := c.openSeen(ctx, cursor.Key)
	if err != nil {
		return nil, err
	}
	gather.After = cursor.Position
	out, walked, err := c.everyPage(ctx, req, gather)
	if err != nil {
		return nil, err
	}
	if out.Included, err = c.support(ctx, req, out.Resources, er, focus, seen); err != nil || !walked.More {
		return out, err
	}
	key, err := c.sealSeen(ctx, seen)
	if err == nil {
		out.Next, err = c.sealPage(req.actor, er.page(), vault.Cursor{Position: walked.Last, Key: key})
	}
	return out, err
}

// everyBytes bounds what one page carries.
const everyBytes = 64 << 20

func (c *Chart) everyPage(ctx context.Context, req *request, gather vault.GatherRequest) (*Everything, vault.Gathered, error) {
	out, size := &Everything{}, 0
	walked, err := c.vault.Gather(ctx, gather, func(records []vault.Record) error {
		list, err := c.admit(ctx, req, records)
		if err != nil {
			return err
		}
		out.Resources = append(out.Resources, list...)
		for _, rec := range records {
			size += len(rec.Body)
		}
		if size > everyBytes {
			return vault.ErrEnough
		}
		return nil
	})
	return out, walked, err
}

// everyQuery returns the searches that together find everything.
func (c *Chart) everyQuery(actor Actor, er EverythingRequest) ([]*search.Query, error) {
	compartment := er.Type
	wanted := setOf(er.Types)
	var queries []*search.Query
	for t := range r4.Resources {
		typ := t.String()
		if typ != compartment && r4.CompartmentElements(compartment, typ) == nil {
			continue
		}
		if _, ok := wanted[typ]; len(wanted) > 0 && !ok {
			continue
		}
		opt := c.options(actor)
		if er.ID != "" && er.Type != "Patient" {
			opt.Compartment = typeIDOf(er.Type, er.ID)
		}
		for _, params := range er.params(typ) {
			q, err := search.Parse(typ, params, opt)
			if err != nil {
				return nil, err
			}
			queries = append(queries, q)
		}
	}
	return queries, nil
}

// params are the alternatives that a type is searched by: care that reaches into
// the dates asked for, and records with no date of care, which are in scope
// whatever the dates. "gt" and "lt" ask whether a span reaches beyond a date, so
// they are put to the dates around those asked for (FHIR R4 3.1.1.5.6).
func (er EverythingRequest) params(typ string) [][]search.Param {
	var always []search.Param
	if er.Since != "" {
		always = append(always, search.Param{Key: "_lastUpdated", Value: "gt" + er.Since})
	}
	code := careDate(typ)
	if code == "" || er.Start == "" && er.End == "" {
		return [][]search.Param{always}
	}
	dated := always
	if er.Start != "" {
		dated = append(dated[:len(dated):len(dated)], search.Param{Key: code, Value: "gt" + beside(er.Start, -1)})
	}
	if er.End != "" {
		dated = append(dated[:len(dated):len(dated)], search.Param{Key: code, Value: "lt" + beside(er.End, 1)})
	}
	undated := append(always[:len(always):len(always)], search.Param{Key: code + ":missing", Value: "true"})
	return [][]search.Param{dated, undated}
}

// beside returns the date before or after one of the same precision. What is no
// date stays as it is, for the search to refuse.
func beside(date string, by int) string {
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006-01-02", 0, 0, by}, {"2006-01", 0, by, 0}, {"2006", by, 0, 0}} {
		if t, err := time.Parse(form.layout, date); err == nil {
			return t.AddDate(form.years, form.months, form.days).Format(form.layout)
		}
	}
	return date
}

// careDates are the search parameters that tell when care was given, for the
// types where it is not "date".
var careDates = map[string]string{
	"Account": "period", "ChargeItem": "occurrence", "Claim": "created", "ClaimResponse": "created",
	"Communication": "sent", "CommunicationRequest": "authored", "Condition": "onset-date",
	"CoverageEligibilityRequest": "created", "CoverageEligibilityResponse": "created",
	"DetectedIssue": "identified", "DeviceRequest": "authored-on", "DocumentManifest": "created",
	"ExplanationOfBenefit": "created", "Goal": "start-date", "ImagingStudy": "started",
	"MedicationAdministration": "effective-time", "MedicationDispense": "whenhandedover",
	"MedicationRequest": "authoredon", "MedicationStatement": "effective", "NutritionOrder": "datetime",
	"QuestionnaireResponse": "authored", "RequestGroup": "authored", "ServiceRequest": "authored",
	"Specimen": "collected", "Task": "authored-on", "VisionPrescription": "datewritten",
}

// careDate returns the parameter that tells when what a record is about took
// place, "" if its type has none.
func careDate(typ string) string {
	code := careDates[typ]
	if code == "" {
		code = "date"
	}
	for _, p := range search.Params(typ) {
		if p.Code == code && p.Type == "date" {
			return code
		}
	}
	return ""
}

// errSince is for instants that are not.
var errSince = fault.New(fault.Invalid, "chart.since", "_since must be an instant, such as 2026-03-07T14:05:00Z.")

// Instant checks the text of an instant; "" stays "".
func Instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errSince
	}
	return t, nil
}
