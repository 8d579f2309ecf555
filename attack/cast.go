package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// caller is somebody who asks, with what he shows of himself.
type caller struct {
	Name    string
	Role    string // of cells: roles joined by +, or what kind of program
	Who     expect.Caller
	Related bool   // the patients' relations are his
	Ward    string // of his own
	person  *person
	client  *client
	grant   *grant
	session bool   // by the cookie of a session, on pages
	own     string // the person's own record
}

// credential are the headers by which the caller is known.
func (c *caller) credential(ctx context.Context) ([]string, error) {
	var states []string
	if c != nil && c.Who.Purpose != "" {
		states = []string{"X-Purpose-Of-Use: " + c.Who.Purpose}
	}
	switch {
	case c == nil || c.Who.Kind == "":
		return nil, nil
	case c.client != nil:
		t, err := c.client.bearer(ctx)
		return append(states, "Authorization: Bearer "+t), err
	case c.session:
		return []string{"Cookie: " + sessionCookie + "=" + c.person.Cookie}, nil
	}
	return append(states, "Authorization: Bearer "+c.grant.Access), nil
}

// relations are the caller's to a patient.
func (c *caller) relations(p *patient) []string {
	if c.person != nil && slices.Contains(p.Emergency, c.person.User) {
		return append(slices.Clone(c.usual(p)), "emergency")
	}
	return c.usual(p)
}

// usual are relations that are there without an emergency.
func (c *caller) usual(p *patient) []string {
	if c.own == p.ID {
		return append(c.known(p), "self")
	}
	return c.known(p)
}

func (c *caller) known(p *patient) []string {
	if !c.Related {
		return nil
	}
	if c.Ward == "" { // no wards, but the rest
		return slices.DeleteFunc(slices.Clone(p.Relation), func(r string) bool { return r == "ward" })
	}
	return slices.Clone(p.Relation)
}

// relation is its name in cells.
func (c *caller) relation(p *patient) string {
	if p == nil {
		return "none"
	}
	name := p.Why
	if p.kind != "" {
		return name
	}
	if len(c.relations(p)) == 0 && len(p.Relation) > 0 {
		name = "none"
	}
	if p.Mark.Mark != "" {
		name += "/" + p.Mark.Mark
	}
	return name
}

// target is what the evaluator is asked about.
func (w *world) target(c *caller, r *record, element string) expect.Target {
	p := w.byID[r.Patient]
	t := expect.Target{House: r.house, Type: r.Type, Category: r.Category, Element: element, Patient: r.Patient, Marks: r.Marks, Relations: c.relations(p)}
	return guardedTarget(t, c, p, r)
}

func (w *world) may(c *caller, r *record, element string) expect.Answer {
	return expect.May(c.Who, w.target(c, r, element))
}

// cast is everybody.
type cast struct {
	apps    []*caller // people, by an app that was let do all that they may
	narrow  []*caller // people, by apps with fewer scopes
	pages   []*caller // people, by the cookie of their session
	clients []*caller
	nobody  *caller
	all     *app
	root    *client // sees and changes all that programs may: legitimate
	// people with a record of their own here, and who states a purpose; they are tried
	// on the patients who are guarded alone
	selves, selfPages, purposed []*caller
}

func (c *cast) everybody() []*caller {
	return slices.Concat(c.apps, c.narrow, c.clients, []*caller{c.nobody})
}

// parts are the people: role, whether related, wards.
var parts = []struct {
	roles   string
	related bool
	ward    string
}{
	{"doctor", true, "ward-a"}, {"doctor", false, "ward-c"}, {"nurse", true, "ward-a"}, {"nurse", false, "ward-c"},
	{"pharmacist", true, "ward-a"}, {"pharmacist", false, "ward-c"}, {"lab", true, "ward-a"}, {"lab", false, ""},
	{"nurse,charge", true, "ward-a"}, {"nurse,charge", false, "ward-c"}, {"billing", true, ""}, {"registration", true, ""},
	{"admin", true, ""}, {"privacy", true, ""}, {"auditor", true, ""}, {"nurse,billing", true, "ward-a"},
	{"patient", false, ""}, {"proxy", false, ""}, {"proxy", true, ""},
}

func practitionerOf(i int) string { return fmt.Sprintf("staff-%d", i) }

// relatedStaff are the ids of practitioners whom the hospital's records name.
func relatedStaff() (named, all []string) {
	for i, p := range parts {
		all = append(all, practitionerOf(i))
		if p.related {
			named = append(named, practitionerOf(i))
		}
	}
	for i := range selves {
		name := practitionerOf(len(parts) + i)
		named, all = append(named, name), append(all, name)
	}
	return named, all
}

const appRedirect = "https://app.example.org/back"

const appScope = "openid fhirUser offline_access launch/patient user/*.cruds patient/*.cruds"

