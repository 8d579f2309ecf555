package testscript

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Target is the server under test.
type Target struct {
	Base      string // of the FHIR API
	Client    *http.Client
	Authorize func(*http.Request)
	Dir       string // where the files of fixtures lie
	// Eval finds the values of a FHIRPath expression in a resource's JSON.
	Eval func(resource []byte, expression string) ([]string, error)
}

// Result is how one test went.
type Result struct {
	Script, Test string
	Asserts      int
	Failures     []string
	Warnings     []string
}

// exchange is a request and its answer.
type exchange struct {
	method, url string
	sent        []byte
	status      int
	header      http.Header
	body        []byte
}

// run is one script under way.
type run struct {
	Target
	ctx      context.Context
	script   *Script
	fixtures map[string][]byte
	answers  map[string]*exchange
	requests map[string]*exchange
	last     *exchange
	made     []string // addresses of what autodelete takes away
	result   *Result
}

// Run runs every test of a script and says how each went. Setup and teardown are
// part of all results: if they fail, so does every test.
func Run(ctx context.Context, target Target, script *Script) []Result {
	r := &run{
		Target: target, ctx: ctx, script: script,
		fixtures: map[string][]byte{}, answers: map[string]*exchange{}, requests: map[string]*exchange{},
	}
	setup := Result{}
	r.result = &setup
	if err := r.load(); err != nil {
		setup.Failures = append(setup.Failures, err.Error())
	}
	if script.Setup != nil && len(setup.Failures) == 0 {
		r.actions(script.Setup.Action)
	}
	var results []Result
	for _, t := range script.Test {
		result := Result{Script: script.Name, Test: t.Name, Failures: append([]string(nil), setup.Failures...)}
		r.result = &result
		if len(setup.Failures) == 0 {
			r.actions(t.Action)
			if result.Asserts == 0 {
				result.Failures = append(result.Failures, "the test asserts nothing")
			}
		}
		results = append(results, result)
	}
	end := Result{}
	r.result = &end
	if script.Teardown != nil {
		r.actions(script.Teardown.Action)
	}
	for _, url := range r.made {
		if _, err := r.send(http.MethodDelete, url, nil, nil); err != nil {
			end.Failures = append(end.Failures, err.Error())
		}
	}
	for i := range results {
		results[i].Failures = append(results[i].Failures, end.Failures...)
	}
	return results
}

// actions carries out one after the other; what fails ends them.
func (r *run) actions(list []Action) {
	for i, a := range list {
		var err error
		switch {
		case a.Operation != nil && a.Assert == nil:
			err = r.operation(a.Operation)
		case a.Assert != nil && a.Operation == nil:
			r.result.Asserts++
			err = r.assert(a.Assert)
			if err != nil && a.Assert.WarningOnly {
				r.result.Warnings = append(r.result.Warnings, err.Error())
				continue
			}
		default:
			err = errors.New("an action is an operation or an assertion")
		}
		if err != nil {
			r.result.Failures = append(r.result.Failures, fmt.Sprintf("action %d: %v", i+1, err))
			return
		}
	}
}

// load reads the fixtures and creates those that ask for it.
func (r *run) load() error {
	for _, f := range r.script.Fixture {
		text, err := r.fixture(f.Resource.Reference)
		if err != nil {
			return fmt.Errorf("fixture %s: %w", f.ID, err)
		}
		r.fixtures[f.ID] = text
		if !f.Autocreate {
			continue
		}
		typ, id := named(text)
		method, url := http.MethodPost, r.Base+"/"+typ
		if id != "" {
			method, url = http.MethodPut, url+"/"+id
		}
		x, err := r.send(method, url, text, nil)
		if err == nil && x.status >= 300 {
			err = fmt.Errorf("not created: %d", x.status)
		}
		if err != nil {
			return fmt.Errorf("fixture %s: %w", f.ID, err)
		}
		r.answers[f.ID] = x
		if _, id = named(x.body); f.Autodelete {
			r.made = append(r.made, r.Base+"/"+typ+"/"+id)
		}
	}
	return nil
}

func (r *run) fixture(reference string) ([]byte, error) {
	if id, contained := strings.CutPrefix(reference, "#"); contained {
		for _, text := range r.script.Contains {
			if _, have := named(text); have == id {
				return anonymous(text)
			}
		}
		return nil, errors.New("it is not contained")
	}
	if !filepath.IsLocal(reference) {
		return nil, errors.New("fixtures are contained or lie beside the script")
	}
	return os.ReadFile(filepath.Join(r.Dir, reference))
}

// anonymous takes the id off a contained resource: it is the script's, not the server's.
func anonymous(text []byte) ([]byte, error) {
	var resource map[string]any
	if err := json.Unmarshal(text, &resource); err != nil {
		return nil, err
	}
	delete(resource, "id")
	return json.Marshal(resource)
}

// named returns type and id of a resource.
func named(text []byte) (typ, id string) {
	var head struct{ ResourceType, ID string }
	if json.Unmarshal(text, &head) != nil {
		return "", ""
	}
	return head.ResourceType, head.ID
}

// send makes one request, and again if the server says that it was too early.
func (r *run) send(method, url string, body []byte, header http.Header) (*exchange, error) {
	for try := 0; ; try++ {
		x, err := r.sendOnce(method, url, body, header)
		if err != nil || x.status != http.StatusTooManyRequests || try == maxTries {
			return x, err
		}
		pause, err := strconv.Atoi(x.header.Get("Retry-After"))
		if err != nil {
			return x, nil
		}
		select {
		case <-time.After(time.Duration(min(pause, 10)) * time.Second):
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		}
	}
}

const maxTries = 3

func (r *run) sendOnce(method, url string, body []byte, header http.Header) (*exchange, error) {
	req, err := http.NewRequestWithContext(r.ctx, method, url, strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/fhir+json")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/fhir+json")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if r.Authorize != nil {
		r.Authorize(req)
	}
	resp, err := r.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return &exchange{method: method, url: url, sent: body, status: resp.StatusCode, header: resp.Header, body: text}, err
}
