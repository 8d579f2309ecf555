// Package portaltest lets tests and developers see the portal's pages without a
// hospital behind them: a fake chart, fake accounts, a handful of patients who
// are awkward on purpose, and a browser.
package portaltest

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
)

// FakeChart answers the few searches that pages make from memory. It asks no
// policy and writes no audit; it is for looking at pages, never for care.
type FakeChart struct {
	mu        sync.Mutex
	resources []*fhir.Resource
	former    map[string]*fhir.Resource
	fail      map[string]error // by "patient type", or "patient" for all of it
	Views     []portal.ViewRequest
	Kept      time.Time // what each View says
	Beyond    []string  // types that no role reaches
}

// NewFakeChart returns a chart of resources.
func NewFakeChart(resources []*fhir.Resource) *FakeChart {
	return &FakeChart{resources: resources, former: map[string]*fhir.Resource{}, fail: map[string]error{}}
}

// Fail makes the searches for a type of a patient fail; an empty type makes the
// whole patient fail.
func (c *FakeChart) Fail(patient, typ string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail[strings.TrimSpace(patient+" "+typ)] = err
}

// Replace swaps a resource for its next version; the old one becomes the former.
func (c *FakeChart) Replace(r *fhir.Resource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, old := range c.resources {
		if old.Type() == r.Type() && old.ID() == r.ID() {
			c.former[r.Type()+"/"+r.ID()] = old
			c.resources[i] = r
			return
		}
	}
	c.resources = append(c.resources, r)
}

// View implements portal.Chart.
func (c *FakeChart) View(_ context.Context, _ identity.Actor, req portal.ViewRequest) (*portal.View, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Views = append(c.Views, req)
	view := &portal.View{Kept: c.Kept}
	if req.Patient != "" {
		if err := c.fail[req.Patient]; err != nil {
			return nil, err
		}
		if view.Patient = c.get("Patient", req.Patient); view.Patient == nil {
			return nil, fault.New(fault.NotFound, "portaltest.View", "")
		}
	}
	for _, s := range req.Searches {
		view.Parts = append(view.Parts, c.search(s))
	}
	return view, nil
}

// Read implements portal.Chart.
func (c *FakeChart) Read(_ context.Context, _ identity.Actor, typ, id string) (*fhir.Resource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.get(typ, id); r != nil {
		return r, nil
	}
	return nil, fault.New(fault.NotFound, "portaltest.Read", "")
}

// Former implements portal.Chart.
func (c *FakeChart) Former(_ context.Context, _ identity.Actor, typ, id string) (*fhir.Resource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.former[typ+"/"+id], nil
}

// Reaches implements portal.Chart.
func (c *FakeChart) Reaches(_ identity.Actor, typ string) bool {
	return !slices.Contains(c.Beyond, typ)
}

func (c *FakeChart) get(typ, id string) *fhir.Resource {
	for _, r := range c.resources {
		if r.Type() == typ && r.ID() == id {
			return r
		}
	}
	return nil
}

func (c *FakeChart) search(text string) portal.Part {
	typ, query, _ := strings.Cut(text, "?")
	params, err := url.ParseQuery(query)
	if err != nil {
		return portal.Part{Err: err}
	}
	if err := c.fail[params.Get("patient")+" "+typ]; err != nil {
		return portal.Part{Err: err}
	}
	var part portal.Part
	for _, r := range c.resources {
		if r.Type() == typ && matches(r, params) {
			part.Resources = append(part.Resources, r)
		}
	}
	for _, inc := range params["_include"] {
		_, element, _ := strings.Cut(inc, ":")
		for _, r := range part.Resources {
			part.Included = append(part.Included, c.included(r, element)...)
		}
	}
	return part
}

func (c *FakeChart) included(r *fhir.Resource, element string) []*fhir.Resource {
	if element == "patient" {
		element = "subject"
	}
	typ, id, ok := strings.Cut(r.Root().Get(element).Get("reference").Text(), "/")
	if !ok {
		return nil
	}
	if found := c.get(typ, id); found != nil {
		return []*fhir.Resource{found}
	}
	return nil
}

func matches(r *fhir.Resource, params url.Values) bool {
	root := r.Root()
	about := root.Get("subject").Get("reference").Text() + root.Get("patient").Get("reference").Text()
	for key, values := range params {
		for _, v := range values {
			ok := true
			switch key {
			case "beneficiary":
				ok = root.Get("beneficiary").Get("reference").Text() == "Patient/"+v
			case "patient":
				ok = about == "Patient/"+v
			case "subject":
				ok = slices.Contains(strings.Split(v, ","), about)
			case "_id":
				ok = r.ID() == v
			case "status":
				ok = slices.Contains(strings.Split(v, ","), root.Get("status").Text())
			case "category":
				ok = root.Get("category").Get("coding").Get("code").Text() == v[strings.LastIndexByte(v, '|')+1:]
			case "code":
				ok = slices.ContainsFunc(strings.Split(v, ","), func(token string) bool {
					return strings.HasSuffix(token, "|"+root.Get("code").Get("coding").Get("code").Text())
				})
			case "identifier":
				ok = root.Get("identifier").Get("value").Text() == v
			case "birthdate":
				ok = slices.Contains(strings.Split(v, ","), root.Get("birthDate").Text())
			case "name":
				ok = named(root, v)
			}
			if !ok {
				return false
			}
		}
	}
	return true
}

func named(patient fhir.Node, start string) bool {
	for n := range patient.All("name") {
		parts := []string{n.Get("family").Text(), n.Get("text").Text()}
		for g := range n.All("given") {
			parts = append(parts, g.Text())
		}
		for _, p := range parts {
			if strings.HasPrefix(strings.ToLower(p), strings.ToLower(start)) {
				return true
			}
		}
	}
	return false
}
