package expect_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// TestWishes holds what follows from Consents, holds, age and one's own record to
// sentences of the requirements and the law.
func TestWishes(t *testing.T) {
	by := func(role, name string) expect.Caller {
		return expect.Caller{Kind: "person", Roles: []string{role}, Names: []string{name}}
	}
	doctor, billing, proxy, patient := by("doctor", "Practitioner/a"), by("billing", "Practitioner/b"), by("proxy", "RelatedPerson/m"), by("patient", "Patient/p")
	program := expect.Caller{Kind: "client", Scopes: []string{"system/*.rs"}, Names: []string{"Device/d"}}
	both := expect.Caller{Kind: "app", Roles: []string{"nurse", "billing"}, Scopes: []string{"user/*.cruds"}}
	stating := func(c expect.Caller, purpose string) expect.Caller { c.Purpose = purpose; return c }
	of := func(typ string, relations ...string) expect.Target {
		return expect.Target{Type: typ, ID: "x", Patient: "p", Relations: relations, Visit: "v", Codes: []string{"c"}, Labels: []string{"l"}}
	}
	with := func(t expect.Target, all ...expect.Provision) expect.Target { t.Consents = all; return t }
	held := func(t expect.Target, one expect.Provision) expect.Target { t.Holds = []expect.Provision{one}; return t }
	deny := expect.Provision{Deny: true}
	paid := expect.Provision{Deny: true, Purposes: []string{"HPAYMT"}, Visits: []string{"v"}}
	permit := expect.Provision{Actors: []string{"Practitioner/a"}}
	marked, minors, doubtful, own := with(of("Condition"), permit), of("Claim", "proxy"), of("Observation", "proxy"), of("Condition", "ward", "team", "self")
	marked.Marks, minors.Confidential, doubtful.Doubtful, own.Own = []string{"hiv"}, true, true, true
	elsewhere := with(of("Claim"), paid)
	elsewhere.Visit = "w"
	for name, c := range map[string]struct {
		who  expect.Caller
		what expect.Target
		want expect.Answer
	}{
		"all is denied":                         {doctor, with(of("Condition", "team"), deny), expect.Forbidden},
		"to a program":                          {program, with(of("Condition"), deny), expect.Forbidden},
		"not to herself":                        {patient, with(of("Condition", "self"), deny), expect.Allowed},
		"not in an emergency":                   {doctor, with(of("Condition", "emergency"), deny), expect.Allowed},
		"somebody else is denied":               {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, Actors: []string{"Practitioner/b"}}), expect.Allowed},
		"it is over":                            {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, Idle: true}), expect.Allowed},
		"a class":                               {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, Classes: []string{"Observation"}}), expect.Allowed},
		"a code":                                {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, Codes: []string{"c"}}), expect.Forbidden},
		"a label":                               {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, Labels: []string{"m"}}), expect.Allowed},
		"a record":                              {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, Records: []string{"x"}}), expect.Forbidden},
		"all but a class":                       {doctor, with(of("Condition", "team"), expect.Provision{Deny: true, But: []expect.Provision{{Classes: []string{"Condition"}}}}), expect.Allowed},
		"paid in full, billing":                 {billing, with(of("Claim"), paid), expect.Forbidden},
		"paid in full, billing says otherwise":  {stating(billing, "TREAT"), with(of("Claim"), paid), expect.Forbidden},
		"paid in full, another visit":           {billing, elsewhere, expect.Allowed},
		"paid in full, treatment":               {doctor, with(of("Condition", "team"), paid), expect.Allowed},
		"paid in full, doctor, for payment":     {stating(doctor, "HPAYMT"), with(of("Condition", "team"), paid), expect.Forbidden},
		"paid in full, program, no purpose":     {program, with(of("Claim"), paid), expect.Forbidden},
		"paid in full, program, for treatment":  {stating(program, "TREAT"), with(of("Claim"), paid), expect.Allowed},
		"permitted":                             {doctor, with(of("Condition"), permit), expect.Allowed},
		"permitted to somebody else":            {by("doctor", "Practitioner/z"), with(of("Condition"), permit), expect.Forbidden},
		"permitted to nobody in particular":     {doctor, with(of("Condition"), expect.Provision{}), expect.Forbidden},
		"permitted, marked":                     {doctor, marked, expect.Forbidden},
		"permitted, not what the role is shown": {by("nurse", "Practitioner/a"), with(of("Claim"), permit), expect.Forbidden},
		"none of her work":                      {stating(billing, "TREAT"), of("Claim"), expect.Forbidden},
		"a part of her work":                    {stating(by("nurse", "Practitioner/n"), "HPAYMT"), of("Condition", "ward"), expect.Forbidden},
		"her work":                              {stating(by("nurse", "Practitioner/n"), "HOPERAT"), of("Condition", "ward"), expect.Allowed},
		"the work of another of her roles":      {stating(both, "HPAYMT"), of("Condition", "ward"), expect.Forbidden},
		"the work of one of her roles":          {stating(both, "HPAYMT"), of("Claim"), expect.Allowed},
		"the first of her work":                 {stating(both, "TREAT"), of("Claim"), expect.Allowed},
		"permitted, for another purpose":        {stating(doctor, "HRESCH"), with(of("Condition"), expect.Provision{Actors: []string{"Practitioner/a"}, Purposes: []string{"TREAT"}}), expect.Forbidden},
		"held from the patient":                 {patient, held(of("Condition", "self"), expect.Provision{Deny: true, Records: []string{"x"}}), expect.Forbidden},
		"held from the proxy":                   {proxy, held(of("Condition", "proxy"), expect.Provision{Deny: true, Actors: []string{"RelatedPerson/m"}, Records: []string{"x"}}), expect.Forbidden},
		"held from the proxy, patient":          {patient, held(of("Condition", "self"), expect.Provision{Deny: true, Actors: []string{"RelatedPerson/m"}, Records: []string{"x"}}), expect.Allowed},
		"held, doctor":                          {doctor, held(of("Condition", "team"), expect.Provision{Deny: true, Records: []string{"x"}}), expect.Allowed},
		"a minor's, proxy":                      {proxy, minors, expect.Forbidden},
		"a minor's, billing":                    {billing, minors, expect.Allowed},
		"a minor's, perhaps":                    {proxy, doubtful, expect.Unsaid},
		"own record, by one's work":             {doctor, own, expect.Forbidden},
		"own record, as its patient":            {expect.Caller{Kind: "person", Roles: []string{"nurse", "patient"}}, own, expect.Allowed},
	} {
		if got := expect.May(c.who, c.what); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestMayState: a number is shown whole for a purpose, to those whose work has one.
func TestMayState(t *testing.T) {
	for role, want := range map[string]expect.Answer{"registration": expect.Unsaid, "billing": expect.Unsaid, "doctor": expect.Forbidden, "nurse": expect.Forbidden, "admin": expect.Forbidden} {
		who := expect.Caller{Kind: "app", Roles: []string{role}}
		if got := expect.MayState(who, "HPAYMT"); got != want {
			t.Errorf("%s: %d, want %d", role, got, want)
		}
		if got := expect.MayState(who, "TREAT"); got == expect.Unsaid && role != "registration" {
			t.Errorf("%s, to treat: not forbidden", role)
		}
		for _, purpose := range []string{"", "BTG", "ETREAT", "SYSADMN", "hpaymt"} {
			if expect.MayState(who, purpose) != expect.Forbidden {
				t.Errorf("%s, for %q: not forbidden", role, purpose)
			}
		}
	}
}
