// Package testscript runs FHIR R4 TestScripts against a server. It is a tool of
// the tests and no part of the program. What it does not know makes a script
// fail: a feature that was passed over would be a test that proves nothing.
package testscript

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Script is a TestScript (http://hl7.org/fhir/R4/testscript.html). Members that
// only describe are taken and not used.
type Script struct {
	About
	ID       string            `json:"id"`
	URL      string            `json:"url"`
	Name     string            `json:"name"`
	Fixture  []Fixture         `json:"fixture"`
	Profile  []Profile         `json:"profile"`
	Variable []Variable        `json:"variable"`
	Contains []json.RawMessage `json:"contained"`
	Setup    *Phase            `json:"setup"`
	Test     []Test            `json:"test"`
	Teardown *Phase            `json:"teardown"`
}

// About is what tells people of a script.
type About struct {
	ResourceType, Version, Title, Status, Date, Publisher string
	Description, Purpose, Copyright, Language             string
	Experimental                                          bool
	Meta, Text, Identifier, Contact, UseContext           json.RawMessage
	Jurisdiction, Origin, Destination, RelatedArtifact    json.RawMessage
	Metadata                                              json.RawMessage
	Extension                                             json.RawMessage `json:"-"`
}

// Fixture is a resource that requests send or answers are compared with.
type Fixture struct {
	ID         string                              `json:"id"`
	Autocreate bool                                `json:"autocreate"`
	Autodelete bool                                `json:"autodelete"`
	Resource   struct{ Reference, Display string } `json:"resource"`
}

// Profile is what an answer is validated by.
type Profile struct{ ID, Reference, Display string }

// Variable is a text that ${name} stands for.
type Variable struct {
	Name, DefaultValue, Description, Hint   string
	Expression, HeaderField, Path, SourceID string
}

// Phase is the setup or the teardown.
type Phase struct{ Action []Action }

// Test is one test.
type Test struct {
	ID, Name, Description string
	Action                []Action
}

// Action is an operation or an assertion.
type Action struct {
	Operation *Operation
	Assert    *Assert
}

// Operation is a request.
type Operation struct {
	Type                                                      struct{ System, Code, Display string }
	Resource, Label, Description, Accept, ContentType, Method string
	Destination, Origin                                       int
	EncodeRequestURL                                          *bool
	Params, RequestID, ResponseID, SourceID, TargetID, URL    string
	RequestHeader                                             []struct{ Field, Value string }
	PathFromRoot                                              bool // not of R4: params begin at the host
}

// Assert is what must hold of the last answer.
type Assert struct {
	Label, Description, Direction                              string
	CompareToSourceID, CompareToSourceExpression               string
	CompareToSourcePath, Path                                  string
	ContentType, Expression, HeaderField, MinimumID            string
	NavigationLinks                                            bool
	Operator, RequestMethod, RequestURL, Resource              string
	Response, ResponseCode, SourceID, ValidateProfileID, Value string
	ResponseBody                                               string // not of R4: the whole text
	WarningOnly                                                bool
}

// Parse reads a script. A member it does not know is an error.
func Parse(src []byte) (*Script, error) {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.DisallowUnknownFields()
	var s Script
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("testscript.Parse: %w", err)
	}
	if s.ResourceType != "TestScript" || len(s.Test) == 0 {
		return nil, fmt.Errorf("testscript.Parse: %q is no TestScript with tests", s.ResourceType)
	}
	for _, t := range s.Test {
		if len(t.Action) == 0 {
			return nil, fmt.Errorf("testscript.Parse: test %q does nothing", t.Name)
		}
	}
	return &s, nil
}
