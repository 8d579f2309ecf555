package fhirhttp

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// handleExpand is ValueSet/$expand.
func (s *server) handleExpand(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := questionOf(r, "ValueSet")
	if err != nil {
		return err
	}
	req := terminology.ExpandRequest{
		Resource: q.resource("valueSet", "ValueSet"), Filter: q.take("filter"), Language: q.take("displayLanguage"),
		Designations: q.flag("includeDesignations"), ActiveOnly: q.flag("activeOnly"), SelectableOnly: q.flag("excludeNotForUI"),
		Offset: q.natural("offset", 0), Count: q.natural("count", -1), Nested: q.nested(),
		DesignationsOf: q.uses(), ExcludeSystems: q.every("exclude-system"),
		Versions: terminology.Versions{Default: q.versions("system-version"), Check: q.versions("check-system-version"), Force: q.versions("force-system-version")},
	}
	whole := q.flag("includeDefinition")
	q.flag("excludePostCoordinated") // there are none
	q.refuseUnable()
	url, version := q.take("url"), q.take("valueSetVersion")
	if err := q.done(r, "url, valueSet, valueSetVersion, filter, offset, count, includeDesignations, designation, includeDefinition, activeOnly, excludeNested, excludeNotForUI, excludePostCoordinated, displayLanguage, exclude-system, system-version, check-system-version and force-system-version"); err != nil {
		return err
	}
	if req.ValueSet, err = q.subject(req.Resource, url, version); err != nil {
		return err
	}
	return s.put(w, r, actor, q, "expand", func(service *terminology.Service, stored *fhir.Resource) ([]byte, error) {
		if stored != nil {
			req.Resource = stored
		}
		e, err := service.Expand(r.Context(), req)
		if err != nil {
			return nil, err
		}
		return json.Marshal(expansion(e, req, whole))
	})
}

// nested takes excludeNested. An answer is flat unless it is asked to nest codes:
// only what is flat has pages.
func (q *question) nested() bool {
	text := q.take("excludeNested")
	if text != "" && text != "true" && text != "false" {
		q.complain("excludeNested is true or false.")
	}
	return text == "false"
}

// uses takes designation: tokens of uses and languages.
func (q *question) uses() []terminology.Use {
	var list []terminology.Use
	for _, token := range q.every("designation") {
		system, code, found := strings.Cut(token, "|")
		if !found {
			system, code = "", system
		}
		if code == "" {
			q.complain("designation is code or system|code, of a use or of a language.")
		}
		list = append(list, terminology.Use{System: system, Code: code})
	}
	return list
}

// versions takes versions of code systems: system|version each.
func (q *question) versions(name string) map[string]string {
	out := map[string]string{}
	for _, canonical := range q.every(name) {
		url, version, _ := strings.Cut(canonical, "|")
		if url == "" || version == "" || out[url] != "" {
			q.complain(name + " is system|version, once for each system.")
		}
		out[url] = version
	}
	return out
}

// natural takes a number from 0 on.
func (q *question) natural(name string, absent int) int {
	text := q.take(name)
	if text == "" {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		q.complain(name + " is a number from 0 on.")
	}
	return n
}

// expansion is the ValueSet that answers.
func expansion(e terminology.Expansion, req terminology.ExpandRequest, whole bool) object {
	out := object{"resourceType": "ValueSet", "status": "active"}
	if e.URL != "" {
		out["url"] = e.URL
	}
	names := []string{"url", "version", "name", "title", "status", "experimental"}
	if whole {
		names = append(names, "compose")
	}
	for _, name := range names {
		if e.ValueSet == nil { // an implicit one
			break
		}
		if raw := e.ValueSet.Root().Get(name).Raw(); raw != nil {
			out[name] = json.RawMessage(raw)
		}
	}
	contains := contained(e.Contains)
	list := object{
		"identifier": "urn:uuid:" + chart.NewID(), "timestamp": e.Timestamp.Format(time.RFC3339), "total": e.Total,
	}
	if len(contains) > 0 {
		list["contains"] = contains
	}
	if params := usedParameters(e, req); len(params) > 0 {
		list["parameter"] = params
	}
	if !req.Nested && (req.Offset > 0 || req.Count >= 0) {
		list["offset"] = req.Offset
	}
	out["expansion"] = list
	return out
}

// contained nests the codes of an expansion as they stand in each other.
func contained(list []terminology.Contained) []object {
	made := make([]object, len(list))
	inner := map[int][]int{}
	for i := range list {
		made[i] = containedOf(&list[i])
		inner[list[i].Within] = append(inner[list[i].Within], i)
	}
	var gather func(place int) []object
	gather = func(place int) []object {
		out := make([]object, len(inner[place]))
		for k, i := range inner[place] {
			if out[k] = made[i]; len(inner[i+1]) > 0 {
				out[k]["contains"] = gather(i + 1)
			}
		}
		return out
	}
	return gather(0)
}

