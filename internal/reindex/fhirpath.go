package reindex

import (
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

// FHIRPath is the Compile of SearchParameter.expression. What resolve() finds is
// known by its type alone, as the reference tells it: a record is indexed the
// same whether its target exists or not (see fhir.EvalSource).
func FHIRPath(expression string) (func(r *fhir.Resource, visit func(n fhir.Node, computed string)) error, error) {
	expr, err := path.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("reindex.FHIRPath: %w", err)
	}
	return func(r *fhir.Resource, visit func(n fhir.Node, computed string)) error {
		found, err := expr.Eval(&path.Env{Resolve: typeOnly, AsFilters: true, Steps: maxSteps}, r.Root())
		if err != nil {
			return fmt.Errorf("reindex.FHIRPath: %w", err)
		}
		for _, v := range found {
			visit(v.Node(), v.Text())
		}
		return nil
	}, nil
}

// maxSteps bounds what one expression may cost a write.
const maxSteps = 20_000

func typeOnly(ref string) (*fhir.Resource, error) {
	target := fhir.ParseLiteral(ref)
	if !fhir.IsResource(target.Type) || !fhir.ValidID(target.ID) {
		return nil, nil
	}
	return fhir.Parse([]byte(`{"resourceType":"` + target.Type + `","id":"` + target.ID + `"}`))
}
