package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The parts of the published definitions that the tables are made of.
type (
	bundle struct {
		Entry []struct {
			Resource json.RawMessage `json:"resource"`
		} `json:"entry"`
	}
	header struct {
		ResourceType string `json:"resourceType"`
		FHIRVersion  string `json:"fhirVersion"`
		Derivation   string `json:"derivation"`
		Kind         string `json:"kind"`
		URL          string `json:"url"`
	}
	structure struct {
		header
		ID       string `json:"id"`
		Type     string `json:"type"`
		Abstract bool   `json:"abstract"`
		Snapshot struct {
			Element []element `json:"element"`
		} `json:"snapshot"`
	}
	element struct {
		Path             string        `json:"path"`
		Min              int           `json:"min"`
		Max              string        `json:"max"`
		Type             []elementType `json:"type"`
		ContentReference string        `json:"contentReference"`
		IsModifier       bool          `json:"isModifier"`
		IsSummary        bool          `json:"isSummary"`
		Binding          struct {
			Strength string `json:"strength"`
			ValueSet string `json:"valueSet"`
		} `json:"binding"`
	}
	elementType struct {
		Code          string   `json:"code"`
		TargetProfile []string `json:"targetProfile"`
	}
	concept struct {
		Code    string    `json:"code"`
		Concept []concept `json:"concept"`
	}
	codeSystem struct {
		URL     string    `json:"url"`
		Content string    `json:"content"`
		Concept []concept `json:"concept"`
	}
	include struct {
		System   string            `json:"system"`
		Concept  []concept         `json:"concept"`
		ValueSet []string          `json:"valueSet"`
		Filter   []json.RawMessage `json:"filter"`
	}
	valueSet struct {
		URL     string `json:"url"`
		Compose struct {
			Include []include `json:"include"`
			Exclude []include `json:"exclude"`
		} `json:"compose"`
	}
	searchParameter struct {
		ID         string   `json:"id"`
		URL        string   `json:"url"`
		Code       string   `json:"code"`
		Type       string   `json:"type"`
		Base       []string `json:"base"`
		Target     []string `json:"target"`
		Expression string   `json:"expression"`
		Component  []struct {
			Definition string `json:"definition"`
			Expression string `json:"expression"`
		} `json:"component"`
	}
	compartment struct {
		Code     string `json:"code"`
		Resource []struct {
			Code  string   `json:"code"`
			Param []string `json:"param"`
		} `json:"resource"`
	}
)

type definitions struct {
	structures   []structure
	codeSystems  map[string]codeSystem
	valueSets    map[string]valueSet
	params       []searchParameter
	compartments []compartment
}

func load(dir string) (*definitions, error) {
	d := &definitions{codeSystems: map[string]codeSystem{}, valueSets: map[string]valueSet{}}
	for _, name := range []string{
		"profiles-types.json", "profiles-resources.json", "valuesets.json",
		"v3-codesystems.json", "v2-tables.json", "search-parameters.json",
	} {
		if err := d.loadFile(filepath.Join(dir, name)); err != nil {
			return nil, fmt.Errorf("load %s: %w", name, err)
		}
	}
	d.correct()
	return d, nil
}

func (d *definitions) loadFile(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var b bundle
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	for _, e := range b.Entry {
		if err := d.add(e.Resource); err != nil {
			return err
		}
	}
	return nil
}

func (d *definitions) add(raw json.RawMessage) error {
	var h header
	if err := json.Unmarshal(raw, &h); err != nil {
		return err
	}
	switch h.ResourceType {
	case "StructureDefinition":
		if h.Kind == "logical" || h.Derivation == "constraint" || h.FHIRVersion != "4.0.1" {
			return nil
		}
		var s structure
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		d.structures = append(d.structures, s)
	case "CodeSystem":
		var c codeSystem
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		d.codeSystems[c.URL] = c
	case "ValueSet":
		var v valueSet
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		d.valueSets[v.URL] = v
	case "SearchParameter":
		var p searchParameter
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		d.params = append(d.params, p)
	case "CompartmentDefinition":
		var c compartment
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		d.compartments = append(d.compartments, c)
	}
	return nil
}
