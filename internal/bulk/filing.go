package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Marks reads marks of progress that were committed with changes (vault.Vault has
// it).
type Marks interface {
	JobValue(ctx context.Context, name string) (string, error)
}

// Filing commits units to the chart, each together with the mark that it is done.
type Filing struct {
	Chart  *chart.Chart
	Marks  Marks
	Limits fhir.Limits
}

// File commits a unit in the actor's name, or tells what became of it if the mark
// is there already. Its errors are those of Target.Apply.
func (x *Filing) File(ctx context.Context, actor chart.Actor, mark string, u Unit) (Report, error) {
	done, err := x.Marks.JobValue(ctx, mark)
	if err != nil {
		return Report{}, err
	}
	if done != "" {
		report := Report{}
		err := json.Unmarshal([]byte(done), &report)
		report.Already = true
		return report, err
	}
	f := filing{Filing: x, actor: actor, unit: u, mark: mark, report: Report{Accepted: map[string]int{}}}
	if u.Lines {
		return f.lines(ctx)
	}
	return f.document(ctx)
}

// filing is the filing of one unit.
type filing struct {
	*Filing
	actor  chart.Actor
	unit   Unit
	mark   string
	report Report
}

func (f *filing) refuse(place, typ string, count int, err error) {
	f.report.Refused = append(f.report.Refused, Refusal{
		Source: f.unit.Source, Place: place, Type: typ, Count: count,
		Reason: strings.TrimPrefix(Reason(err), place+": "),
	})
}

// Reason is the first error among the findings of a fault, with its place.
func Reason(err error) string {
	var fe *fault.Error
	if errors.As(err, &fe) && len(fe.Issues) > 0 {
		isError := func(i fault.Issue) bool { return i.Severity == "" || i.Severity == "error" }
		issue := fe.Issues[max(0, slices.IndexFunc(fe.Issues, isError))]
		if issue.Expression == "" {
			return issue.Text
		}
		return issue.Expression + ": " + issue.Text
	}
	return fault.Public(err)
}

func (f *filing) document(ctx context.Context) (Report, error) {
	res, err := f.Limits.Parse(f.unit.Data)
	f.unit.Data = nil // a commit holds enough without it
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
func (f *filing) transaction(ctx context.Context, bundle *fhir.Resource) (Report, error) {
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
		return Report{}, err
	}
	_, err = f.Chart.Transaction(ctx, f.actor, entries, job)
	switch {
	case errors.Is(err, chart.ErrUnresolved):
		return Report{}, ErrLater
	case isOurs(err):
		return Report{}, err
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

func (f *filing) lines(ctx context.Context) (Report, error) {
	var entries []chart.Entry
	line := 0
	for text := range bytes.Lines(f.unit.Data) {
		line++
		place := fmt.Sprintf("%s, line %d of them", f.unit.Place, line)
		if len(f.unit.Numbers) >= line {
			place = fmt.Sprintf("line %d", f.unit.Numbers[line-1])
		}
		res, err := f.line(bytes.Clone(text))
		if err != nil {
			f.refuse(place, "", 1, err)
			continue
		}
		entries = append(entries, putOf(res, place))
	}
	return f.each(ctx, entries)
}

// line reads the resource of a line, as the unit demands it.
func (f *filing) line(text []byte) (*fhir.Resource, error) {
	res, err := f.Limits.Parse(text)
	switch {
	case err != nil:
		return nil, err
	case f.unit.Type != "" && res.Type() != f.unit.Type:
		return nil, fault.New(fault.Invalid, "bulk.line", "It is of another type than its file is said to hold.")
	case f.unit.Type != "" && res.ID() == "":
		return nil, fault.New(fault.Invalid, "bulk.line", "It has no id to be stored under.")
	case f.unit.Base != "":
		return res.Rewrite(func(ref string) (string, bool) { return strings.CutPrefix(ref, f.unit.Base+"/") })
	}
	return res, nil
}

// each files entries that stand on their own: what is refused does not keep the
// others out, and all that is accepted is committed at once with the mark.
func (f *filing) each(ctx context.Context, entries []chart.Entry) (Report, error) {
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
				return nil, errors.Join(ErrLater, fault.New(fault.Precondition, "app.filing", ""))
			}
		}
		count()
		job, err := f.job()
		return []vault.Job{job}, err
	}
	_, err := f.Chart.File(ctx, f.actor, entries, func(i int, err error) { refusals[i] = err }, jobs)
	if errors.Is(err, ErrLater) {
		return Report{}, ErrLater
	}
	if isOurs(err) {
		return Report{}, err
	}
	count()
	if err != nil {
		f.report.Accepted = map[string]int{}
		f.refuse(strings.TrimPrefix(f.unit.Place+", all of it", ", "), "", len(entries), err)
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
