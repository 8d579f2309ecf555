package fhirhttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

type chartParams = []search.Param

// query is what is left of a request's query while handlers take from it.
type query struct{ params chartParams }

func queryOf(r *http.Request) (*query, error) {
	params, err := chart.ParseQuery(r.URL.RawQuery)
	return &query{params}, err
}

// take returns the first value of a parameter and removes all of them.
func (q *query) take(name string) string {
	value := ""
	q.params = slices.DeleteFunc(q.params, func(p search.Param) bool {
		if p.Key != name {
			return false
		}
		if value == "" {
			value = p.Value
		}
		return true
	})
	return value
}

// twice reports whether a parameter is given more than once.
func (q *query) twice(name string) bool {
	n := 0
	for _, p := range q.params {
		if p.Key == name {
			n++
		}
	}
	return n > 1
}

// view is how resources are to be shown.
type view struct{ subset fhir.Subset }

var summaries = map[string]fhir.Summary{
	"": fhir.SummaryFalse, "false": fhir.SummaryFalse, "true": fhir.SummaryTrue,
	"text": fhir.SummaryText, "data": fhir.SummaryData, "count": fhir.SummaryCount,
}

// take reads the parameters that every read understands and refuses what is left.
func (q *query) view(r *http.Request) (view, error) {
	if err := accepts(r, q.take("_format")); err != nil {
		return view{}, err
	}
	q.take("_pretty")
	v, err := viewOf(q.take("_summary"), split(q.take("_elements")))
	if err != nil {
		return v, err
	}
	if len(q.params) > 0 {
		return v, fault.New(fault.Invalid, "fhirhttp.view", "This request takes only _format, _pretty, _summary and _elements.")
	}
	return v, nil
}

func viewOf(summary string, elements []string) (view, error) {
	mode, ok := summaries[summary]
	if !ok {
		return view{}, fault.New(fault.Invalid, "fhirhttp.viewOf", "_summary is one of true, text, data, count, false.")
	}
	return view{fhir.Subset{Summary: mode, Elements: elements}}, nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func (v view) apply(res *fhir.Resource) []byte {
	if v.subset.IsWhole() {
		return res.JSON()
	}
	return res.Subset(v.subset)
}

// noQuery refuses parameters on a change, which has no use for them.
func noQuery(r *http.Request) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	if err := accepts(r, q.take("_format")); err != nil {
		return err
	}
	q.take("_pretty")
	if len(q.params) > 0 {
		return fault.New(fault.Invalid, "fhirhttp.noQuery", "This request takes no parameters but _format and _pretty.")
	}
	return nil
}

// conditionOf reads the search of a conditional request.
func conditionOf(text string) (chartParams, error) {
	if i := strings.IndexByte(text, '?'); i >= 0 {
		text = text[i+1:]
	}
	params, err := chart.ParseQuery(text)
	q := query{params}
	q.take("_format")
	q.take("_pretty")
	if err == nil && len(q.params) == 0 {
		err = fault.New(fault.Invalid, "fhirhttp.conditionOf", "A condition needs at least one search parameter.")
	}
	return q.params, err
}
