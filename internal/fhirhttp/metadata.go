package fhirhttp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// handleMetadata tells what is served (FHIR R4 3.1.0.9). It is open to everybody
// and says nothing of the data.
func (s *server) handleMetadata(w http.ResponseWriter, r *http.Request, _ chart.Actor) error {
	q, err := queryOf(r)
	if err != nil {
		return err
	}
	mode := q.take("mode")
	v, err := q.view(r)
	if err != nil {
		return err
	}
	if v.subset.Summary == fhir.SummaryCount {
		return fault.New(fault.Invalid, "fhirhttp.handleMetadata", "_summary=count is for searches.")
	}
	switch mode {
	case "", "full", "normative": // all that is stated is normative in R4
		stated, err := s.statement(r.Context())
		if err != nil {
			return err
		}
		w.Header().Set("ETag", stated.tag)
		if r.Header.Get("If-None-Match") == stated.tag && v.subset.IsWhole() {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		writeResource(w, r, http.StatusOK, v.apply(stated.resource))
		return nil
	case "terminology":
		writeResource(w, r, http.StatusOK, v.apply(s.terms))
		return nil
	}
	return fault.New(fault.Invalid, "fhirhttp.handleMetadata", "mode is one of full, normative, terminology.")
}

type object map[string]any

// statement is the CapabilityStatement as long as catalog and profiles are the same.
type statement struct {
	catalog  *search.Catalog
	profiles *chart.Profiles
	resource *fhir.Resource
	tag      string
}

func (s *server) statement(ctx context.Context) (*statement, error) {
	catalog := s.Chart.Catalog()
	profiles, err := s.Chart.Profiles(ctx)
	if err != nil {
		return nil, err
	}
	if have := s.stated.Load(); have != nil && have.catalog == catalog && have.profiles == profiles {
		return have, nil
	}
	resource, err := s.capabilityStatement(catalog, profiles)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "fhirhttp.statement", err)
	}
	made := &statement{catalog: catalog, profiles: profiles, resource: resource, tag: fmt.Sprintf(`W/"%x"`, sha256.Sum256(resource.JSON()))}
	s.stated.Store(made)
	return made, nil
}

// capabilityStatement makes the statement of the table of routes.
func (s *server) capabilityStatement(catalog *search.Catalog, profiles *chart.Profiles) (*fhir.Resource, error) {
	var resources []object
	for t := range r4.Resources {
		of := s.capabilityOf(t.String(), catalog)
		if list := profiles.Of(t.String()); len(list) > 0 {
			of["supportedProfile"] = list
		}
		resources = append(resources, of)
	}
	rest := object{
		"mode": "server", "security": s.security(), "resource": resources,
		"interaction": s.interactions(func(rt *route) bool { return rt.level() == "system" && rt.does != "capabilities" }),
	}
	if !s.NamesInURLs {
		rest["documentation"] = "Values that may tell of people, such as names, identifiers, birth dates and texts, are refused in addresses (400): search for them by POST to [type]/_search, and send conditional changes in a Bundle. Programs may be registered as exceptions."
	}
	if list := s.operations(func(rt *route) bool { return rt.level() == "system" }); len(list) > 0 {
		rest["operation"] = list
	}
	src, err := json.Marshal(object{
		"resourceType": "CapabilityStatement",
		"status":       "active",
		"date":         s.Released.UTC().Format(time.RFC3339),
		"kind":         "instance",
		"fhirVersion":  "4.0.1",
		"format":       []string{"json", fhirJSON, "xml", fhirXML},
		"patchFormat":  []string{chart.JSONPatch, chart.MergePatch, fhirJSON, fhirXML},
		"software":     object{"name": "Wardkeep", "version": s.Version},
		"implementation": object{
			"description": "Wardkeep FHIR R4 server", "url": s.Base,
		},
		"rest": []object{rest},
	})
	if err != nil {
		return nil, err
	}
	return fhir.Parse(src)
}

func (s *server) security() object {
	uris := "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
	oauth := strings.TrimSuffix(s.TokenURL, "token")
	return object{
		"cors": len(s.Origins) > 0 || s.AllowOrigin != nil,
		"service": []object{{"coding": []object{{
			"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR",
		}}}},
		"extension": []object{{
			"url": uris,
			"extension": []object{
				{"url": "authorize", "valueUri": oauth + "authorize"}, {"url": "token", "valueUri": s.TokenURL},
				{"url": "introspect", "valueUri": oauth + "introspect"}, {"url": "revoke", "valueUri": oauth + "revoke"},
			},
		}},
		"description": "Bearer tokens by SMART App Launch: authorization code for apps that act for people, client credentials for programs of their own.",
	}
}

// interactions lists the codes of the routes that count, each once.
func (s *server) interactions(counts func(*route) bool) []object {
	list, seen := []object{}, map[string]bool{}
	for i := range s.routes {
		rt := &s.routes[i]
		if !counts(rt) {
			continue
		}
		for code := range strings.FieldsSeq(rt.does) {
			if !seen[code] {
				seen[code] = true
				list = append(list, object{"code": code})
			}
		}
	}
	return list
}

// operations lists the operations of the routes that count, each once.
func (s *server) operations(counts func(*route) bool) []object {
	var list []object
	seen := map[operation]bool{}
	for i := range s.routes {
		if rt := &s.routes[i]; rt.op != nil && counts(rt) && !seen[*rt.op] {
			seen[*rt.op] = true
			list = append(list, object{"name": rt.op.name, "definition": rt.op.definition})
		}
	}
	return list
}

func (s *server) capabilityOf(typ string, catalog *search.Catalog) object {
	serves := func(rt *route) bool { return rt.serves(typ) }
	out := object{
		"type": typ, "profile": "http://hl7.org/fhir/StructureDefinition/" + typ,
		"interaction":     s.interactions(serves),
		"referencePolicy": []string{"literal", "logical", "local"},
	}
	for i := range s.routes {
		if rt := &s.routes[i]; rt.serves(typ) {
			maps.Copy(out, rt.claims)
		}
	}
	if list := s.operations(serves); len(list) > 0 {
		out["operation"] = list
	}
	if !slices.ContainsFunc(s.routes, func(rt route) bool { return rt.does == "search-type" && rt.serves(typ) }) {
		return out
	}
	var params []object
	for _, p := range catalog.Params(typ) {
		params = append(params, object{"name": p.Code, "type": p.Type})
	}
	if len(params) > 0 {
		out["searchParam"] = params
	}
	if includes := catalog.IncludeNames(typ); len(includes) > 0 {
		out["searchInclude"] = includes
	}
	return out
}
