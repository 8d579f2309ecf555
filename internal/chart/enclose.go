package chart

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// encloses refuses a Bundle that would show more than it is held back for. It
// lies in the compartments of all patients of its entries, so each of them MUST
// be one of this server; and it bears the labels of all its entries itself,
// because a search leaves it out by its own.
func (c *Chart) encloses(res *fhir.Resource) error {
	bundle, ok := res.AsBundle()
	if !ok {
		return nil
	}
	own := labelsOf(res)
	for i, e := range bundle.Entries() {
		if e.Resource == nil {
			continue
		}
		place := fmt.Sprintf("Bundle.entry[%d]", i)
		if err := c.encloses(e.Resource); err != nil {
			return err
		}
		if err := c.placed(e, place); err != nil {
			return err
		}
		for _, mark := range labelsOf(e.Resource) {
			if !slices.Contains(own, mark) {
				return entryFault(fault.Unprocessable, place+".resource.meta.security", "business-rule",
					"This entry bears a security label that the Bundle lacks. Put the labels of all entries into the Bundle's own meta.security.")
			}
		}
	}
	return nil
}

// placed refuses an entry with the data of a patient who is not known by it.
func (c *Chart) placed(e fhir.Entry, place string) error {
	typ := e.Resource.Type()
	if typ == "Parameters" && hasResources(e.Resource.Root().All("parameter")) {
		return entryFault(fault.Unprocessable, place, "business-rule", "Parameters that hold resources are not stored within a Bundle. Make entries of the resources.")
	}
	if typ != "Patient" && len(r4.CompartmentElements("Patient", typ)) == 0 {
		return nil
	}
	patients, err := search.Patients(e.Resource)
	if err != nil {
		return err
	}
	foreign := strings.Contains(e.FullURL, "://") && (c.base == "" || !strings.HasPrefix(e.FullURL, c.base+"/"))
	if foreign || len(patients) == 0 && (typ == "Patient" || strays(e.Resource)) {
		return entryFault(fault.Unprocessable, place, "business-rule",
			"Whose data this is must be known here, because the Bundle is read by the rights to its patients: they are patients of this server, referred to as Patient/id. Send a transaction to store the records themselves.")
	}
	return nil
}

// strays reports whether a resource refers to what is no record of this server, so
// that it may be about anybody.
func strays(res *fhir.Resource) bool {
	for ref := range res.References() {
		text := ref.Get("reference").Text()
		if l := fhir.ParseLiteral(text); text == "" || !l.Local && (l.Base != "" || l.ID == "") {
			return true
		}
	}
	return false
}

// hasResources reports whether parameters hold resources, at any depth.
func hasResources(parameters func(func(fhir.Node) bool)) bool {
	for p := range parameters {
		if p.Get("resource").Exists() || hasResources(p.All("part")) {
			return true
		}
	}
	return false
}

// labelsOf are the marks that a resource's own security labels stand for.
func labelsOf(res *fhir.Resource) (marks []authz.Label) {
	for label := range res.Root().Get("meta").All("security") {
		if mark, ok := authz.LabelOf(label.Get("system").Text(), label.Get("code").Text()); ok && !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	return marks
}

// enclosing is the meta of a Bundle with the sensitive labels of what it holds;
// nil if there are none.
func enclosing(list []Resource) ([]byte, error) {
	type coding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	var meta struct {
		Security []coding `json:"security"`
	}
	for _, res := range list {
		for label := range res.Root().Get("meta").All("security") {
			c := coding{label.Get("system").Text(), label.Get("code").Text()}
			if _, ok := authz.LabelOf(c.System, c.Code); ok && !slices.Contains(meta.Security, c) {
				meta.Security = append(meta.Security, c)
			}
		}
	}
	if meta.Security == nil {
		return nil, nil
	}
	text, err := json.Marshal(meta)
	return text, fault.Wrap(fault.Internal, "chart.enclosing", err)
}
