package fhirhttp

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// validateRoutes are $validate (FHIR R4, Resource-validate).
func (s *server) validateRoutes() []route {
	op := &operation{name: "validate", definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate"}
	asks := []string{authz.Read, authz.Create, authz.Update, authz.Delete}
	return []route{
		{method: "POST", pattern: "{type}/$validate", op: op, asks: asks, serve: s.handleValidate},
		{method: "POST", pattern: "{type}/{id}/$validate", op: op, asks: asks, serve: s.handleValidate},
		{method: "GET", pattern: "{type}/{id}/$validate", op: op, asks: asks, serve: s.handleValidate},
	}
}

// handleValidate answers with an OperationOutcome. A resource that is not valid
// is no failure of the operation: the status is 200.
func (s *server) handleValidate(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	vr, err := validateRequest(r)
	if err != nil {
		return err
	}
	issues, err := s.Chart.Validate(r.Context(), actor, vr)
	if err != nil {
		return err
	}
	writeResource(w, r, http.StatusOK, fhir.OutcomeOf(issues...))
	return nil
}

// validateRequest reads what is to be validated: the resource as the body, or in
// Parameters with mode and profile, which may stand in the address as well.
func validateRequest(r *http.Request) (vr chart.ValidateRequest, err error) {
	vr = chart.ValidateRequest{Type: r.PathValue("type"), ID: r.PathValue("id")}
	q, err := queryOf(r)
	if err != nil {
		return vr, err
	}
	vr.Mode, vr.Profiles = q.take("mode"), q.all("profile")
	if err := q.only(r, "resource, mode and profile"); err != nil {
		return vr, err
	}
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		res, err := body(r)
		var broken *fault.Error
		if errors.As(err, &broken) && broken.Kind == fault.Invalid && len(broken.Issues) > 0 {
			vr.Broken = broken.Issues
			return vr, nil
		}
		if err != nil {
			return vr, err
		}
		if err := takeParameters(&vr, res); err != nil {
			return vr, err
		}
	}
	return vr, checkValidate(vr)
}

// takeParameters reads the body. Parameters that hold no parameter of the
// operation are the resource to be validated themselves.
func takeParameters(vr *chart.ValidateRequest, res *fhir.Resource) error {
	if res.Type() != "Parameters" || vr.Type == "Parameters" && !isInvocation(res) {
		vr.Resource = res
		return nil
	}
	for p := range res.Root().All("parameter") {
		value := p.Get("value").Text()
		switch name := p.Get("name").Text(); {
		case name == "resource" && vr.Resource == nil && p.Get("resource").Exists():
			vr.Resource = p.Get("resource").Resource().Detach()
		case name == "mode" && vr.Mode == "" && value != "":
			vr.Mode = value
		case name == "profile" && value != "":
			vr.Profiles = append(vr.Profiles, strings.TrimSpace(value))
		default:
			return fault.New(fault.Invalid, "fhirhttp.takeParameters", "This operation takes the parameters resource and mode once each, and profile.")
		}
	}
	return nil
}

func isInvocation(res *fhir.Resource) bool {
	for p := range res.Root().All("parameter") {
		if p.Get("name").Text() == "resource" {
			return true
		}
	}
	return false
}

// checkValidate refuses what does not go together.
func checkValidate(vr chart.ValidateRequest) error {
	refuse := func(text string) error { return fault.New(fault.Invalid, "fhirhttp.checkValidate", text) }
	switch {
	case !slices.Contains([]string{"", "create", "update", "delete", "profile"}, vr.Mode):
		return refuse("mode is one of create, update, delete and profile.")
	case vr.ID == "" && (vr.Mode == "update" || vr.Mode == "delete"):
		return refuse("This mode is about a record: call it at " + vr.Type + "/[id]/$validate.")
	case vr.ID != "" && vr.Mode == "create":
		return refuse("A creation is validated at " + vr.Type + "/$validate.")
	case vr.Resource == nil && vr.Mode != "delete" && (vr.ID == "" || vr.Mode == "update"):
		return refuse("Send the resource, as the body or as the parameter resource of Parameters.")
	case vr.Resource != nil && vr.Resource.Type() != vr.Type:
		return errWrongType
	case vr.Resource != nil && vr.Mode == "update" && vr.Resource.ID() != vr.ID:
		return refuse("The resource has another id than the address.")
	}
	return nil
}