// usedParameters tells what the expansion was made with.
func usedParameters(e terminology.Expansion, req terminology.ExpandRequest) []object {
	var out []object
	add := func(name, typ string, value any) { out = append(out, object{"name": name, "value" + typ: value}) }
	if req.Filter != "" {
		add("filter", "String", req.Filter)
	}
	if req.Language != "" {
		add("displayLanguage", "Code", req.Language)
	}
	if req.Offset > 0 && !req.Nested {
		add("offset", "Integer", req.Offset)
	}
	if req.Count == 0 || req.Count > 0 && !req.Nested {
		add("count", "Integer", req.Count)
	}
	names := [...]string{"activeOnly", "excludeNotForUI", "includeDesignations"}
	for i, on := range [...]bool{req.ActiveOnly, req.SelectableOnly, req.Designations} {
		if on {
			add(names[i], "Boolean", true)
		}
	}
	if req.Nested {
		add("excludeNested", "Boolean", false)
	}
	for _, u := range req.DesignationsOf {
		add("designation", "String", strings.TrimPrefix(u.System+"|"+u.Code, "|"))
	}
	for _, system := range req.ExcludeSystems {
		add("exclude-system", "Uri", system)
	}
	modes := [...]string{"system-version", "check-system-version", "force-system-version"}
	for i, versions := range [...]map[string]string{req.Versions.Default, req.Versions.Check, req.Versions.Force} {
		for _, url := range slices.Sorted(maps.Keys(versions)) {
			add(modes[i], "Uri", url+"|"+versions[url])
		}
	}
	for _, used := range e.Used {
		add("version", "Uri", used)
	}
	return out
}

func containedOf(c *terminology.Contained) object {
	out := object{"code": c.Code}
	set := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	set("system", c.System)
	set("version", c.Version)
	set("display", c.Display)
	if c.Abstract {
		out["abstract"] = true
	}
	if c.Inactive {
		out["inactive"] = true
	}
	var list []object
	for _, d := range c.Designations {
		o := object{"value": d.Value}
		if d.Language != "" {
			o["language"] = d.Language
		}
		if use := d.Use.Raw(); use != nil {
			o["use"] = json.RawMessage(use)
		}
		list = append(list, o)
	}
	if list != nil {
		out["designation"] = list
	}
	return out
}

// handleInValueSet is ValueSet/$validate-code.
func (s *server) handleInValueSet(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := questionOf(r, "ValueSet")
	if err != nil {
		return err
	}
	req := terminology.ValidateRequest{Resource: q.resource("valueSet", "ValueSet"), Codings: q.codings("system"), Concrete: q.concrete(), Language: q.take("displayLanguage")}
	q.refuseUnable()
	url, version := q.take("url"), q.take("valueSetVersion")
	if err := q.done(r, "url, valueSet, valueSetVersion, code, system, systemVersion, display, displayLanguage, coding, codeableConcept and abstract"); err != nil {
		return err
	}
	for _, c := range req.Codings {
		if c.System == "" {
			return errNoSystem
		}
	}
	if req.ValueSet, err = q.subject(req.Resource, url, version); err != nil {
		return err
	}
	return s.put(w, r, actor, q, "validate-code", func(service *terminology.Service, stored *fhir.Resource) ([]byte, error) {
		if stored != nil {
			req.Resource = stored
		}
		return validated(service.ValidateCode(r.Context(), req))
	})
}

// concrete reads abstract: false says that an abstract code is none to use.
func (q *question) concrete() bool {
	switch q.take("abstract") {
	case "", "true":
	case "false":
		return true
	default:
		q.complain("abstract is true or false.")
	}
	return false
}

var errNoSystem = fault.New(fault.Invalid, "fhirhttp.codings", "Give each code with its system.")

// validated answers $validate-code. What cannot be told is an error and not a no.
func validated(v terminology.Validation, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if v.Verdict == terminology.Unknown {
		return nil, &fault.Error{
			Kind: fault.Unprocessable, Op: "fhirhttp.validated", Public: v.Message,
			Issues: []fault.Issue{{Code: "not-supported", Text: v.Message}},
		}
	}
	parts := []object{{"name": "result", "valueBoolean": v.Verdict == terminology.Valid}}
	switch {
	case v.Message != "":
		parts = append(parts, object{"name": "message", "valueString": v.Message})
	case v.Inactive:
		parts = append(parts, object{"name": "message", "valueString": "The code is no longer to be used."})
	}
	if v.Display != "" {
		parts = append(parts, object{"name": "display", "valueString": v.Display})
	}
	return parameters(parts)
}

func parameters(parts []object) ([]byte, error) {
	out := object{"resourceType": "Parameters"}
	if len(parts) > 0 {
		out["parameter"] = parts
	}
	return json.Marshal(out)
}
