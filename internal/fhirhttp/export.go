package fhirhttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// bulkRoutes are Bulk Data Access 2.0, and the jobs that it and respond-async
// make.
func (s *server) bulkRoutes() []route {
	const defs = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
	look := []string{authz.Read, authz.Search}
	own := "it tells the caller of jobs of his own, and no record"
	var list []route
	for _, method := range []string{"GET", "POST"} {
		for pattern, definition := range map[string]string{"$export": "export", "Patient/$export": "patient-export", "Group/{id}/$export": "group-export"} {
			list = append(list, route{
				method: method, pattern: pattern, serve: s.handleExport, asks: look, alone: true,
				op: &operation{name: "export", definition: defs + definition},
			})
		}
	}
	slices.SortFunc(list, func(a, b route) int { return strings.Compare(a.pattern+a.method, b.pattern+b.method) })
	return append(list,
		route{method: "GET", pattern: "Group/$export", serve: handleNoGroup, free: "it only tells how the address goes on", alone: true},
		route{method: "POST", pattern: "Group/$export", serve: handleNoGroup, free: "it only tells how the address goes on", alone: true},
		route{
			method: "POST", pattern: "$import", serve: s.handleImport, asks: []string{authz.Create, authz.Update, authz.Read}, alone: true,
			op: &operation{name: "import", definition: s.Base + "/OperationDefinition/import"},
		},
		route{method: "GET", pattern: "$job/{job}", serve: s.handleJob, free: own, alone: true},
		route{method: "DELETE", pattern: "$job/{job}", serve: s.handleJobCancel, free: own, alone: true},
		route{method: "GET", pattern: "$job/{job}/{file}", serve: s.handleJobFile, asks: look, alone: true},
	)
}

func handleNoGroup(http.ResponseWriter, *http.Request, chart.Actor) error {
	return fault.New(fault.Invalid, "fhirhttp.handleNoGroup", "Say which group: Group/{id}/$export.")
}

// ndjson are the names of the one format of files.
var ndjson = []string{"", fhirNDJSON, "application/fhir ndjson", "application/ndjson", "ndjson"}

func (s *server) handleExport(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if !preferences(r).async {
		return fault.New(fault.Invalid, "fhirhttp.handleExport", "An export is a job: send Prefer: respond-async.")
	}
	spec, err := exportSpec(r)
	if err != nil {
		return err
	}
	spec.Types, err = s.Chart.PlanExport(r.Context(), actor, chart.ExportOrder{
		Query: strings.TrimPrefix(r.URL.RequestURI(), "/fhir/"), Types: spec.Types, Filters: spec.Filters,
		Compartment: spec.Compartment, Group: spec.Group, Patients: spec.Patients,
	})
	if err != nil {
		return err
	}
	return s.submit(w, r, actor, bulk.ExportKind, spec)
}

// exportSpec reads the parameters of $export.
func exportSpec(r *http.Request) (bulk.ExportSpec, error) {
	spec := bulk.ExportSpec{Group: r.PathValue("id"), Compartment: r.PathValue("type") != ""}
	q, err := argumentsOf(r)
	if err != nil {
		return spec, err
	}
	if err := accepts(r, q.take("_format")); err != nil {
		return spec, err
	}
	q.take("_pretty")
	if !slices.Contains(ndjson, q.take("_outputFormat")) {
		return spec, fault.New(fault.Invalid, "fhirhttp.exportSpec", "_outputFormat is application/fhir+ndjson.")
	}
	spec.Types, spec.Elements = q.all("_type"), q.all("_elements")
	if err := knownTypes(spec.Types); err != nil {
		return spec, err
	}
	if spec.Since, err = chart.Instant(strings.ReplaceAll(q.take("_since"), " ", "+")); err != nil {
		return spec, err
	}
	if spec.Filters, err = typeFilters(q.every("_typeFilter")); err != nil {
		return spec, err
	}
	if spec.Compartment && r.Method == http.MethodPost {
		if spec.Patients, err = patientIDs(q.all("patient")); err != nil {
			return spec, err
		}
	}
	// What is left is not served, includeAssociatedData among it.
	if len(q.params) > 0 && !preferences(r).lenient {
		return spec, fault.New(fault.Invalid, "fhirhttp.exportSpec", "An export takes _outputFormat, _type, _since, _typeFilter and _elements, and by POST of patients or a Group, patient. Leave the rest out, or send Prefer: handling=lenient.")
	}
	return spec, nil
}

// every returns the values of a parameter as they are, and removes them.
func (q *query) every(name string) []string {
	var list []string
	for _, p := range q.params {
		if p.Key == name {
			list = append(list, p.Value)
		}
	}
	q.take(name)
	return list
}

// typeFilters reads searches such as "Observation?code=1,Condition?code=2". A
// comma parts two searches where a type and a question mark follow it.
func typeFilters(values []string) (map[string][][]search.Param, error) {
	filters := map[string][][]search.Param{}
	for _, value := range values {
		var each []string
		for part := range strings.SplitSeq(value, ",") {
			typ, _, ok := strings.Cut(part, "?")
			if ok && fhir.IsResource(typ) {
				each = append(each, part)
			} else if len(each) > 0 {
				each[len(each)-1] += "," + part
			} else {
				return nil, errTypeFilter
			}
		}
		for _, text := range each {
			typ, rest, _ := strings.Cut(text, "?")
			params, err := chart.ParseQuery(rest)
			if err != nil || len(params) == 0 {
				return nil, errTypeFilter
			}
			filters[typ] = append(filters[typ], params)
		}
	}
	return filters, nil
}

var errTypeFilter = fault.New(fault.Invalid, "fhirhttp.typeFilters", "_typeFilter lists searches such as Observation?code=2823-3, by commas.")

// patientIDs reads references to patients of this server. None stay nil.
func patientIDs(refs []string) ([]string, error) {
	var ids []string
	for _, ref := range refs {
		l := fhir.ParseLiteral(ref)
		if l.Base != "" || l.Type != "Patient" || l.ID == "" {
			return nil, fault.New(fault.Invalid, "fhirhttp.patientIDs", "patient is a reference such as Patient/123.")
		}
		ids = append(ids, l.ID)
	}
	return ids, nil
}