func (s *server) engage(ctx context.Context, w *world, say func(string)) (*cast, error) {
	c := &cast{nobody: &caller{Name: "nobody", Role: "anonymous"}}
	var err error
	if c.all, err = s.addApp(ctx, "Everything", appRedirect, appScope); err != nil {
		return nil, err
	}
	for i, part := range parts {
		roles := strings.Split(part.roles, ",")
		var wards []string
		if part.ward != "" {
			wards = []string{part.ward}
		}
		p, err := s.hire(ctx, fmt.Sprintf("u%d.%s", i, roles[0]), practitionerOf(i), roles, wards, "")
		if err == nil {
			err = p.signIn(ctx)
		}
		if err != nil {
			return nil, err
		}
		if part.roles == "proxy" && part.related {
			err = s.link(ctx, w, p)
		}
		if err != nil {
			return nil, err
		}
		if err := c.enter(ctx, w, p, part.related, part.ward); err != nil {
			return nil, err
		}
		say(fmt.Sprintf("%d of %d people have signed in", i+1, len(parts)))
	}
	for i, part := range selves {
		if err := c.enterSelf(ctx, w, s, i, strings.Split(part.roles, ","), part.ward, w.guardedAs(part.kind)); err != nil {
			return nil, err
		}
	}
	say("so have those who are patients themselves")
	if err := c.programs(ctx, s); err != nil {
		return nil, err
	}
	return c, c.wish(ctx, w, s)
}

// link files that somebody acts for patients, under the id of her account.
func (s *server) link(ctx context.Context, w *world, p *person) error {
	var people []struct{ ID, UserName string }
	if err := s.json(ctx, &people, "user", "list"); err != nil {
		return err
	}
	i := slices.IndexFunc(people, func(one struct{ ID, UserName string }) bool { return one.UserName == p.User })
	if i < 0 {
		return fmt.Errorf("%s is on no list", p.User)
	}
	var lines []byte
	for n, patient := range w.patients {
		if patient.Why == "proxy" {
			lines = append(lines, text(relative(fmt.Sprintf("proxy-%d", n), patient, people[i].ID))+"\n"...)
		}
	}
	for _, patient := range w.guarded {
		if patient.parent || slices.Contains(patient.Relation, "proxy") {
			patient.relative = relative(proxyOf(patient), patient, people[i].ID)
			lines = append(lines, text(patient.relative)+"\n"...)
		}
	}
	file := filepath.Join(filepath.Dir(s.dir), "proxies.ndjson")
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		return err
	}
	_, err := s.run(ctx, "import", "--dir", s.dir, file)
	return err
}

// enter makes the callers that one person is: by her session, and by apps.
func (c *cast) enter(ctx context.Context, w *world, p *person, related bool, ward string) error {
	role := strings.Join(p.Roles, "+")
	as := func(name, kind, scope, patient string) (*caller, error) {
		who := expect.Caller{Kind: kind, Roles: p.Roles, Scopes: strings.Fields(scope), Context: patient, Names: namesOf(w, p, related)}
		one := &caller{Name: p.User + name, Role: role, Who: who, Related: related, Ward: ward, person: p, session: kind == "person"}
		if kind == "person" {
			return one, nil
		}
		g, err := c.all.let(ctx, p, scope, patient)
		if err == nil {
			one.grant = g
		}
		return one, err
	}
	page, _ := as(" on pages", "person", "", "")
	c.pages = append(c.pages, page)
	all, err := as(" by an app", "app", "openid user/*.cruds", "")
	if err != nil {
		return err
	}
	c.apps = append(c.apps, all)
	if role != "doctor" && role != "nurse" || !related {
		return nil
	}
	own := w.patients[0] // of ward A
	for _, n := range []struct{ name, scope, patient string }{
		{" by an app of one type", "user/Condition.rs", ""}, {" by an app that may not read", "user/*.cud", ""},
		{" by an app of one patient", "launch/patient patient/*.rs", own.ID}, {" by a narrowed app", "launch/patient patient/Observation.rs?category=laboratory", own.ID},
	} {
		one, err := as(n.name, "app", n.scope, n.patient)
		if err != nil {
			return err
		}
		one.Role = role + n.name
		c.narrow = append(c.narrow, one)
	}
	return nil
}

func (c *cast) programs(ctx context.Context, s *server) error {
	for _, scope := range []string{
		"system/*.rs", "system/Patient.rs", "system/Observation.rs?category=laboratory", "system/*.cud", "system/Location.rs system/Practitioner.rs", "system/*.cruds",
	} {
		p, err := s.addClient(ctx, "client "+scope, scope)
		if err != nil {
			return err
		}
		who := expect.Caller{Kind: "client", Scopes: strings.Fields(scope), Names: []string{"Device/of-" + p.ID}}
		c.clients = append(c.clients, &caller{Name: "client " + scope, Role: "client " + scope, Who: who, client: p})
		c.root = p
	}
	return nil
}
