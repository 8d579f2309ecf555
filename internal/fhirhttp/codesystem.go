package fhirhttp

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// handleInCodeSystem is CodeSystem/$validate-code.
func (s *server) handleInCodeSystem(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := questionOf(r, "CodeSystem")
	if err != nil {
		return err
	}
	list, url := q.codings(""), q.take("url")
	ask := terminology.ValidateRequest{System: q.resource("codeSystem", "CodeSystem"), Concrete: q.concrete(), Language: q.take("displayLanguage")}
	q.refuseUnable()
	if err := q.done(r, "url, codeSystem, code, version, display, displayLanguage, coding, codeableConcept and abstract"); err != nil {
		return err
	}
	if q.id != "" && (url != "" || ask.System != nil) || url != "" && ask.System != nil {
		return fault.New(fault.Invalid, "fhirhttp.handleInCodeSystem", "Name the CodeSystem in one way: by its id in the address, by url, or by sending it.")
	}
	if ask.System != nil {
		if url = ask.System.Root().Get("url").Text(); url == "" {
			return fault.New(fault.Invalid, "fhirhttp.handleInCodeSystem", "The CodeSystem that is sent has no url.")
		}
	}
	return s.put(w, r, actor, q, "validate-code", func(service *terminology.Service, stored *fhir.Resource) ([]byte, error) {
		version := ""
		if stored != nil {
			url, version = stored.Root().Get("url").Text(), stored.Root().Get("version").Text()
		}
		for i := range list {
			c := &list[i]
			switch {
			case c.System == "":
				c.System = url
			case url != "" && c.System != url:
				return validated(terminology.Validation{Verdict: terminology.Invalid, Message: "The code is of another code system."}, nil)
			}
			if c.System == "" {
				return nil, errNoSystem
			}
			switch {
			case c.Version == "":
				c.Version = version
			case stored != nil && c.Version != version:
				return nil, fault.New(fault.Invalid, "fhirhttp.handleInCodeSystem", "The code is of another version of the code system.")
			}
		}
		ask.Codings = list
		return validated(service.ValidateCode(r.Context(), ask))
	})
}

// handleLookup is CodeSystem/$lookup.
func (s *server) handleLookup(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := questionOf(r, "CodeSystem")
	if err != nil {
		return err
	}
	req := terminology.LookupRequest{Language: q.take("displayLanguage"), Properties: q.all("property")}
	list := q.codings("system")
	q.refuseUnable()
	if err := q.done(r, "code, system, version, coding, displayLanguage and property"); err != nil {
		return err
	}
	if len(list) != 1 || list[0].System == "" {
		return errNoSystem
	}
	req.Coding = list[0]
	return s.put(w, r, actor, q, "lookup", func(service *terminology.Service, _ *fhir.Resource) ([]byte, error) {
		l, err := service.Lookup(r.Context(), req)
		if err != nil {
			return nil, err
		}
		return parameters(looked(l))
	})
}

func looked(l terminology.Lookup) []object {
	out := []object{{"name": "name", "valueString": l.Name}}
	if l.Version != "" {
		out = append(out, object{"name": "version", "valueString": l.Version})
	}
	out = append(out, object{"name": "display", "valueString": l.Display})
	for _, d := range l.Designations {
		var part []object
		if d.Language != "" {
			part = append(part, object{"name": "language", "valueCode": d.Language})
		}
		if use := d.Use.Raw(); use != nil {
			part = append(part, object{"name": "use", "valueCoding": json.RawMessage(use)})
		}
		out = append(out, object{"name": "designation", "part": append(part, object{"name": "value", "valueString": d.Value})})
	}
	for _, p := range l.Properties {
		value := object{"name": "value", "valueString": p.Text}
		switch {
		case p.IsRef:
			value = object{"name": "value", "valueCode": p.Text}
		case p.Value.Exists():
			typ := p.Value.Type()
			value = object{"name": "value", "value" + strings.ToUpper(typ[:1]) + typ[1:]: json.RawMessage(p.Value.Raw())}
		}
		out = append(out, object{"name": "property", "part": []object{{"name": "code", "valueCode": p.Code}, value}})
	}
	return out
}

