package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// want is what has to come of an attempt.
type want int

const (
	blocked want = iota // refused, or an answer without a single match
	silent              // any answer that shows nothing that is forbidden
	refused             // refused by its status
	shown               // legitimate: answered, with what it is asked for
	same                // blocked, and just as for what does not exist
)

// attempt is one request and what is expected of it.
type attempt struct {
	Route, Trick string
	As           *caller
	Relation     string
	Type         string
	Target       *record
	Req          request
	Want         want
	Show         []string
	Holds        string   // the answer has this in it
	Twin         *request // of what does not exist
	Own          bool     // brings its credentials itself
	Status       int      // the only one that is right; 0: as Want says
	Within       []string // scopes of which no more may be granted than there are
	Got, GotTwin *answer  // it was made before
	At           *server  // of another house than the first
	Sees         *caller  // who is shown the answer, if what is shown is somebody else's
	Via          func(ctx context.Context, q request) (answer, error)
}

// cell is the kind of an attempt: what is listed.
type cell struct{ Route, Role, Relation, Trick string }

func (a *attempt) cell() cell {
	role := "anonymous"
	if a.As != nil {
		role = a.As.Role
	}
	return cell{a.Route, role, a.Relation, a.Trick}
}

// digest tells attempts apart: who, and every byte that is sent.
func (a *attempt) digest() string {
	name := ""
	if a.As != nil {
		name = a.As.Name
	}
	host := ""
	if a.At != nil {
		host = a.At.host
	}
	sum := sha256.Sum256([]byte(name + "\x00" + a.Req.Raw + string(a.Req.text(host))))
	return hex.EncodeToString(sum[:16])
}

// verdict is what came of an attempt.
type verdict struct {
	OK     bool
	Why    string
	Label  string   // of the record that is shown, or was the target
	Unsaid []string // shown, and the requirements are silent about it
}

func fail(why string) verdict { return verdict{Why: why} }

// judge says whether the answer is as expected.
func (w *world) judge(a *attempt, got answer, twin *answer) verdict {
	label := ""
	if a.Target != nil {
		label = w.byID[a.Target.Patient].Mark.Code
	}
	v := w.judged(a, got, twin)
	v.Label = firstOf(v.Label, label)
	return v
}

func (w *world) judged(a *attempt, got answer, twin *answer) verdict {
	v := verdict{OK: true}
	if why := w.leak(a, got.all(), &v); why != "" {
		return verdict{Why: why, Label: v.Label}
	}
	if why := astray(a, got); why != "" {
		return fail(why)
	}
	if got.Status >= 500 && got.Status != http.StatusNotImplemented && got.Status != http.StatusHTTPVersionNotSupported {
		return fail("status " + got.Line)
	}
	if why := more(a, got); why != "" {
		return fail(why)
	}
	if a.Status != 0 && got.Status != a.Status {
		return fail("answered " + got.Line)
	}
	switch a.Want {
	case shown:
		return w.legitimate(a, got, v)
	case refused:
		if got.Status < 300 || got.Status == http.StatusNotModified {
			return fail("answered " + got.Line)
		}
	case blocked, same:
		if !without(got) {
			return fail("answered " + got.Line + " with something in it")
		}
	}
	if twin != nil {
		if why := differs(got, *twin, a.Req, *a.Twin); why != "" {
			return fail("told apart from what does not exist: " + why)
		}
	}
	return v
}

// more names a scope that was granted beyond those that there are.
func more(a *attempt, got answer) string {
	var g grant
	if a.Within == nil || json.Unmarshal(got.Body, &g) != nil {
		return ""
	}
	for _, s := range strings.Fields(g.Scope) {
		if !slices.ContainsFunc(a.Within, func(have string) bool { return narrower(s, have) }) {
			return "granted more: " + s
		}
	}
	return ""
}

// narrower reports whether a scope says no more than another: level, type, letters, filter.
func narrower(s, have string) bool {
	base, filter, _ := strings.Cut(s, "?")
	most, must, _ := strings.Cut(have, "?")
	name, letters, _ := strings.Cut(base, ".")
	wide, all, _ := strings.Cut(most, ".")
	letters = strings.NewReplacer("read", "rs", "write", "cud", "*", "cruds").Replace(letters) // SMART version 1
	level, _, _ := strings.Cut(wide, "/")
	return (name == wide || wide == level+"/*" && strings.HasPrefix(name, level+"/")) && strings.Trim(letters, all) == "" && (must == "" || filter == must)
}

