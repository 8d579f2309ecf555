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
	for _, name := range []string{"activeOnly", "count", "displayLanguage", "excludeNested", "excludeNotForUI", "filter", "includeDefinition", "includeDesignations", "offset"} {
		params = append(params, object{"name": name})
	}
	src, err := json.Marshal(object{
		"resourceType":   "TerminologyCapabilities",
		"status":         "active",
		"date":           s.Released.UTC().Format(time.RFC3339),
		"kind":           "instance",
		"software":       object{"name": "Wardkeep", "version": s.Version},
		"implementation": object{"description": "The code systems of HL7 FHIR R4, and those that are stored here", "url": s.Base},
		"expansion":      object{"hierarchical": false, "paging": true, "incomplete": false, "parameter": params, "textFilter": "Every word stands in the display or the code, whatever its case."},
		"validateCode":   object{"translations": false},
		"translation":    object{"needsMap": false},
		"closure":        object{"translation": false},
	})
	if err != nil {
		return nil, err
	}
	return fhir.Parse(src)
}

// question is one call of an operation: what it is given, before it is asked.
type question struct {
	*query
	nodes map[string]fhir.Node // values that are no primitives, and resources
	typ   string
	id    string
	wrong string // the first complaint about a parameter
}

// questionOf reads the parameters of a terminology operation.
func questionOf(r *http.Request, typ string) (*question, error) {
	q := &question{nodes: map[string]fhir.Node{}, typ: typ, id: r.PathValue("id")}
	var err error
	if r.Method != http.MethodPost || !isParameters(r) {
		q.query, err = argumentsOf(r)
		return q, err
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
		case !value.Exists():
			value = p.Get("resource")
		}
		if _, twice := q.nodes[name]; twice || !value.Exists() {
			return q, fault.New(fault.Invalid, "fhirhttp.questionOf", "A parameter is given twice, or has no value.")
		}
		q.nodes[name] = value
	}
	return q, nil
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
	one := terminology.Coding{
		System: q.take(system), Version: q.take("version") + q.take("systemVersion"), Code: q.take("code"), Display: q.take("display"),
	}
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
	var list []terminology.Coding
	for c := range concept.All("coding") {
		list = append(list, codingOf(c))
	}
	if len(list) > maxCodings {
		q.complain("A concept with so many codings is not looked at.")
		return nil
	}
	if coding.Exists() {
		list = append(list, codingOf(coding))
	}
	return list
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
	if len(q.nodes) > 0 {
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
	if url != "" && version != "" {
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
	writeJSON(w, http.StatusOK, body)
	return nil
}
