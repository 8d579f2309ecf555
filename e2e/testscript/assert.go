package testscript

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// responses are the codes of Assert.response.
var responses = map[string][]int{
	"okay": {200}, "created": {201}, "noContent": {204}, "notModified": {304}, "bad": {400}, "forbidden": {403}, "notFound": {404},
	"methodNotAllowed": {405}, "conflict": {409}, "gone": {410}, "preconditionFailed": {412}, "unprocessable": {422},
}

// assert checks what an assertion says of the last answer, or of the one it names.
func (r *run) assert(a *Assert) error {
	x := r.last
	if a.SourceID != "" && a.Direction != "request" && r.answers[a.SourceID] != nil {
		x = r.answers[a.SourceID]
	}
	if x == nil {
		return errors.New("nothing was asked yet")
	}
	checked := 0
	check := func(given bool, err func() error) error {
		if !given {
			return nil
		}
		checked++
		if e := err(); e != nil {
			return fmt.Errorf("%s: %w (answer %d)", a.Label, e, x.status)
		}
		return nil
	}
	wanted, err := r.fill(a.Value)
	if err != nil {
		return err
	}
	err = errors.Join(
		check(a.Response != "", func() error {
			codes, ok := responses[a.Response]
			if !ok {
				return fmt.Errorf("response %q is not known", a.Response)
			}
			return compare(a.Operator, strconv.Itoa(x.status), strconv.Itoa(codes[0]))
		}),
		check(a.ResponseCode != "", func() error { return compare(a.Operator, strconv.Itoa(x.status), a.ResponseCode) }),
		check(a.ContentType != "", func() error { return compareMedia(a, x) }),
		check(a.HeaderField != "", func() error {
			return compare(a.Operator, x.header.Get(a.HeaderField), wanted)
		}),
		check(a.ResponseBody != "", func() error { return compare(a.Operator, string(x.body), a.ResponseBody) }),
		check(a.Resource != "", func() error {
			typ, _ := named(x.body)
			return compare(a.Operator, typ, a.Resource)
		}),
		check(a.RequestMethod != "", func() error { return compare(a.Operator, strings.ToLower(x.method), strings.ToLower(a.RequestMethod)) }),
		check(a.RequestURL != "", func() error { return compare(a.Operator, x.url, a.RequestURL) }),
		check(a.Expression != "", func() error { return r.compareExpression(a, wanted) }),
		check(a.MinimumID != "", func() error { return r.minimum(a.MinimumID, x.body) }),
		check(a.NavigationLinks, func() error { return navigable(x.body) }),
		check(a.ValidateProfileID != "", func() error { return r.validates(a.ValidateProfileID, x.body) }),
		check(a.Path != "" || a.CompareToSourcePath != "", func() error {
			return errors.New("XPath and JSONPath are not known here; use expression")
		}),
	)
	if err == nil && checked == 0 {
		err = errors.New("an assertion says nothing that is known here")
	}
	return err
}

// compareMedia reads a content type: the codes json and xml stand for FHIR's.
func compareMedia(a *Assert, x *exchange) error {
	media, _, err := mime.ParseMediaType(x.header.Get("Content-Type"))
	if err != nil {
		return errors.New("the answer has no content type")
	}
	want := a.ContentType
	switch {
	case a.Operator == "matchesMimeClass": // not of R4: the kind of text, whatever the vendor
		_, sub, _ := strings.Cut(media, "/")
		if sub != want && !strings.HasSuffix(sub, "+"+want) {
			return fmt.Errorf("%s is no %s", media, want)
		}
		return nil
	case a.Operator == "" && (want == "json" || want == "xml"):
		want = "application/fhir+" + want
	}
	return compare(a.Operator, media, want)
}

