package fhirhttp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// maxInputs bounds the files of one import.
const maxInputs = 1000

// handleImport files an import of what other servers offer (the SMART bulk import
// proposal). The caller's rights are asked about before his sources, so that only
// those who may import find out which hosts may be called.
func (s *server) handleImport(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if !preferences(r).async {
		return fault.New(fault.Invalid, "fhirhttp.handleImport", "An import is a job: send Prefer: respond-async.")
	}
	if err := noQuery(r); err != nil {
		return err
	}
	order, err := importOrderOf(r)
	if err != nil {
		return err
	}
	spec, err := order.spec()
	if err != nil {
		return err
	}
	var types []string
	for _, in := range spec.Inputs {
		types = append(types, in.Type)
	}
	if err := s.Chart.MayImport(r.Context(), actor, types...); err != nil {
		return err
	}
	if err := s.allowSources(spec.Inputs); err != nil {
		return s.Chart.Note(r.Context(), actor, "import", "", "sources", err)
	}
	return s.submit(w, r, actor, bulk.ImportKind, spec)
}

func (s *server) allowSources(inputs []bulk.ImportInput) error {
	if s.AllowSource == nil {
		return fault.New(fault.NotSupported, "fhirhttp.allowSources", "No imports are carried out here.")
	}
	for _, in := range inputs {
		u, err := url.Parse(in.URL)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
			return fault.New(fault.Invalid, "fhirhttp.allowSources", "The url of an input is an absolute https address, without a user and a fragment.")
		}
		if err := s.AllowSource(u); err != nil {
			return err
		}
	}
	return nil
}

// importOrder is an import as it is asked for, in either form.
type importOrder struct {
	InputFormat   string `json:"inputFormat"`
	InputSource   string `json:"inputSource"`
	StorageDetail struct {
		Type string `json:"type"`
	} `json:"storageDetail"`
	Inputs []importInput `json:"inputs"`
}

type importInput struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

var errImportForm = fault.New(fault.Invalid, "fhirhttp.importOrder", `An import has inputFormat, inputSource, storageDetail (type) and inputs (type and url of each), as JSON or, with input for each, as Parameters, and nothing else.`)

// importOrderOf reads the body; what is not known is refused, because an import
// without it might not be what was asked for.
func importOrderOf(r *http.Request) (o importOrder, err error) {
	media, err := sentType(r)
	if err != nil {
		return o, err
	}
	text, err := readAll(r)
	if err != nil {
		return o, err
	}
	if text, err = inJSON(media, text); err != nil {
		return o, err
	}
	var kind struct {
		ResourceType *string `json:"resourceType"`
	}
	if json.Unmarshal(text, &kind) == nil && kind.ResourceType != nil {
		res, err := fhir.Parse(text)
		if err != nil {
			return o, err
		}
		return o, o.ofParameters(res)
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if in.Decode(&o) != nil {
		return o, errImportForm
	}
	if _, err := in.Token(); err != io.EOF {
		return o, errImportForm
	}
	return o, nil
}

func (o *importOrder) ofParameters(res *fhir.Resource) error {
	if res.Type() != "Parameters" {
		return errImportForm
	}
	top := map[string]*string{"inputFormat": &o.InputFormat, "inputSource": &o.InputSource}
	for p := range res.Root().All("parameter") {
		var err error
		switch p.Get("name").Text() {
		case "storageDetail":
			err = parts(p, map[string]*string{"type": &o.StorageDetail.Type})
		case "input":
			var in importInput
			err = parts(p, map[string]*string{"type": &in.Type, "url": &in.URL})
			o.Inputs = append(o.Inputs, in)
		default:
			err = part(p, top)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parts reads the parts of a parameter, each at most once.
func parts(p fhir.Node, into map[string]*string) error {
	if p.Get("value").Exists() {
		return errImportForm
	}
	for each := range p.All("part") {
		if err := part(each, into); err != nil {
			return err
		}
	}
	return nil
}

func part(p fhir.Node, into map[string]*string) error {
	field, value := into[p.Get("name").Text()], p.Get("value")
	if field == nil || *field != "" || !value.IsPrimitive() || value.Text() == "" {
		return errImportForm
	}
	*field = value.Text()
	return nil
}

// spec checks the order and turns it into what a job is asked.
func (o *importOrder) spec() (spec bulk.ImportSpec, err error) {
	bad := func(text string) (bulk.ImportSpec, error) {
		return spec, fault.New(fault.Invalid, "fhirhttp.importOrder", text)
	}
	switch {
	case o.InputFormat != fhirNDJSON:
		return bad("inputFormat is application/fhir+ndjson.")
	case o.StorageDetail.Type != "https":
		return bad("The type of storageDetail is https.")
	case len(o.Inputs) == 0 || len(o.Inputs) > maxInputs:
		return bad("An import has from 1 to 1,000 inputs.")
	}
	if o.InputSource != "" {
		u, err := url.Parse(o.InputSource)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return bad("inputSource is the address of the FHIR server that the records come from.")
		}
		spec.Base = strings.TrimSuffix(o.InputSource, "/")
	}
	for _, in := range o.Inputs {
		if !fhir.IsResource(in.Type) || in.URL == "" {
			return bad("Each input has a type of FHIR R4, such as Patient, and a url.")
		}
		spec.Inputs = append(spec.Inputs, bulk.ImportInput(in))
	}
	return spec, nil
}
