package profile

import (
	"errors"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// rules are what FHIR says of a kind of resource in words, beside invariants.
func (w *walk) rules(n fhir.Node) {
	if n.TypeID() == r4.Bundle {
		w.bundleRules(n)
		return
	}
	w.times(n)
	switch n.TypeID().String() {
	case "StructureDefinition":
		w.structureDefinition(n)
	case "CodeSystem":
		w.codeSystem(n)
	case "ValueSet":
		w.valueSet(n)
	case "SearchParameter":
		w.searchParameter(n)
	case "CapabilityStatement":
		w.capabilityStatement(n)
	case "Observation":
		w.vitalSign(n)
	}
}

// structureDefinition: what a profile changes must be there in its base (FHIR R4
// 5.1.0.11), so that a snapshot can be made of it.
func (w *walk) structureDefinition(n fhir.Node) {
	differential := n.Get("differential")
	if !differential.Exists() || n.Get("derivation").Text() != "constraint" || n.Get("kind").Text() == "logical" {
		return
	}
	p := &Profile{URL: n.Get("url").Text(), base: n.Get("baseDefinition").Text(), constraint: true}
	base, err := w.v.load(w.ctx, p.base, 1)
	if err == nil && base == nil {
		w.note("profile "+p.base, n.Get("baseDefinition"), "", "not-found", "The base is not loaded; the differential was not checked.")
		return
	}
	if err == nil {
		c := &compiler{v: w.v, ctx: w.ctx, p: p, depth: 1}
		err = c.differential(differential)
	}
	switch {
	case err != nil && !errors.Is(err, errDefinition):
		w.stop(err)
	case err != nil:
		w.report(issueError, "invalid", differential, "", "No snapshot can be made of the definition: "+reason(err)+".")
	}
}

// codeSystem: CodeSystem.supplements and content say the same (FHIR R4 4.8.9).
func (w *walk) codeSystem(n fhir.Node) {
	supplements, content := n.Get("supplements").Exists(), n.Get("content").Text()
	if supplements != (content == "supplement") {
		w.report(issueError, "invalid", n.Get("content"), "", "content is supplement where supplements says of what, and nowhere else.")
	}
}

// valueSet: a filter on a property that FHIR defines as a boolean has a boolean
// (FHIR R4 4.8.5, concept properties), and a constraint of SNOMED CT is one of its
// expression constraint language; a code that is listed is one of its system.
func (w *walk) valueSet(n fhir.Node) {
	for _, part := range []string{"include", "exclude"} {
		for include := range n.Get("compose").All(part) {
			system, _, _ := strings.Cut(include.Get("system").Text(), "|")
			snomed := system == snomedCT
			for concept := range include.All("concept") {
				if code := concept.Get("code").Text(); code != "" {
					w.inSystem(concept, Code{System: system, Version: include.Get("version").Text(), Code: code})
				}
			}
			for filter := range include.All("filter") {
				property, value := filter.Get("property").Text(), filter.Get("value").Text()
				if (property == "notSelectable" || property == "inactive") && filter.Get("op").Text() == "=" && value != "" && value != "true" && value != "false" {
					w.report(issueError, "value", filter.Get("value"), "", "The property is a boolean: the value is true or false.")
				}
				if snomed && property == "constraint" && filter.Get("op").Text() == "=" && badECL(value) {
					w.report(issueError, "value", filter.Get("value"), "", "The value is not an expression constraint of SNOMED CT: operators and operands do not stand in turn.")
				}
			}
		}
	}
}

// searchParameter: the expression starts from the resources it is for, and a
// composite has parts (FHIR R4 6.5.4).
func (w *walk) searchParameter(n fhir.Node) {
	if n.Get("type").Text() == "composite" {
		parts := 0
		for range n.All("component") {
			parts++
		}
		if parts < 2 {
			w.report(issueError, "required", n, "", "A composite has at least two components.")
		}
	}
	expression := n.Get("expression")
	starts := startsOf(expression.Text())
	for base := range n.All("base") {
		if len(starts) > 0 && !starts[base.Text()] && !starts["Resource"] && !starts["DomainResource"] && base.Text() != "Resource" && base.Text() != "DomainResource" {
			w.report(issueError, "invalid", expression, "", "No part of the expression starts from a resource type that base names.")
		}
	}
}

// startsOf are the resource types the parts of an expression start from; none if
// a part starts with something else.
func startsOf(expression string) map[string]bool {
	starts := map[string]bool{}
	for part := range strings.SplitSeq(expression, "|") {
		part = strings.TrimLeft(part, " (\t\r\n")
		end := strings.IndexAny(part, ". )")
		if end < 0 {
			end = len(part)
		}
		name := part[:end]
		if !fhir.IsResource(name) && name != "Resource" && name != "DomainResource" {
			return nil
		}
		starts[name] = true
	}
	return starts
}

// capabilityStatement: a parameter that FHIR defines has the type FHIR gives it
// (CapabilityStatement.rest.resource.searchParam).
func (w *walk) capabilityStatement(n fhir.Node) {
	for rest := range n.All("rest") {
		for resource := range rest.All("resource") {
			for param := range resource.All("searchParam") {
				if !strings.HasPrefix(param.Get("definition").Text(), "http://hl7.org/fhir/SearchParameter/") {
					continue
				}
				known, ok := r4.FindParam(resource.Get("type").Text(), param.Get("name").Text())
				if ok && known.Type().String() != param.Get("type").Text() {
					w.report(issueError, "invalid", param.Get("type"), "", "FHIR gives the parameter another type.")
				}
			}
		}
	}
}

// vitalSigns are the profiles that FHIR demands of observations with these LOINC
// codes (FHIR R4, Vital Signs Profile, table of magic values).
var vitalSigns = map[string]string{
	"85353-1": "vitalspanel", "9279-1": "resprate", "8867-4": "heartrate", "2708-6": "oxygensat",
	"8310-5": "bodytemp", "8302-2": "bodyheight", "9843-4": "headcircum", "29463-7": "bodyweight",
	"39156-5": "bmi", "85354-9": "bp",
}

func (w *walk) vitalSign(n fhir.Node) {
	for c := range n.Get("code").All("coding") {
		name := vitalSigns[c.Get("code").Text()]
		if name == "" || c.Get("system").Text() != "http://loinc.org" {
			continue
		}
		p, err := w.v.load(w.ctx, core+name, 0)
		switch {
		case err != nil && !errors.Is(err, errDefinition):
			w.stop(err)
		case p != nil:
			w.hold(n, p)
		}
	}
}
