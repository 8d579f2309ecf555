package fhirhttp

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// termRoutes are the operations of the terminology service (FHIR R4 4.7).
func (s *server) termRoutes() []route {
	var list []route
	add := func(name, definition string, serve handler, patterns ...string) {
		for _, pattern := range patterns {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				list = append(list, route{
					method: method, pattern: pattern + "/$" + name, serve: serve, asks: []string{authz.Read},
					op: &operation{name: name, definition: "http://hl7.org/fhir/OperationDefinition/" + definition},
				})
			}
		}
	}
	add("expand", "ValueSet-expand", s.handleExpand, "ValueSet", "ValueSet/{id}")
	add("validate-code", "ValueSet-validate-code", s.handleInValueSet, "ValueSet", "ValueSet/{id}")
	add("validate-code", "CodeSystem-validate-code", s.handleInCodeSystem, "CodeSystem", "CodeSystem/{id}")
	add("lookup", "CodeSystem-lookup", s.handleLookup, "CodeSystem")
	add("subsumes", "CodeSystem-subsumes", s.handleSubsumes, "CodeSystem", "CodeSystem/{id}")
	add("translate", "ConceptMap-translate", s.handleTranslate, "ConceptMap", "ConceptMap/{id}")
	return list
}

// terminologyCapabilities tells how the operations work, for mode=terminology.
func (s *server) terminologyCapabilities() (*fhir.Resource, error) {
	var params []object
	for _, name := range []string{
		"activeOnly", "check-system-version", "count", "designation", "displayLanguage", "exclude-system", "excludeNested", "excludeNotForUI",
		"excludePostCoordinated", "filter", "force-system-version", "includeDefinition", "includeDesignations", "offset", "system-version",
	} {
		params = append(params, object{"name": name})
	}
	src, err := json.Marshal(object{
		"resourceType":   "TerminologyCapabilities",
		"status":         "active",
		"date":           s.Released.UTC().Format(time.RFC3339),
		"kind":           "instance",
		"software":       object{"name": "Wardkeep", "version": s.Version},
		"implementation": object{"description": "The code systems of HL7 FHIR R4, and those that are stored here", "url": s.Base},
		"expansion":      object{"hierarchical": true, "paging": true, "incomplete": false, "parameter": params, "textFilter": "Every word stands in the display or the code, whatever its case."},
		"validateCode":   object{"translations": false},
		"translation":    object{"needsMap": false},
	})
	if err != nil {
		return nil, err
	}
	return fhir.Parse(src)
}

// question is one call of an operation: what it is given, before it is asked.
type question struct {
	*query
	nodes map[string]fhir.Node   // values that are no primitives, and resources
	parts map[string][]fhir.Node // parameters with parts
	typ   string
	id    string
	wrong string // the first complaint about a parameter
}

// questionOf reads the parameters of a terminology operation.
func questionOf(r *http.Request, typ string) (*question, error) {
	q := &question{nodes: map[string]fhir.Node{}, parts: map[string][]fhir.Node{}, typ: typ, id: r.PathValue("id")}
	var err error
	if r.Method != http.MethodPost || !isParameters(r) {
		if q.query, err = argumentsOf(r); err != nil {
			return q, err
		}
		return q, q.once()
	}
	if q.query, err = queryOf(r); err != nil {
		return q, err
	}
	given, err := parametersOf(r)
	if err != nil {
		return q, err
	}
	for p := range given.Root().All("parameter") {
		name, value := p.Get("name").Text(), p.Get("value")
		switch {
		case value.IsPrimitive():
			q.params = append(q.params, search.Param{Key: name, Value: value.Text()})
			continue
		case p.Get("part").Exists():
			q.parts[name] = append(q.parts[name], p)
			continue
		case !value.Exists():
			value = p.Get("resource")
		}
		if _, twice := q.nodes[name]; twice || !value.Exists() {
			return q, fault.New(fault.Invalid, "fhirhttp.questionOf", "A parameter is given twice, or has no value.")
		}
		q.nodes[name] = value
	}
	return q, q.once()
}

// severalTimes are the parameters that may be given more than once.
var severalTimes = map[string]bool{
	"property": true, "designation": true, "exclude-system": true,
	"system-version": true, "check-system-version": true, "force-system-version": true,
}

// once refuses a parameter that is given twice: one of them would be passed over.
func (q *question) once() error {
	seen := map[string]bool{}
	for _, p := range q.params {
		if seen[p.Key] && !severalTimes[p.Key] {
			return fault.New(fault.Invalid, "fhirhttp.once", "A parameter is given twice.")
		}
		seen[p.Key] = true
	}
	return nil
}

// every takes all values of a parameter.
func (q *question) every(name string) []string {
	var list []string
	for _, p := range q.params {
		if p.Key == name {
			list = append(list, p.Value)
		}
	}
	q.take(name)
	return list
}

// unable are parameters of R4 that this server has no means for, and what to do
// instead.
var unable = [...]struct{ name, remedy string }{
	{"date", "Definitions count as they are now: leave date out, and name a version instead."},
	{"context", "Value sets are not found by the element they are bound to: name the value set by url."},
	{"contextDirection", "Value sets are not found by the element they are bound to: name the value set by url."},
}

