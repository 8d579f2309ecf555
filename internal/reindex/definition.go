package reindex

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// definition is what a SearchParameter resource says of how to index.
type definition struct {
	Source     string   `json:"source"` // logical id of the resource
	URL        string   `json:"url"`
	Code       string   `json:"code"`
	Type       string   `json:"type"`
	Base       []string `json:"base"`
	Targets    []string `json:"targets,omitempty"`
	Expression string   `json:"expression"`
}

// read takes a SearchParameter apart; ok is false if it is not active.
func read(r *fhir.Resource) (d definition, ok bool) {
	root := r.Root()
	d = definition{
		Source: r.ID(), URL: root.Get("url").Text(), Code: root.Get("code").Text(),
		Type: root.Get("type").Text(), Expression: root.Get("expression").Text(),
	}
	for b := range root.All("base") {
		d.Base = append(d.Base, b.Text())
	}
	for t := range root.All("target") {
		d.Targets = append(d.Targets, t.Text())
	}
	d.Base = concrete(d.Base)
	slices.Sort(d.Targets)
	return d, root.Get("status").Text() == "active"
}

// concrete replaces the abstract types by the resources they stand for.
func concrete(types []string) []string {
	var out []string
	for _, typ := range types {
		if typ != "Resource" && typ != "DomainResource" {
			out = append(out, typ)
			continue
		}
		for t := range r4.Resources {
			if name := t.String(); typ == "Resource" || name != "Bundle" && name != "Binary" && name != "Parameters" {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// digest tells a definition from a changed one.
func (d definition) digest() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		d.Source, d.Code, d.Type, strings.Join(d.Base, ","), strings.Join(d.Targets, ","), d.Expression,
	}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Reasons for which a definition is not indexed. They go into its status.
const (
	reasonOwn        = "The server has a parameter of that code for one of the base types, and answers by its own definition."
	reasonType       = "Composite and special parameters cannot be added."
	reasonExpression = "The parameter has no expression, or one that is not FHIRPath that this server evaluates."
	reasonBase       = "The base is not a resource type of FHIR R4."
	reasonCode       = "The code begins with _ or $, or has other characters than letters, digits, hyphens and underscores."
	reasonMany       = "The server has as many added parameters as it takes."
)

// maxAdded bounds the parameters: every write evaluates those of its type.
const maxAdded = 500

// maxEver bounds those that were ever indexed, the retired among them: these are
// kept, because old versions were indexed by them.
const maxEver = 5000

// parameter makes the definition's search parameter, or gives the reason why
// there can be none.
func (d definition) parameter(number uint32, compile Compile) (*search.Parameter, string) {
	for _, typ := range d.Base {
		if !fhir.IsResource(typ) {
			return nil, reasonBase
		}
	}
	if len(d.Base) == 0 {
		return nil, reasonBase
	}
	if d.Code == "" || strings.ContainsAny(d.Code[:1], "_$") || strings.Trim(strings.ToLower(d.Code), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return nil, reasonCode
	}
	for _, typ := range d.Base {
		if slices.ContainsFunc(search.Params(typ), func(p search.ParamInfo) bool { return p.Code == d.Code }) {
			return nil, reasonOwn
		}
	}
	if d.Expression == "" {
		return nil, reasonExpression
	}
	eval, err := compile(d.Expression)
	if err != nil {
		return nil, reasonExpression
	}
	p := &search.Parameter{Number: number, Code: d.Code, Type: d.Type, Base: d.Base, Targets: d.Targets, Eval: eval, Expression: d.Expression}
	if _, err := search.Base().With(p); err != nil {
		if fault.Is(err, fault.Conflict) {
			return nil, "" // another number will do
		}
		return nil, reasonType
	}
	return p, ""
}
