package fhirhttp

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// handleMetadata tells what is served (FHIR R4 2.19, CapabilityStatement). It is
// open to everybody and says nothing of the data.
func (s *server) handleMetadata(w http.ResponseWriter, r *http.Request) {
	q, err := queryOf(r)
	if err == nil {
		err = accepts(r, q.take("_format"))
	}
	if err != nil {
		Fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, s.capability)
}

type object map[string]any

func (s *server) capabilityStatement() ([]byte, error) {
	var resources []object
	for t := range r4.Resources {
		resources = append(resources, capabilityOf(t.String()))
	}
	return json.Marshal(object{
		"resourceType": "CapabilityStatement",
		"status":       "active",
		"date":         s.Released.UTC().Format(time.RFC3339),
		"kind":         "instance",
		"fhirVersion":  "4.0.1",
		"format":       []string{"json", fhirJSON},
		"software":     object{"name": "Wardkeep", "version": s.Version},
		"implementation": object{
			"description": "Wardkeep FHIR R4 server", "url": s.Base,
		},
		"rest": []object{{
			"mode":        "server",
			"security":    s.security(),
			"resource":    resources,
			"interaction": []object{{"code": "transaction"}, {"code": "batch"}},
		}},
	})
}

func (s *server) security() object {
	uris := "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
	return object{
		"cors": false,
		"service": []object{{"coding": []object{{
			"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR",
		}}}},
		"extension": []object{{
			"url":       uris,
			"extension": []object{{"url": "token", "valueUri": s.TokenURL}},
		}},
		"description": "Bearer tokens by OAuth 2.0 client credentials (SMART Backend Services scopes).",
	}
}

func capabilityOf(typ string) object {
	var params []object
	for _, p := range search.Params(typ) {
		params = append(params, object{"name": p.Code, "type": p.Type})
	}
	interactions := []object{}
	for _, code := range []string{"read", "vread", "update", "delete", "history-instance", "create", "search-type"} {
		interactions = append(interactions, object{"code": code})
	}
	out := object{
		"type": typ, "interaction": interactions,
		"versioning": "versioned-update", "readHistory": true, "updateCreate": true,
		"conditionalCreate": true, "conditionalRead": "full-support",
		"conditionalUpdate": true, "conditionalDelete": "single",
		"referencePolicy": []string{"literal", "logical", "local"},
	}
	if len(params) > 0 {
		out["searchParam"] = params
	}
	if includes := search.IncludeNames(typ); len(includes) > 0 {
		out["searchInclude"] = includes
	}
	return out
}
