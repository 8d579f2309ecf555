package profile

import (
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// constraint is one invariant (ElementDefinition.constraint).
type constraint struct {
	key, severity, human, expression string
}

// checkedKeys are invariants that hold for whatever fhir.Parse has taken.
var checkedKeys = map[string]bool{"ele-1": true, "ext-1": true}

func (c *compiler) constrain(e *element, d fhir.Node) error {
	for k := range d.All("constraint") {
		key, expression := k.Get("key").Text(), k.Get("expression").Text()
		if expression == "" || checkedKeys[key] {
			continue
		}
		e.constraints = append(e.constraints, constraint{key: key, expression: expression, severity: k.Get("severity").Text(), human: k.Get("human").Text()})
	}
	return nil
}

// inherited leaves out what the definitions of FHIR itself say: every resource is
// checked against those anyway.
func (c *compiler) inherited() {}

func (w *walk) constrained(n fhir.Node, e *element, source string) {}

func (w *walk) selects(expression string, n fhir.Node) bool { return true }