// handleSubsumes is CodeSystem/$subsumes.
func (s *server) handleSubsumes(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := questionOf(r, "CodeSystem")
	if err != nil {
		return err
	}
	system, version := q.take("system"), q.take("version")
	a := q.oneCode("codeA", "codingA", &system, &version)
	b := q.oneCode("codeB", "codingB", &system, &version)
	if err := q.done(r, "codeA, codeB, codingA, codingB, system and version"); err != nil {
		return err
	}
	if q.id == "" && system == "" {
		return errNoSystem
	}
	return s.put(w, r, actor, q, "subsumes", func(service *terminology.Service, stored *fhir.Resource) ([]byte, error) {
		if stored != nil {
			url := stored.Root().Get("url").Text()
			if own := stored.Root().Get("version").Text(); system != "" && system != url || version != "" && version != own {
				return nil, fault.New(fault.Invalid, "fhirhttp.handleSubsumes", "The codes are of another code system, or another version of it.")
			}
			system, version = url, stored.Root().Get("version").Text()
		}
		how, err := service.Subsumes(r.Context(), system, version, a, b)
		if err != nil {
			return nil, err
		}
		return parameters([]object{{"name": "outcome", "valueCode": how}})
	})
}

// oneCode takes a code that is given as such, or as a Coding, of the same system
// as the other one.
func (q *question) oneCode(code, coding string, system, version *string) string {
	text, c := q.take(code), q.node(coding)
	if (text == "") == !c.Exists() {
		q.complain("Give one of " + code + " and " + coding + ".")
	}
	if text != "" {
		return text
	}
	of := codingOf(c)
	if *system != "" && of.System != *system {
		q.complain("The two codes are of different code systems.")
	}
	switch {
	case *version == "":
		*version = of.Version
	case of.Version != "" && of.Version != *version:
		q.complain("The two codes are of different versions of their code system.")
	}
	*system = of.System
	return of.Code
}

// handleTranslate is ConceptMap/$translate.
func (s *server) handleTranslate(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	q, err := questionOf(r, "ConceptMap")
	if err != nil {
		return err
	}
	req := terminology.TranslateRequest{
		Resource: q.resource("conceptMap", "ConceptMap"), Codings: q.codings("system"), Reverse: q.flag("reverse"),
		Source: q.take("source"), Target: q.take("target"), TargetSystem: q.take("targetsystem"),
	}
	req.Dependencies = q.dependencies()
	url, version := q.take("url"), q.take("conceptMapVersion")
	if err := q.done(r, "url, conceptMap, conceptMapVersion, code, system, version, coding, codeableConcept, source, target, targetsystem, dependency and reverse"); err != nil {
		return err
	}
	for _, c := range req.Codings {
		if c.System == "" {
			return errNoSystem
		}
	}
	if q.id != "" || req.Resource != nil || url != "" || version != "" {
		if req.ConceptMap, err = q.subject(req.Resource, url, version); err != nil {
			return err
		}
	}
	return s.put(w, r, actor, q, "translate", func(service *terminology.Service, stored *fhir.Resource) ([]byte, error) {
		if stored != nil {
			req.Resource = stored
		}
		t, err := service.Translate(r.Context(), req)
		if err != nil {
			return nil, err
		}
		return parameters(translated(t))
	})
}

// dependencies takes dependency: elements of the context with their values.
func (q *question) dependencies() []terminology.Dependency {
	var list []terminology.Dependency
	for _, p := range q.parts["dependency"] {
		var d terminology.Dependency
		for part := range p.All("part") {
			switch value := part.Get("value"); part.Get("name").Text() {
			case "element":
				d.Element = value.Text()
			case "concept":
				for c := range value.All("coding") {
					d.Codings = append(d.Codings, codingOf(c))
				}
			default:
				q.complain("A dependency has the parts element and concept.")
			}
		}
		if d.Element == "" || len(d.Codings) == 0 || len(d.Codings) > maxCodings {
			q.complain("A dependency has the parts element and concept, a CodeableConcept.")
		}
		list = append(list, d)
	}
	delete(q.parts, "dependency")
	return list
}

func translated(t terminology.Translation) []object {
	out := []object{{"name": "result", "valueBoolean": t.Found()}}
	if !t.Found() {
		out = append(out, object{"name": "message", "valueString": "No map that is loaded here has a counterpart."})
	}
	for _, m := range t.Matches {
		part := []object{{"name": "equivalence", "valueCode": m.Equivalence}}
		if m.Code != "" {
			part = append(part, object{"name": "concept", "valueCoding": coded(m.Coding)})
		}
		for _, p := range m.Products {
			part = append(part, object{"name": "product", "part": []object{
				{"name": "element", "valueUri": p.Element}, {"name": "concept", "valueCoding": coded(p.Coding)},
			}})
		}
		if m.Source != "" {
			part = append(part, object{"name": "source", "valueUri": m.Source})
		}
		out = append(out, object{"name": "match", "part": part})
	}
	return out
}

func coded(c terminology.Coding) object {
	out := object{}
	for name, value := range map[string]string{"system": c.System, "version": c.Version, "code": c.Code, "display": c.Display} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}
