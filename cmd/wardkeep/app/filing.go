package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// importLimits are wider than those of a request: the file is the operator's.
var importLimits = fhir.Limits{BundleBytes: 512 << 20, Entries: 1_000_000, Nodes: 64 << 20}

// file commits one unit of an import together with the mark that it is done.
func (h *House) file(ctx context.Context, who string, u bulk.Unit) (bulk.Report, error) {
	mark := "import/" + u.ID()
	done, err := h.Vault.JobValue(ctx, mark)
	if err != nil {
		return bulk.Report{}, err
	}
	if done != "" {
		report := bulk.Report{}
		err := json.Unmarshal([]byte(done), &report)
		report.Already = true
		return report, err
	}
	f := filing{house: h, who: who, unit: u, mark: mark, report: bulk.Report{Accepted: map[string]int{}}}
	if u.Lines {
		return f.lines(ctx)
	}
	return f.document(ctx)
}

type filing struct {
	house  *House
	who    string
	unit   bulk.Unit
	mark   string
	report bulk.Report
}

func (f *filing) refuse(place, typ string, count int, err error) {
	f.report.Refused = append(f.report.Refused, bulk.Refusal{
		Source: f.unit.Source, Place: place, Type: typ, Reason: reason(err), Count: count,
	})
}

// reason is the first finding of a fault with its place.
func reason(err error) string {
	var fe *fault.Error
	if errors.As(err, &fe) && len(fe.Issues) > 0 {
		issue := fe.Issues[0]
		if issue.Expression == "" {
			return issue.Text
		}
		return issue.Expression + ": " + issue.Text
	}
	return fault.Public(err)
}

func (f *filing) document(ctx context.Context) (bulk.Report, error) {
	res, err := importLimits.Parse(f.unit.Data)
	if err != nil {
		f.refuse(f.unit.Place, "", 1, err)
		return f.report, nil
	}
	if res.Type() != "Bundle" {
		return f.each(ctx, []chart.Entry{putOf(res, "")})
	}
	switch res.Root().Get("type").Text() {
	case "transaction":
		return f.transaction(ctx, res)
	case "batch":
		entries, err := chart.Entries(res)
		if err != nil {
			f.refuse("", "Bundle", 1, err)
			return f.report, nil
		}
		return f.each(ctx, entries)
	case "collection", "searchset", "history":
		var entries []chart.Entry
		i := 0
		for e := range res.Root().All("entry") {
			if r := e.Get("resource"); r.Exists() {
				entries = append(entries, putOf(r.Resource(), fmt.Sprintf("Bundle.entry[%d]", i)))
			}
			i++
		}
		return f.each(ctx, entries)
	}
	// A document or message is a record of its own.
	return f.each(ctx, []chart.Entry{putOf(res, "")})
}

// transaction files a transaction Bundle, all or nothing, as its maker asked.
func (f *filing) transaction(ctx context.Context, bundle *fhir.Resource) (bulk.Report, error) {
	entries, err := chart.Entries(bundle)
	if err != nil {
		f.refuse("", "Bundle", 1, err)
		return f.report, nil
	}
	for _, e := range entries {
		if e.Resource != nil {
			f.report.Accepted[e.Resource.Type()]++
		}
	}
	job, err := f.job()
	if err != nil {
		return bulk.Report{}, err
	}
	_, err = f.house.Chart.Transaction(ctx, operator(f.who, "importer"), entries, job)
	switch {
	case errors.Is(err, chart.ErrUnresolved):
		return bulk.Report{}, bulk.ErrLater
	case isOurs(err):
		return bulk.Report{}, err
	case err != nil:
		f.report.Accepted = map[string]int{}
		f.refuse("whole bundle", "Bundle", len(entries), err)
	}
	return f.report, nil
}

// isOurs tells failures of the server, which stop an import, from faults of what
// is imported, which are reported.
func isOurs(err error) bool {
	return err != nil && (fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Conflict))
}

func (f *filing) job() (vault.Job, error) {
	value, err := json.Marshal(f.report)
	return vault.Job{Name: f.mark, Value: string(value)}, err
}

func (f *filing) lines(ctx context.Context) (bulk.Report, error) {
	var entries []chart.Entry
	line := 0
	for text := range bytes.Lines(f.unit.Data) {
		line++
		place := fmt.Sprintf("%s, line %d of them", f.unit.Place, line)
		res, err := importLimits.Parse(bytes.Clone(text))
		if err != nil {
			f.refuse(place, "", 1, err)
			continue
		}
		entries = append(entries, putOf(res, place))
	}
	return f.each(ctx, entries)
}

// each files entries that stand on their own: what is refused does not keep the
// others out, and all that is accepted is committed at once with the mark.
func (f *filing) each(ctx context.Context, entries []chart.Entry) (bulk.Report, error) {
	before := f.report.Refused
	refusals := map[int]error{}
	count := func() {
		f.report.Refused, f.report.Accepted = before, map[string]int{}
		for i, e := range entries {
			if err := refusals[i]; err != nil {
				f.refuse(e.Place, typeOf(e), 1, err)
			} else if e.Resource != nil {
				f.report.Accepted[e.Resource.Type()]++
			}
		}
	}
	// The mark tells a later run what became of the unit: it is made once that
	// is known.
	jobs := func() ([]vault.Job, error) {
		for _, err := range refusals {
			if !f.unit.Last && errors.Is(err, chart.ErrUnresolved) {
				return nil, errors.Join(bulk.ErrLater, fault.New(fault.Precondition, "app.filing", ""))
			}
		}
		count()
		job, err := f.job()
		return []vault.Job{job}, err
	}
	_, err := f.house.Chart.File(ctx, operator(f.who, "importer"), entries, func(i int, err error) { refusals[i] = err }, jobs)
	if errors.Is(err, bulk.ErrLater) {
		return bulk.Report{}, bulk.ErrLater
	}
	if isOurs(err) {
		return bulk.Report{}, err
	}
	count()
	if err != nil {
		f.report.Accepted = map[string]int{}
		f.refuse("all of it", "", len(entries), err)
	}
	return f.report, nil
}

// typeOf is the type an entry is about, "" for one without a resource: a deletion.
func typeOf(e chart.Entry) string {
	if e.Resource == nil {
		return ""
	}
	return e.Resource.Type()
}

// putOf keeps a resource's id if it has one.
func putOf(res *fhir.Resource, place string) chart.Entry {
	if res.ID() == "" {
		return chart.Entry{Place: place, Method: "POST", URL: res.Type(), Resource: res}
	}
	return chart.Entry{Place: place, Method: "PUT", URL: res.Type() + "/" + res.ID(), Resource: res}
}

// exportOrder is what an export takes: the types of which there are records, of
// one state of the store.
type exportOrder struct {
	Types    []string
	Snapshot chart.Snapshot
}

func exportTypes(ctx context.Context, h *House, who string, _ struct{}) (out exportOrder, err error) {
	if out.Snapshot, err = h.Chart.Snapshot(ctx); err != nil {
		return out, err
	}
	for t := range r4.Resources {
		n, err := h.Chart.Count(ctx, operator(who, "exporter"), t.String())
		if fault.Is(err, fault.Denied) {
			continue // no records of this type are kept by this road
		}
		if err != nil {
			return out, err
		}
		if n > 0 {
			out.Types = append(out.Types, t.String())
		}
	}
	return out, nil
}

func (h *House) export(ctx context.Context, who, typ string, s chart.Snapshot, w io.Writer) (int, error) {
	return h.Chart.Export(ctx, operator(who, "exporter"), typ, s, w)
}
