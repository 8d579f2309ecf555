package chart

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/wardkeep/wardkeep/internal/content"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

const (
	otherContent = "The content is not what contentType says it is. Send it under its own type."
	dataAddress  = "An address must not hold the content itself. Send it as data."
)

// filesAgree refuses files whose content is not of the type that is declared. What the
// stored state has already is let be: it was taken before, and may have to be amended.
func filesAgree(old, res *fhir.Resource) error {
	var issues []fault.Issue
	for f := range res.Files() {
		place, text, err := wrongFile(f)
		if err != nil {
			return err
		}
		if place != "" && !hasFile(old, f) {
			issues = append(issues, fault.Issue{Code: "value", Expression: f.Path() + place, Text: text})
		}
	}
	if issues == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Unprocessable, Op: "chart.filesAgree", Public: issues[0].Text, Issues: issues}
}

// wrongFile tells what is wrong with a file and where, "" if nothing is.
func wrongFile(f fhir.Node) (place, text string, err error) {
	if url := f.Get("url").Text(); len(url) >= 5 && strings.EqualFold(url[:5], "data:") {
		return ".url", dataAddress, nil
	}
	data, err := fileData(f)
	if err != nil || data == nil || content.Agrees(f.Get("contentType").Text(), data) {
		return "", "", err
	}
	return ".data", otherContent, nil
}

// fileData is what a file holds, nil if it lies elsewhere.
func fileData(file fhir.Node) ([]byte, error) {
	if !file.Get("data").Exists() {
		return nil, nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(file.Get("data").Text()), ""))
	if err != nil {
		return nil, entryFault(fault.Invalid, file.Path()+".data", "value", "The value is not base64.")
	}
	return data, nil
}

func hasFile(old *fhir.Resource, file fhir.Node) bool {
	if old == nil {
		return false
	}
	for f := range old.Files() {
		same := func(name string) bool { return bytes.Equal(f.Get(name).Raw(), file.Get(name).Raw()) }
		if same("data") && same("contentType") && same("url") {
			return true
		}
	}
	return false
}
