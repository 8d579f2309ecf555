package fhirhttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
)

// route is one line of the API. The table of them is the single source of what
// is served: requests are routed by it, and the CapabilityStatement is made of
// it, so neither can say anything that the other does not.
type route struct {
	method  string
	pattern string // below /fhir: "{type}/{id}"; a name in braces takes one part
	does    string // codes of interactions, by spaces; "" for an operation
	op      *operation
	types   []string // the resource types it is for; nil: all
	// asks are the actions that are put to policy. A route that asks nothing
	// MUST touch no record, and says in free why.
	asks   []string
	free   string
	public bool // needs no token
	alone  bool // cannot be an entry of a batch or transaction
	// affects: the operation may change what is stored, so that a transaction
	// cannot carry it.
	affects bool
	// claims are members of CapabilityStatement.rest.resource that it keeps.
	claims object
	serve  handler

	steps []step // of the pattern
}

// operation is a named operation (FHIR R4 3.2). One may have several routes.
type operation struct {
	name       string // without $
	definition string // canonical address of its OperationDefinition
}

// handler answers for an authenticated actor, the zero one on public routes; an
// error becomes an OperationOutcome. It MUST write nothing before it can no
// longer fail.
type handler func(w http.ResponseWriter, r *http.Request, actor chart.Actor) error

// table is all routes; of two that fit a request, the first one counts. A part
// in braces never takes what begins with _ or $.
func (s *server) table() []route {
	return slices.Concat(
		s.ownRoutes(), s.operationRoutes(), s.systemRoutes(), s.typeRoutes(), s.instanceRoutes(),
	)
}

// ownRoutes tell of the server itself.
func (s *server) ownRoutes() []route {
	return []route{{
		method: "GET", pattern: "metadata", does: "capabilities", serve: s.handleMetadata,
		free: "it tells what is served, and nothing of the data", public: true,
	}}
}

// operationRoutes are the named operations: one line for each method and level.
func (s *server) operationRoutes() []route {
	return slices.Concat(s.recordRoutes(), s.unmaskRoutes(), s.termRoutes(), s.validateRoutes(), s.subscriptionRoutes(), s.indexRoutes(), s.bulkRoutes())
}

func (s *server) systemRoutes() []route {
	return []route{{
		method: "GET", does: "search-system", serve: s.handleSearch, asks: []string{authz.Search},
	}, {
		method: "POST", pattern: "_search", does: "search-system", serve: s.handleSearchForm, asks: []string{authz.Search},
	}, {
		method: "POST", does: "transaction batch", serve: s.handleBundle, alone: true,
		asks: []string{authz.Read, authz.Search, authz.Create, authz.Update, authz.Patch, authz.Delete},
	}, {
		method: "GET", pattern: "_history", does: "history-system", serve: s.handleHistory, asks: []string{authz.HistoryType},
	}}
}

func (s *server) typeRoutes() []route {
	return []route{{
		method: "GET", pattern: "{type}", does: "search-type", serve: s.handleSearch, asks: []string{authz.Search},
	}, {
		method: "POST", pattern: "{type}/_search", does: "search-type", serve: s.handleSearchForm, asks: []string{authz.Search},
	}, {
		method: "GET", pattern: "{type}/_history", does: "history-type", serve: s.handleHistory, asks: []string{authz.HistoryType},
	}, {
		method: "POST", pattern: "{type}", does: "create", serve: s.handleCreate, asks: []string{authz.Create},
		claims: object{"conditionalCreate": true},
	}, {
		method: "PUT", pattern: "{type}", does: "update", serve: s.handleUpdateWhere, asks: []string{authz.Update, authz.Search},
		claims: object{"conditionalUpdate": true},
	}, {
		method: "PATCH", pattern: "{type}", does: "patch", serve: s.handlePatchWhere, asks: []string{authz.Patch, authz.Read, authz.Search},
	}, {
		method: "DELETE", pattern: "{type}", does: "delete", serve: s.handleDeleteWhere, asks: []string{authz.Delete, authz.Search},
		claims: object{"conditionalDelete": "single"},
	}}
}

func (s *server) instanceRoutes() []route {
	return []route{{
		method: "GET", pattern: "Binary/{id}", does: "read", serve: s.handleReadBinary, asks: []string{authz.Read},
	}, {
		method: "GET", pattern: "Binary/{id}/_history/{version}", does: "vread", serve: s.handleReadBinary, asks: []string{authz.VRead},
	}, {
		method: "GET", pattern: "{type}/{id}", does: "read", serve: s.handleRead, asks: []string{authz.Read},
		claims: object{"conditionalRead": "full-support"},
	}, {
		method: "GET", pattern: "{type}/{id}/_history/{version}", does: "vread", serve: s.handleVRead, asks: []string{authz.VRead},
		claims: object{"versioning": "versioned", "readHistory": true},
	}, {
		method: "GET", pattern: "{type}/{id}/_history", does: "history-instance", serve: s.handleHistory, asks: []string{authz.History},
	}, {
		method: "PUT", pattern: "{type}/{id}", does: "update", serve: s.handleUpdate, asks: []string{authz.Update},
		claims: object{"updateCreate": true},
	}, {
		method: "PATCH", pattern: "{type}/{id}", does: "patch", serve: s.handlePatch, asks: []string{authz.Patch, authz.Read},
	}, {
		method: "DELETE", pattern: "{type}/{id}", does: "delete", serve: s.handleDelete, asks: []string{authz.Delete},
	}, {
		method: "GET", pattern: "{type}/{id}/{member}", does: "search-type", types: compartments, serve: s.handleSearch, asks: []string{authz.Search},
	}, {
		method: "POST", pattern: "{type}/{id}/{member}/_search", does: "search-type", types: compartments, serve: s.handleSearchForm, asks: []string{authz.Search},
	}}
}

// compartments are the types that have one (FHIR R4 2.10): {member} is a type in
// it, or *.
var compartments = []string{"Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"}

// level is where a route is called: system, type or instance (FHIR R4 3.2.0.1).
func (rt *route) level() string {
	first, rest, _ := strings.Cut(rt.pattern, "/")
	switch {
	case strings.HasPrefix(rest, "{id}"):
		return "instance"
	case first == "{type}" || first != "" && first[0] >= 'A' && first[0] <= 'Z':
		return "type"
	}
	return "system"
}

// changes reports whether the answer is to a change, which Prefer: return is about;
// what an operation returns is what was asked for.
func (rt *route) changes() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete"}, rt.does)
}

// serves reports whether the route is for a type of resource.
func (rt *route) serves(typ string) bool {
	if rt.level() == "system" {
		return false
	}
	if first, _, _ := strings.Cut(rt.pattern, "/"); first != "{type}" {
		return first == typ
	}
	return rt.types == nil || slices.Contains(rt.types, typ)
}
