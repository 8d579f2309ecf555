package main

import "strings"

// finding is a hole that is known and not yet mended. Its attempts count as holes; it is
// named apart, so that a new one is seen beside it, and has to go from this list once it
// does not show any more.
type finding struct {
	name, says string
	matches    func(h hole) bool
}

var open = []finding{
	{"part-2 label of v3-ActCode", "a record whose only label is v3-ActCode|42CFRPart2 is treated as if it bore none",
		func(h hole) bool { return h.Label == "42CFRPart2" }},
	{"update tells what exists", "an app that may write and not read is answered 404 for an update of what exists and 403 of what does not",
		func(h hole) bool {
			return strings.HasPrefix(h.Route, "update") && strings.HasPrefix(h.Why, "told apart") && strings.HasSuffix(h.Role, "may not read")
		}},
	{"the laboratory files what it may not see", "an Observation that is no result of the laboratory can be created by it, for anybody",
		func(h hole) bool { return h.Role == "lab" && h.Trick == "change" && h.Type == "Observation" }},
	{"the form that invites", "the empty form at /people/new is shown to everybody who has just signed in",
		func(h hole) bool { return h.Trick == "admin pages" && h.Route == "/people/new" }},
	{"forms of the same host by plain HTTP", "a form with the Origin http:// of the same host and port is taken; its scheme is not compared",
		func(h hole) bool { return h.Trick == "CSRF" && strings.HasPrefix(h.Relation, "Origin: http:") }},
}

// known returns the name of the finding that a hole belongs to, "" if it is new.
func known(h hole) string {
	for _, f := range open {
		if f.matches(h) {
			return f.name
		}
	}
	return ""
}