// home is the name that answers may lead to.
func (a *attempt) home() string {
	if a.At != nil {
		return a.At.tls.ServerName
	}
	return "localhost"
}

// astray says whether an answer leads a browser to where it must not go, or lets pages
// of strangers read it.
func astray(a *attempt, got answer) string {
	to := got.Header.Get("Location")
	if _, link, ok := strings.Cut(got.Header.Get("Refresh"), "url="); ok {
		to = link
	}
	if u, err := url.Parse(to); to != "" && (err != nil || u.Host != "" && u.Hostname() != a.home() && !strings.HasPrefix(to, appRedirect+"?") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\")) {
		return "leads elsewhere"
	}
	if origin := got.Header.Get("Access-Control-Allow-Origin"); origin != "" && origin != "https://app.example.org" {
		return "lets pages of " + origin + " read it"
	}
	if got.Header.Get("X-Injected") != "" {
		return "a header was injected"
	}
	return ""
}

func (w *world) legitimate(a *attempt, got answer, v verdict) verdict {
	if got.Status >= 300 {
		return fail(strings.TrimSpace("refused: " + got.Line + " " + strings.SplitN(got.Header.Get("Location"), "?", 2)[0]))
	}
	if !strings.Contains(string(got.Body), a.Holds) {
		return fail("does not hold " + a.Holds)
	}
	lower := strings.ToLower(string(got.all()))
	for _, word := range a.Show {
		if !strings.Contains(lower, word) && !w.finds(got.Body, word) {
			c := w.words[word]
			return fail("does not show " + c.Element)
		}
	}
	return v
}

func (w *world) finds(text []byte, word string) bool {
	return slices.ContainsFunc(w.find(text), func(c canary) bool { return c.Word == word })
}

// leak names a canary that the caller must not see and did not send himself.
func (w *world) leak(a *attempt, text []byte, v *verdict) string {
	sent := ""
	for _, c := range w.find(text) {
		if sent == "" {
			sent = strings.ToLower(a.Req.Raw + string(a.Req.text("")))
		}
		if strings.Contains(sent, c.Word) || slices.Contains(a.Show, c.Word) || c.Element == "id" && c.Record != a.Target {
			continue
		}
		who := a.As
		if who == nil || a.Own {
			who = &caller{}
		}
		if a.Sees != nil {
			who = a.Sees
		}
		switch w.may(who, c.Record, c.Element) {
		case expect.Forbidden:
			v.Label = w.byID[c.Record.Patient].Mark.Code
			return "shows " + c.Record.Type + "." + c.Element + " (" + strings.Join(append([]string{c.Record.Category, w.byID[c.Record.Patient].Why}, c.Record.Marks...), " ") + ")"
		case expect.Unsaid:
			v.Unsaid = append(v.Unsaid, c.Record.Type+"."+c.Element+" "+c.Record.Category)
		}
	}
	return ""
}

// bundle is as much of an answer as tells whether something was found.
type bundle struct {
	ResourceType, Type string
	Total              *int
	Entry              []struct {
		Search   struct{ Mode string }
		Response struct{ Status string }
		Resource json.RawMessage
	}
}

var (
	xmlTotal = regexp.MustCompile(`<total value="([1-9])`)
	xmlEntry = regexp.MustCompile(`<(entry|outcome)>`)
)

// without reports whether an answer is a refusal, or says that there is nothing.
func without(got answer) bool {
	switch {
	case got.Status == http.StatusNotModified:
		return false
	case got.Status >= 300:
		return true
	case strings.Contains(got.Header.Get("Content-Type"), "xml"):
		return strings.Contains(string(got.Body), "<Bundle") && !xmlTotal.Match(got.Body) && !xmlEntry.Match(got.Body)
	}
	return nothing(got.Body)
}

func nothing(body []byte) bool {
	var b bundle
	if json.Unmarshal(body, &b) != nil || b.ResourceType != "Bundle" {
		return false
	}
	if b.Total != nil && *b.Total > 0 {
		return false
	}
	for _, e := range b.Entry {
		if e.Search.Mode == "outcome" || e.Response.Status != "" && e.Response.Status[0] != '2' && e.Response.Status[:3] != "304" {
			continue
		}
		if e.Response.Status == "" || !nothing(e.Resource) {
			return false
		}
	}
	return true
}
