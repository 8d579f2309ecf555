package fhirhttp

import (
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

// opaque refuses a request that has in its address what may tell of people, unless the
// setting, or the program's registration, lets it: addresses lie in histories, and in the
// logs of what is between.
func (s *server) opaque(r *http.Request, rt *route, actor chart.Actor) error {
	if s.NamesInURLs || actor.NamesInURLs || r.URL.RawQuery == "" {
		return nil
	}
	params, err := chart.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	catalog, typ := s.Chart.Catalog(), r.PathValue("type")
	if member := r.PathValue("member"); member != "" {
		typ = strings.TrimPrefix(member, "*")
	}
	for _, p := range params {
		ok := true
		switch {
		case p.Key == "_typeFilter":
			ok = opaqueFilter(catalog, p.Value)
		case rt.op == nil:
			ok = catalog.Opaque(typ, p)
		case rt.op.name == "lastn":
			ok = p.Key == "max" || catalog.Opaque("Observation", p)
		}
		if !ok {
			return fault.New(fault.Invalid, "fhirhttp.opaque", "This server takes no values in addresses that may tell of people. Send a search by POST to [type]/_search with its parameters in the body, and a conditional change in a Bundle. For a program that cannot, its operator can ask the administrator for leave.")
		}
	}
	return nil
}

// opaqueFilter looks at searches that narrow an export: Type?query, apart by commas.
func opaqueFilter(catalog *search.Catalog, value string) bool {
	for one := range strings.SplitSeq(value, ",") {
		typ, query, ok := strings.Cut(one, "?")
		params, err := chart.ParseQuery(query)
		if !ok || err != nil {
			return false
		}
		for _, p := range params {
			if !catalog.Opaque(typ, p) {
				return false
			}
		}
	}
	return true
}
