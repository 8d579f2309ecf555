// Package patch changes resources by patch documents: JSON Patch (RFC 6902),
// JSON Merge Patch (RFC 7396) and FHIRPath Patch
// (http://hl7.org/fhir/R4/fhirpatch.html). What is not changed keeps its place
// and its digits, and the result is parsed like any resource that comes in.
//
// Faults are of kind Invalid if the patch document itself is malformed, and of
// kind Unprocessable if it cannot be applied to the resource or gives none.
package patch

import (
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

const (
	maxPatch      = 4 << 20 // bytes of a patch document
	maxOperations = 1000
)

// ErrTest is in the chain of the fault that tells that an operation test of a
// JSON Patch found another value than it names.
var ErrTest = errors.New("the test of the patch failed")

func malformed(op, what string) error {
	return fault.New(fault.Invalid, op, "The patch is malformed: "+what+".")
}

// refused returns the fault of an operation, counted from 0.
func refused(op string, at int, what string) error {
	return fault.New(fault.Unprocessable, op, fmt.Sprintf("Operation %d of the patch (counted from 0) cannot be applied: %s.", at, what))
}

// finish makes the resource of a patched text. It must still be the same one.
func finish(op string, old *fhir.Resource, text []byte) (*fhir.Resource, error) {
	res, err := fhir.Parse(text)
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Kind == fault.Invalid {
			return nil, &fault.Error{Kind: fault.Unprocessable, Op: op, Err: err, Issues: f.Issues,
				Public: "With the patch applied, the resource breaks the structure of FHIR R4. The issues name each place."}
		}
		return nil, err
	}
	if res.Type() != old.Type() || res.ID() != old.ID() {
		return nil, fault.New(fault.Unprocessable, op, "A patch must change neither the type nor the id of a resource.")
	}
	return res, nil
}

// Merge applies a JSON Merge Patch.
func Merge(res *fhir.Resource, doc []byte) (*fhir.Resource, error) {
	const op = "patch.Merge"
	patch, err := readDocument(op, doc)
	if err != nil {
		return nil, err
	}
	if patch.kind != '{' {
		return nil, malformed(op, "a merge patch of a resource is a JSON object")
	}
	tree, err := readTree(res.JSON())
	if err != nil {
		return nil, fault.Wrap(fault.TooLarge, op, err)
	}
	return finish(op, res, merge(tree, patch).append(nil))
}

// merge is MergePatch of RFC 7396 §2.
func merge(target, patch *value) *value {
	if patch.kind != '{' {
		return patch
	}
	if target == nil || target.kind != '{' {
		target = &value{kind: '{'}
	}
	for _, m := range patch.members {
		if m.value.isNull() {
			target.remove(m.name)
		} else {
			target.set(m.name, merge(target.get(m.name), m.value))
		}
	}
	return target
}

func readDocument(op string, doc []byte) (*value, error) {
	if len(doc) > maxPatch {
		return nil, fault.New(fault.TooLarge, op, "The patch is larger than this server takes.")
	}
	v, err := readTree(doc)
	if err != nil {
		return nil, malformed(op, "it is not JSON, or names a member twice, or is nested too deeply")
	}
	return v, nil
}
