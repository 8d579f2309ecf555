package chart

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// ViewRequest asks for what one page shows.
type ViewRequest struct {
	Name     string   // of the page, for the audit trail: "chart", "ward list" …
	Patient  string   // id of the patient it is about, "" if it is about several
	Searches []string // "Condition?patient=p1&_sort=-recorded-date"
}

// View is what one page may show.
type View struct {
	Patient *Resource // nil unless the request named one
	Parts   []Part    // one for each search, in order
	// Kept is until when a doctor's decision keeps something of the patient's from the
	// actor, who has to be told (45 CFR 164.524(d)); zero: none does.
	Kept time.Time
}

// Part is the answer to one search. A page shows an Err as what it is: denied,
// unavailable; never as an empty list.
type Part struct {
	Resources []Resource
	Included  []Resource
	More      bool // there are more than these
	Err       error
}

// View gathers all a page shows under one decision and one audit entry, which
// lists every record disclosed. It fails as a whole only if the patient may not
// be seen or the audit cannot be written.
func (c *Chart) View(ctx context.Context, actor Actor, vr ViewRequest) (*View, error) {
	req := c.begin(actor, "view", vr.Name)
	req.event.Query, req.named = strings.Join(vr.Searches, "\n"), vr.Patient != ""
	view, err := c.view(ctx, req, vr)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return view, nil
}

func (c *Chart) view(ctx context.Context, req *request, vr ViewRequest) (*View, error) {
	view := &View{}
	if vr.Patient != "" {
		res, err := c.read(ctx, req.actor, authz.Read, vault.Ref{TypeID: typeIDOf("Patient", vr.Patient)})
		if err != nil {
			return nil, err
		}
		req.discloses(res)
		view.Patient = &res
		if view.Kept, err = c.census.keptUntil(ctx, req.actor, "Patient/"+vr.Patient); err != nil {
			return nil, err
		}
	}
	for _, text := range vr.Searches {
		view.Parts = append(view.Parts, c.part(ctx, req, text, view.Patient))
	}
	return view, nil
}

func (c *Chart) part(ctx context.Context, req *request, text string, of *Resource) Part {
	sr, err := parseSearch(text)
	if err != nil {
		return Part{Err: err}
	}
	result, err := c.search(ctx, req, sr)
	if err != nil {
		return Part{Err: err}
	}
	if of != nil && len(result.Matches) == 0 {
		if err := c.stand(req.actor).mayFind(ctx, sr.Type, of.patients); err != nil {
			return Part{Err: err}
		}
	}
	return Part{Resources: result.Matches, Included: result.Included, More: result.Next != ""}
}

func parseSearch(text string) (SearchRequest, error) {
	typ, query, _ := strings.Cut(text, "?")
	params, err := ParseQuery(query)
	return SearchRequest{Type: typ, Params: params}, err
}

// ParseQuery splits a query string into its parameters, in order.
func ParseQuery(query string) ([]search.Param, error) {
	var params []search.Param
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		k, err := url.QueryUnescape(key)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "chart.ParseQuery", "The query is not well encoded (%xx).")
		}
		params = append(params, search.Param{Key: k, Value: value})
	}
	return params, nil
}
