package chart

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// LastNRequest asks for the latest observations of each kind.
type LastNRequest struct {
	Params  []search.Param // of a search for observations
	Max     int            // of each code; 0: 1
	Lenient bool
}

// lastNScan bounds the observations looked at, and lastNShown those returned.
const (
	lastNScan  = 20_000
	lastNShown = 5_000
)

var errLastN = fault.New(fault.TooCostly, "chart.LastN", "There are too many observations. Narrow the request by category, code or date, or lower max.")

// LastN returns the latest observations of each code, codes after one another,
// the newest first (FHIR R4, operation Observation/$lastn). Observations belong
// together if they share a coding, or have none and the same text; of those at
// the same time as the last one, all are returned. The query tells what of the
// parameters was used.
func (c *Chart) LastN(ctx context.Context, actor Actor, lr LastNRequest) ([]Resource, *search.Query, error) {
	req := c.begin(actor, "search", "Observation")
	req.event.Query = "Observation/$lastn?" + queryText(lr.Params)
	list, q, err := c.lastN(ctx, req, lr)
	if err := req.finish(ctx, err); err != nil {
		return nil, nil, err
	}
	return list, q, nil
}

func (c *Chart) lastN(ctx context.Context, req *request, lr LastNRequest) ([]Resource, *search.Query, error) {
	if _, err := c.reach(req.actor, authz.Search, "Observation"); err != nil {
		return nil, nil, err
	}
	if err := lr.check(); err != nil {
		return nil, nil, err
	}
	opt := c.options(req.actor)
	opt.Lenient = lr.Lenient
	q, err := search.Parse("Observation", lr.Params, opt)
	if err == nil {
		q, err = q.Resolve(ctx, c.lexicon)
	}
	if err != nil {
		return nil, nil, err
	}
	if q.Sorted() || len(q.Includes)+len(q.RevIncludes) > 0 || q.Summary != "" || q.Total != "" {
		return nil, nil, fault.New(fault.Invalid, "chart.LastN", "$lastn takes search parameters and max; it neither sorts otherwise nor includes.")
	}
	found, err := settled(req, func() ([]Resource, error) { return c.observations(ctx, req, q) })
	if err != nil {
		return nil, nil, err
	}
	list := latest(found, max(1, lr.Max))
	if len(list) > lastNShown {
		return nil, nil, errLastN
	}
	for _, res := range list {
		req.discloses(res)
	}
	return list, q, nil
}

// check demands a subject, and a category or code (the operation's own rule).
func (lr LastNRequest) check() error {
	var subject, kind bool
	for _, p := range lr.Params {
		name, _, _ := strings.Cut(p.Key, ":")
		subject = subject || strings.HasPrefix(name, "patient") || strings.HasPrefix(name, "subject")
		kind = kind || name == "category" || strings.HasSuffix(name, "code")
	}
	if !subject || !kind {
		return fault.New(fault.Invalid, "chart.LastN", "$lastn needs patient or subject, and category or code.")
	}
	return nil
}

func (c *Chart) observations(ctx context.Context, req *request, q *search.Query) ([]Resource, error) {
	var list []Resource
	_, err := c.vault.Gather(ctx, vault.GatherRequest{Queries: []*search.Query{q}, Narrow: c.narrow(req.actor)}, func(records []vault.Record) error {
		some, err := c.admitted(ctx, req, records)
		if list = append(list, some...); err == nil && len(list) > lastNScan {
			err = errLastN
		}
		return err
	})
	return list, err
}

// latest groups observations by code and keeps the latest of each.
func latest(list []Resource, most int) []Resource {
	slices.SortStableFunc(list, func(a, b Resource) int { return effective(b).Compare(effective(a)) })
	var out []Resource
	for _, group := range byCode(list) {
		for i, res := range group {
			if i >= most && effective(res).Before(effective(group[most-1])) {
				break
			}
			out = append(out, res)
		}
	}
	return out
}

// byCode unites observations that share a coding, in the order in which the
// groups begin.
func byCode(list []Resource) [][]Resource {
	parent := make([]int, len(list))
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := map[string]int{}
	for i, res := range list {
		parent[i] = i
		for _, code := range codesOf(res) {
			if j, ok := first[code]; ok {
				a, b := root(i), root(j)
				parent[max(a, b)] = min(a, b)
			} else {
				first[code] = i
			}
		}
	}
	var groups [][]Resource
	place := map[int]int{}
	for i, res := range list {
		at, ok := place[root(i)]
		if !ok {
			at = len(groups)
			place[root(i)] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], res)
	}
	return groups
}

func codesOf(res Resource) []string {
	code := res.Root().Get("code")
	var out []string
	for coding := range code.All("coding") {
		if text := coding.Get("code").Text(); text != "" {
			out = append(out, "c"+coding.Get("system").Text()+"\x00"+text)
		}
	}
	if len(out) == 0 {
		out = []string{"t" + code.Get("text").Text()}
	}
	return out
}

// effective is when an observation was true: its time, the start of its period,
// or the time it was issued. Who has none comes last.
func effective(res Resource) time.Time {
	at := res.Root().Get("effective")
	for _, n := range []fhir.Node{at, at.Get("start"), at.Get("end"), at.Get("event"), res.Root().Get("issued")} {
		text := n.Text()
		for _, form := range []string{time.RFC3339Nano, "2006-01-02", "2006-01", "2006"} {
			if t, err := time.Parse(form, text); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}