// refuseUnable complains about what cannot be done here.
func (q *question) refuseUnable() {
	for _, p := range unable {
		if q.take(p.name) != "" {
			q.complain(p.remedy)
		}
	}
}

// isParameters reports whether the body is a FHIR resource and not a form.
func isParameters(r *http.Request) bool {
	return r.ContentLength != 0 && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// node takes a value that is no primitive.
func (q *question) node(name string) fhir.Node {
	n := q.nodes[name]
	delete(q.nodes, name)
	return n
}

// resource takes a resource of a type, nil if none is given.
func (q *question) resource(name, typ string) *fhir.Resource {
	n := q.node(name)
	res := n.Resource()
	if n.Exists() && (res == nil || res.Type() != typ) {
		q.complain(name + " must be a " + typ + ".")
		return nil
	}
	return res
}

// flag takes a boolean.
func (q *question) flag(name string) bool {
	switch q.take(name) {
	case "", "false":
	case "true":
		return true
	default:
		q.complain(name + " is true or false.")
	}
	return false
}

// maxCodings bounds the codings of one concept: each may be looked up in many
// definitions.
const maxCodings = 100

// codings takes a code, in one of the ways in which it may be given: two of them
// at once are refused. system is the parameter that names its system.
func (q *question) codings(system string) []terminology.Coding {
	versionName := "version"
	if q.typ == "ValueSet" {
		versionName = "systemVersion"
	}
	one := terminology.Coding{System: q.take(system), Version: q.take(versionName), Code: q.take("code"), Display: q.take("display")}
	coding, concept := q.node("coding"), q.node("codeableConcept")
	ways := 0
	for _, given := range []bool{one.Code != "", coding.Exists(), concept.Exists()} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		q.complain("Give one of code, coding and codeableConcept.")
		return nil
	}
	if one.Code != "" {
		return []terminology.Coding{one}
	}
	if coding.Exists() {
		return []terminology.Coding{q.agreed(codingOf(coding), one)}
	}
	if one != (terminology.Coding{}) {
		q.complain("A codeableConcept comes without system, version and display: its codings have their own.")
	}
	var list []terminology.Coding
	for c := range concept.All("coding") {
		list = append(list, codingOf(c))
	}
	if len(list) > maxCodings {
		q.complain("A concept with so many codings is not looked at.")
		return nil
	}
	return list
}

// agreed returns a coding with what is said of it beside it, which MUST NOT be
// something else.
func (q *question) agreed(c, beside terminology.Coding) terminology.Coding {
	for _, m := range [...]struct {
		have *string
		said string
	}{{&c.System, beside.System}, {&c.Version, beside.Version}, {&c.Display, beside.Display}} {
		switch {
		case *m.have == "":
			*m.have = m.said
		case m.said != "" && m.said != *m.have:
			q.complain("The coding has another system, version or display than the parameters beside it.")
		}
	}
	return c
}

func codingOf(n fhir.Node) terminology.Coding {
	return terminology.Coding{
		System: n.Get("system").Text(), Version: n.Get("version").Text(), Code: n.Get("code").Text(), Display: n.Get("display").Text(),
	}
}

func (q *question) complain(text string) {
	if q.wrong == "" {
		q.wrong = text
	}
}

// done refuses what is left over and what was wrong.
func (q *question) done(r *http.Request, names string) error {
	if err := q.only(r, names); err != nil {
		return err
	}
	if len(q.nodes) > 0 || len(q.parts) > 0 {
		q.complain("This operation takes only " + names + ".")
	}
	if q.wrong != "" {
		return fault.New(fault.Invalid, "fhirhttp.question", q.wrong)
	}
	return nil
}

// subject is the definition a question is about: the record of an instance, a
// resource given, or a canonical address.
func (q *question) subject(given *fhir.Resource, url, version string) (address string, err error) {
	ways := 0
	for _, used := range []bool{q.id != "", given != nil, url != ""} {
		if used {
			ways++
		}
	}
	if ways != 1 {
		return "", fault.New(fault.Invalid, "fhirhttp.subject", "Name the "+q.typ+" in one way: by its id in the address, by url, or by sending it.")
	}
	if version != "" && url == "" {
		return "", fault.New(fault.Invalid, "fhirhttp.subject", "A version of the "+q.typ+" goes with its url.")
	}
	if version != "" {
		url += "|" + version
	}
	return url, nil
}

// put puts the question to the chart and answers with what answer makes of it
// once the audit entry is durable.
func (s *server) put(w http.ResponseWriter, r *http.Request, actor chart.Actor, q *question, name string, ask func(*terminology.Service, *fhir.Resource) ([]byte, error)) error {
	var body []byte
	err := s.Chart.Terminology(r.Context(), actor, name, q.typ, q.id, func(service *terminology.Service, stored *fhir.Resource) (err error) {
		body, err = ask(service, stored)
		return err
	})
	if err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, body)
	return nil
}