func (r *run) compareExpression(a *Assert, wanted string) error {
	value, err := r.evaluate(a.SourceID, a.Expression)
	if err != nil {
		return err
	}
	if a.CompareToSourceID != "" {
		if wanted, err = r.evaluate(a.CompareToSourceID, a.CompareToSourceExpression); err != nil {
			return err
		}
	} else if a.Operator == "" && wanted == "" {
		wanted = "true"
	}
	return compare(a.Operator, value, wanted)
}

// compare holds a value against what an operator and a text ask for.
func compare(operator, value, want string) error {
	ok := false
	switch operator {
	case "", "equals", "eval":
		ok = value == want
	case "notEquals":
		ok = value != want
	case "in":
		ok = slices.Contains(strings.Split(want, ","), value)
	case "notIn":
		ok = !slices.Contains(strings.Split(want, ","), value)
	case "greaterThan", "lessThan":
		v, errV := strconv.ParseFloat(value, 64)
		w, errW := strconv.ParseFloat(want, 64)
		if err := errors.Join(errV, errW); err != nil {
			return err
		}
		ok = operator == "greaterThan" && v > w || operator == "lessThan" && v < w
	case "empty":
		ok = value == ""
	case "notEmpty":
		ok = value != ""
	case "contains":
		ok = strings.Contains(value, want)
	case "notContains":
		ok = !strings.Contains(value, want)
	case "matchesRegex": // not of R4
		re, err := regexp.Compile(want)
		if err != nil {
			return err
		}
		ok = re.MatchString(value)
	default:
		return fmt.Errorf("operator %q is not known", operator)
	}
	if !ok {
		return fmt.Errorf("%.80q is not %s %q", value, operator, want)
	}
	return nil
}

// minimum checks that an answer has all that a fixture has.
func (r *run) minimum(id string, body []byte) error {
	text, err := r.source(id)
	if err != nil {
		return err
	}
	var want, have any
	if err := errors.Join(json.Unmarshal(text, &want), json.Unmarshal(body, &have)); err != nil {
		return err
	}
	if !within(want, have) {
		return fmt.Errorf("the answer lacks something of fixture %s", id)
	}
	return nil
}

func within(want, have any) bool {
	switch want := want.(type) {
	case map[string]any:
		m, ok := have.(map[string]any)
		for key, value := range want {
			if !ok || !within(value, m[key]) {
				return false
			}
		}
		return ok
	case []any:
		list, ok := have.([]any)
		for _, value := range want {
			if !ok || !slices.ContainsFunc(list, func(h any) bool { return within(value, h) }) {
				return false
			}
		}
		return ok
	}
	return reflect.DeepEqual(want, have)
}

// navigable checks that a Bundle leads to its first, next and last page.
func navigable(body []byte) error {
	var bundle struct{ Link []struct{ Relation string } }
	if err := json.Unmarshal(body, &bundle); err != nil {
		return err
	}
	for _, relation := range []string{"first", "last", "next"} {
		if !slices.ContainsFunc(bundle.Link, func(l struct{ Relation string }) bool { return l.Relation == relation }) {
			return fmt.Errorf("there is no link %s", relation)
		}
	}
	return nil
}

// validates has the server validate an answer by a profile.
func (r *run) validates(id string, body []byte) error {
	for _, p := range r.script.Profile {
		if p.ID != id {
			continue
		}
		typ, _ := named(body)
		x, err := r.send(http.MethodPost, r.Base+"/"+typ+"/$validate?profile="+url.QueryEscape(p.Reference), body, nil)
		if err != nil {
			return err
		}
		var outcome struct {
			ResourceType string
			Issue        []struct{ Severity string }
		}
		if err := json.Unmarshal(x.body, &outcome); err != nil || outcome.ResourceType != "OperationOutcome" {
			return fmt.Errorf("$validate answers %d", x.status)
		}
		for _, issue := range outcome.Issue {
			if issue.Severity == "error" || issue.Severity == "fatal" {
				return fmt.Errorf("the answer does not conform to %s", id)
			}
		}
		return nil
	}
	return fmt.Errorf("there is no profile %q", id)
}
