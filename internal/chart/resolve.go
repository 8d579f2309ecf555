package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// resolve rewrites the references of a resource to the records they mean (FHIR
// R4 3.1.0.11.2 and .3).
func (t *transaction) resolve(ctx context.Context, res *fhir.Resource) (*fhir.Resource, error) {
	var failed error
	rewritten, err := res.Rewrite(func(ref string) (string, bool) {
		if failed != nil {
			return "", false
		}
		var local string
		local, failed = t.meant(ctx, ref)
		return local, failed == nil && local != ""
	})
	if failed != nil {
		return nil, failed
	}
	if err == nil && len(t.names) > 0 {
		rewritten = rewritten.RewriteLinks(t.names)
	}
	if err != nil || !bytes.Contains(rewritten.JSON(), []byte(asVersionSpecific)) {
		return rewritten, err
	}
	return t.pin(ctx, rewritten)
}

// meant returns what a reference becomes, "" if it stays as it is. One to a
// version becomes one to the version that the transaction makes; a fragment stays.
func (t *transaction) meant(ctx context.Context, ref string) (string, error) {
	if local, ok := t.names[ref]; ok {
		return local, nil
	}
	if whole, fragment, ok := strings.Cut(ref, "#"); ok && t.names[whole] != "" {
		return t.names[whole] + "#" + fragment, nil
	}
	if whole, _, ok := strings.Cut(ref, "/_history/"); ok && t.names[whole] != "" {
		return t.versioned(ctx, t.names[whole])
	}
	typ, where, ok := conditionalReference(ref)
	if !ok {
		return "", nil
	}
	if local, ok := t.found[ref]; ok {
		return local, nil
	}
	match, _, err := t.chart.match(ctx, t.req, typ, where)
	if err == nil && match == nil {
		err = &fault.Error{
			Kind: fault.Precondition, Op: "chart.resolve", Err: ErrUnresolved,
			Public: "A conditional reference finds no record.",
		}
	}
	if err != nil {
		return "", err
	}
	t.found[ref] = typ + "/" + match.TypeID.ID
	return t.found[ref], nil
}

// versioned adds to a local reference the version that the record will have once
// the transaction is through. Of a record that is not among its entries nothing
// is told.
func (t *transaction) versioned(ctx context.Context, local string) (string, error) {
	for i := range t.steps {
		s, e := &t.steps[i], &t.entries[i]
		if s.target.typ+"/"+s.id != local || !e.changes() {
			continue
		}
		version := uint64(1)
		if s.plan.found != nil {
			version = s.plan.found.Version
		} else if e.Method != "POST" {
			current, err := t.chart.vault.Get(ctx, typeIDOf(s.target.typ, s.id))
			if err != nil {
				return "", err
			}
			version = current.Version + 1
		}
		return local + "/_history/" + strconv.FormatUint(version, 10), nil
	}
	return local, nil
}

func (e *Entry) changes() bool { return !e.After && e.Method != "GET" && e.Method != "HEAD" }

// asVersionSpecific marks a reference that a transaction is to make one to a
// version; the mark is taken away
// (http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific).
const asVersionSpecific = "http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific"

// pin does what asVersionSpecific asks for.
func (t *transaction) pin(ctx context.Context, res *fhir.Resource) (*fhir.Resource, error) {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(res.JSON()))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, fault.Wrap(fault.Internal, "chart.pin", err)
	}
	if err := t.pinIn(ctx, tree); err != nil {
		return nil, err
	}
	src, err := json.Marshal(tree)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "chart.pin", err)
	}
	return fhir.Parse(src)
}

func (t *transaction) pinIn(ctx context.Context, node any) error {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			if err := t.pinIn(ctx, child); err != nil {
				return err
			}
		}
	case map[string]any:
		if ref, ok := node["reference"].(string); ok && unmark(node) {
			versioned, err := t.versioned(ctx, ref)
			if err != nil {
				return err
			}
			node["reference"] = versioned
		}
		for _, child := range node {
			if err := t.pinIn(ctx, child); err != nil {
				return err
			}
		}
	}
	return nil
}

// unmark takes the mark off a reference and reports whether it asked for a version.
func unmark(reference map[string]any) (asked bool) {
	list, _ := reference["extension"].([]any)
	var rest []any
	for _, e := range list {
		ext, _ := e.(map[string]any)
		if ext["url"] == asVersionSpecific {
			asked = asked || ext["valueBoolean"] == true
			continue
		}
		rest = append(rest, e)
	}
	if len(rest) == 0 {
		delete(reference, "extension")
	} else {
		reference["extension"] = rest
	}
	return asked
}
