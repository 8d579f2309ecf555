// Package expect says who may see and do what, by plain tables. It is written from
// the words of the requirements and the law alone, and shares no line with the
// product: what the two say differently is a finding about one of them.
package expect

import "slices"

// Answer is what the requirements say. Unsaid is no expectation at all: such a
// cell is neither attempted nor counted.
type Answer int

const (
	Unsaid Answer = iota
	Forbidden
	Allowed
)

// Caller is who asks, as far as the requirements tell callers apart.
type Caller struct {
	Kind   string   // "person" in a session, "app" of a person, "client", "" for nobody
	Roles  []string // of the person
	Scopes []string // of apps and clients: system/Type.cruds
	// Context is the one patient that scopes of level patient reach.
	Context string
	Names   []string // references by which Consents speak of the caller
	Purpose string   // that is stated
	House   string   // where the caller is somebody
}

// Target is a record, or one element of it.
type Target struct {
	House    string
	Type     string
	Category string // of Observations and the like: laboratory-formulary, laboratory-other, vital-signs, social-history
	Element  string // "" for the record as such
	Patient  string
	Marks    []string
	// Relations are those of the caller to the patient; none at all is no relation.
	Relations []string
	// What Consents speak of: the record, what it is coded and labelled with, the
	// Encounter it belongs to; and those of the patient that are in force.
	ID              string
	Codes, Labels   []string
	Visit           string
	Consents, Holds []Provision
	Confidential    bool // a minor keeps it to herself
	Doubtful        bool // or may
	Own             bool // the caller is the patient
}

// May is the answer to one look.
func May(c Caller, t Target) Answer { return least(apart(c, t), least(look(c, t), whole(t))) }

// whole says which numbers nobody is shown whole: they arrive masked. A narrative may
// repeat them.
func whole(t Target) Answer {
	switch {
	case t.Type == "Coverage" && (t.Element == "identifier" || t.Element == "subscriberId"), t.Element == "ssn":
		return Forbidden
	case (t.Type == "Coverage" || t.Type == "Patient") && t.Element == "text":
		return Unsaid
	}
	return Allowed
}

// MayUnmask says who may not ask for a whole number: programs, and those whose work
// needs none.
func MayUnmask(c Caller) Answer {
	for _, role := range c.Roles {
		if c.Kind != "client" && slices.Contains([]string{"registration", "billing", "patient", "proxy"}, role) {
			return Unsaid // it depends, and on how often
		}
	}
	return Forbidden
}

func look(c Caller, t Target) Answer {
	switch c.Kind {
	case "client":
		return program(c, t)
	case "app":
		if a := scoped(c.Scopes, t, c.Context); a != Allowed {
			return a
		}
		return person(c, t)
	case "person":
		return person(c, t)
	}
	return Forbidden
}

// program: scopes and Consents say it all, and nothing that is marked leaves.
func program(c Caller, t Target) Answer {
	if len(t.Marks) > 0 {
		return Forbidden
	}
	return least(scoped(c.Scopes, t, ""), wished("", c, t))
}

// person: roles add up, as far as they work for what is stated. Of several, the best
// answer counts.
func person(c Caller, t Target) Answer {
	best := Forbidden
	for _, role := range c.working() {
		switch a := one(role, c, t); {
		case a == Allowed:
			return Allowed
		case a == Unsaid:
			best = Unsaid
		}
	}
	return best
}

func one(role string, c Caller, t Target) Answer {
	if role == "admin" && c.Kind == "person" {
		return Unsaid // full after re-authentication alone, which signing in may have been
	}
	relation := related(role, c, t)
	if relation == Forbidden {
		return Forbidden
	}
	marks := Allowed
	for _, m := range t.Marks {
		marks = least(marks, marked(role, m, t.Relations))
	}
	return least(least(relation, least(marks, shown(role, t))), least(wished(role, c, t), least(released(role, c, t), own(role, t))))
}

// least is the stricter of two answers.
func least(a, b Answer) Answer {
	switch {
	case a == Forbidden || b == Forbidden:
		return Forbidden
	case a == Unsaid || b == Unsaid:
		return Unsaid
	}
	return Allowed
}

// reach is by which relations a role comes to a patient's records. "any" needs none.
var reach = map[string][]string{
	"doctor":     {"team", "ward", "encounter", "referral", "appointment", "emergency", "consent"},
	"nurse":      {"ward", "emergency", "consent"},
	"charge":     {},
	"pharmacist": {"ward", "emergency", "consent"},
	"billing":    {"any"},
	"lab":        {"any"},
	"patient":    {"self"},
	"proxy":      {"proxy"},
}

// unsure are relations of which the requirements do not say whether they do for a
// role.
var unsure = map[string][]string{
	"nurse":        {"encounter", "referral", "appointment"},
	"pharmacist":   {"team", "encounter", "referral", "appointment"},
	"registration": {"any"},
}

// related says whether the caller's relations do. An emergency is of who is at work
// in a session; an app has none.
func related(role string, c Caller, t Target) Answer {
	relations := t.Relations
	if c.Kind == "app" {
		relations = slices.DeleteFunc(slices.Clone(relations), func(r string) bool { return r == "emergency" })
	}
	if opened(role, c, t) {
		relations = append(slices.Clone(relations), "consent")
	}
	best := Forbidden
	if role == "privacy" && t.Type == "Consent" {
		best = Unsaid // who keeps an eye on what is held
	}
	for _, r := range append([]string{"any"}, relations...) {
		switch {
		case slices.Contains(reach[role], r):
			return Allowed
		case slices.Contains(unsure[role], r):
			best = Unsaid
		}
	}
	return best
}

// marked says whether a mark lets a role by, given its relations.
func marked(role, mark string, relations []string) Answer {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(relations, n) })
	}
	yes := false
	switch mark {
	case "sensitive": // labels of HL7's for what is delicate: who of those who work here sees it is not said
		if role == "patient" && has("self") {
			return Allowed
		}
		return Unsaid
	case "psychotherapy": // a doctor of the care team: not the patient, not in an emergency
		yes = role == "doctor" && has("team")
	case "sud", "hiv", "restricted":
		yes = role == "doctor" && has("team", "emergency") || role == "nurse" && has("emergency") || role == "patient" && has("self")
	case "vip", "employee":
		yes = (role == "doctor" || role == "nurse") && has("team", "emergency") || role == "pharmacist" && has("ward", "emergency") ||
			role == "patient" && has("self") || role == "proxy" && has("proxy")
	}
	if yes {
		return Allowed
	}
	return Forbidden
}
