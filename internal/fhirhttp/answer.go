package fhirhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/xml"
)

// form is how the answer to a request is to be written. An entry of a bundle, or
// a request that is carried out later, has none: the whole has one.
type form struct {
	media   string
	refused error // nothing that is served here would do; what says so is JSON
	pretty  bool  // _pretty=true (FHIR R4 3.1.0.1.7)
}

type formKey struct{}

// formed returns the context of a request with the form that it asks for by
// _format, which goes first, or Accept.
func formed(ctx context.Context, r *http.Request) context.Context {
	f, query := &form{}, "&"+r.URL.RawQuery
	if strings.Contains(query, "&_format=") {
		f.media, f.refused = formatType(r.URL.Query().Get("_format"))
	} else {
		f.media, f.refused = acceptType(r.Header.Values("Accept"))
	}
	f.pretty = strings.Contains(query, "&_pretty=true")
	return context.WithValue(ctx, formKey{}, f)
}

// formless is the context of what is part of another answer.
func formless(ctx context.Context) context.Context {
	return context.WithValue(ctx, formKey{}, (*form)(nil))
}

func formOf(r *http.Request) *form {
	f, _ := r.Context().Value(formKey{}).(*form)
	return f
}

// prettily is _pretty=true of a form that was sent.
func prettily(r *http.Request) {
	if f := formOf(r); f != nil {
		f.pretty = true
	}
}

// accepts checks that the answer can be what was asked for. format is the _format
// of the address or of a form that was sent.
func accepts(r *http.Request, format string) error {
	f := formOf(r)
	if format == "" {
		if f == nil {
			return nil
		}
		return f.refused
	}
	media, err := formatType(format)
	if err == nil && f != nil {
		f.media = media
	}
	return err
}

// writeResource answers with a resource, whose JSON body is. It is the one place
// where the form of answers is made.
func writeResource(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	media := fhirJSON
	if f := formOf(r); f != nil {
		media, body = f.write(body)
	}
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body))) // one write less than in chunks
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client hung up: nobody is left to tell
}

// write gives a body and its media type.
func (f *form) write(body []byte) (string, []byte) {
	media := f.media
	if slices.Contains(xmlTypes, media) {
		if text, err := xml.FromJSON(body, f.pretty); err == nil {
			return media, text
		}
		// XML lacks a character of it. A change that was made must not look as if
		// it had failed: the answer is JSON, and says so.
		media = fhirJSON
	}
	if f.pretty {
		var out bytes.Buffer
		if json.Indent(&out, body, "", "  ") == nil {
			body = out.Bytes()
		}
	}
	return media, body
}
