package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// incidental are headers and members that differ between any two answers.
var (
	incidental = []string{"Date", "X-Request-Id", "Content-Length", "Last-Modified"}
	stamps     = regexp.MustCompile(`"(lastUpdated|id|timestamp)":"[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}|class="number">[A-Z0-9]+|[0-9a-f]{16,}|\d{4}-\d\d-\d\dT[0-9:.]+Z?`)
)

// differs says in what two answers are not the same, once what was asked for is put
// out of account.
func differs(a, b answer, asked, other request) string {
	if a.Status != b.Status {
		return "status " + a.Line + " and " + b.Line
	}
	for name := range a.Header {
		if !slices.Contains(incidental, http.CanonicalHeaderKey(name)) && neutral(strings.Join(a.Header[name], ","), asked) != neutral(strings.Join(b.Header[name], ","), other) {
			return "header " + name
		}
	}
	if len(a.Header) != len(b.Header) {
		return "headers"
	}
	if neutral(string(a.Body), asked) != neutral(string(b.Body), other) {
		return "body"
	}
	return ""
}

var anyCanary = regexp.MustCompile(mark + `[a-z2-7]{16}`)

func neutral(text string, asked request) string {
	for _, word := range append(anyCanary.FindAllString(asked.Target+asked.Body, -1), asked.Secret) {
		if word != "" {
			text = strings.ReplaceAll(text, word, "*")
		}
	}
	return stamps.ReplaceAllString(text, "*")
}
