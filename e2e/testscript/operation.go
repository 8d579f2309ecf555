package testscript

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// forms are the requests that operation codes stand for: T is the type, I the id.
var forms = map[string]struct{ method, path string }{
	"read": {"GET", "T/I"}, "vread": {"GET", "T/I"}, "search": {"GET", "T"}, "history": {"GET", "T/I/_history"},
	"create": {"POST", "T"}, "update": {"PUT", "T/I"}, "updateCreate": {"PUT", "T/I"}, "patch": {"PATCH", "T/I"},
	"delete": {"DELETE", "T/I"}, "deleteCondSingle": {"DELETE", "T"}, "deleteCondMultiple": {"DELETE", "T"},
	"capabilities": {"GET", "metadata"}, "transaction": {"POST", ""}, "batch": {"POST", ""},
}

// named operations that a code stands for, by the name behind $.
var operations = regexp.MustCompile(`^[a-z][a-z-]*$`)

func (r *run) operation(op *Operation) error {
	if op.Destination > 1 || op.Origin > 1 {
		return errors.New("there is one server, and one client")
	}
	form, known := forms[op.Type.Code]
	if !known && op.Method == "" && !operations.MatchString(op.Type.Code) {
		return fmt.Errorf("operation %q is not known", op.Type.Code)
	}
	if !known {
		form.method, form.path = http.MethodGet, "T/I/$"+op.Type.Code
		if op.SourceID != "" {
			form.method = http.MethodPost
		}
	}
	if op.Method != "" {
		form.method = strings.ToUpper(op.Method)
	}
	body, err := r.source(op.SourceID)
	if err != nil {
		return err
	}
	address, err := r.address(op, form.path, body)
	if err != nil {
		return err
	}
	header, err := r.header(op)
	if err != nil {
		return err
	}
	x, err := r.send(form.method, address, body, header)
	if err != nil {
		return err
	}
	r.last = x
	if op.ResponseID != "" {
		r.answers[op.ResponseID] = x
		r.fixtures[op.ResponseID] = x.body
	}
	if op.RequestID != "" {
		r.requests[op.RequestID] = x
	}
	return nil
}

func (r *run) source(id string) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	text, ok := r.fixtures[id]
	if !ok {
		return nil, fmt.Errorf("there is no fixture %q", id)
	}
	filled, err := r.fill(string(text))
	return []byte(filled), err
}

// address puts together where a request goes.
func (r *run) address(op *Operation, path string, body []byte) (string, error) {
	if op.URL != "" {
		return r.fill(op.URL)
	}
	id := ""
	if op.TargetID != "" {
		x := r.answers[op.TargetID]
		text := r.fixtures[op.TargetID]
		if x != nil {
			text = x.body
		}
		if _, id = named(text); id == "" {
			return "", fmt.Errorf("target %q has no id", op.TargetID)
		}
	} else if op.Params == "" && op.Type.Code == "update" || op.Type.Code == "updateCreate" {
		_, id = named(body)
	}
	typ := op.Resource
	if typ == "" && (op.TargetID != "" || len(body) > 0 && path != "") {
		typ, _ = named(body)
		if x := r.answers[op.TargetID]; x != nil {
			typ, _ = named(x.body)
		}
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		part = map[string]string{"T": typ, "I": id}[part] + map[bool]string{true: part}[part != "T" && part != "I"]
		if part != "" {
			parts = append(parts, part)
		}
	}
	params, err := r.fill(op.Params)
	if err != nil {
		return "", err
	}
	if op.EncodeRequestURL == nil || *op.EncodeRequestURL {
		params = encoded(params)
	}
	base := r.Base
	if op.PathFromRoot {
		base = base[:strings.Index(base, "//")+2] + strings.SplitN(base, "/", 4)[2]
	}
	return strings.TrimSuffix(base+"/"+strings.Join(parts, "/"), "/") + params, nil
}

// encoded escapes what may not stand in an address, and leaves what is escaped.
func encoded(params string) string {
	path, query, ok := strings.Cut(params, "?")
	if !ok {
		return path
	}
	var list []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		list = append(list, key+"="+url.QueryEscape(value))
	}
	return path + "?" + strings.Join(list, "&")
}

func (r *run) header(op *Operation) (http.Header, error) {
	header := http.Header{}
	for name, code := range map[string]string{"Accept": op.Accept, "Content-Type": op.ContentType} {
		switch code {
		case "":
		case "json", "xml":
			header.Set(name, "application/fhir+"+code)
		case "none":
			header[name] = nil
		default:
			header.Set(name, code)
		}
	}
	for _, h := range op.RequestHeader {
		value, err := r.fill(h.Value)
		if err != nil {
			return nil, err
		}
		header.Set(h.Field, value)
	}
	return header, nil
}

var placeholders = regexp.MustCompile(`\$\{[^}]*\}`)

// fill puts the values of variables in place of ${name}.
func (r *run) fill(text string) (string, error) {
	var failed error
	filled := placeholders.ReplaceAllStringFunc(text, func(place string) string {
		value, err := r.variable(place[2 : len(place)-1])
		failed = errors.Join(failed, err)
		return value
	})
	return filled, failed
}

func (r *run) variable(name string) (string, error) {
	for _, v := range r.script.Variable {
		if v.Name != name {
			continue
		}
		value, err := "", error(nil)
		switch {
		case v.Path != "":
			return "", errors.New("variables by path are not known here; use expression")
		case v.HeaderField != "":
			if x := r.answers[v.SourceID]; x != nil {
				value = x.header.Get(v.HeaderField)
			}
		case v.Expression != "":
			value, err = r.evaluate(v.SourceID, v.Expression)
		}
		if value == "" && err == nil {
			value = v.DefaultValue
		}
		if value == "" && err == nil {
			err = fmt.Errorf("variable %s has no value", name)
		}
		return value, err
	}
	return "", fmt.Errorf("there is no variable %s", name)
}

// evaluate finds the one value of an expression, "" if there is none.
func (r *run) evaluate(source, expression string) (string, error) {
	if r.Eval == nil {
		return "", errors.New("FHIRPath is not at hand")
	}
	text, ok := r.fixtures[source]
	if source == "" && r.last != nil {
		text, ok = r.last.body, true
	}
	if !ok {
		return "", fmt.Errorf("there is no source %q", source)
	}
	expression, err := r.fill(expression)
	if err != nil {
		return "", err
	}
	values, err := r.Eval(text, expression)
	if err != nil || len(values) == 0 {
		return "", err
	}
	return values[0], nil
}
