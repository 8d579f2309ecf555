package expect_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// TestMay holds the tables to sentences of the requirements.
func TestMay(t *testing.T) {
	person := func(role string) expect.Caller { return expect.Caller{Kind: "person", Roles: []string{role}} }
	client := expect.Caller{Kind: "client", Scopes: []string{"system/*.rs"}}
	app := expect.Caller{Kind: "app", Roles: []string{"doctor"}, Scopes: []string{"patient/*.rs"}, Context: "a"}
	of := func(typ string, marks []string, relations ...string) expect.Target {
		return expect.Target{Type: typ, Marks: marks, Relations: relations, Patient: "a"}
	}
	psych, hiv, vip := []string{"psychotherapy"}, []string{"hiv"}, []string{"vip"}
	for name, c := range map[string]struct {
		who  expect.Caller
		what expect.Target
		want expect.Answer
	}{
		"nobody":                               {expect.Caller{}, of("Patient", nil, "team"), expect.Forbidden},
		"doctor of the team":                   {person("doctor"), of("Condition", nil, "team"), expect.Allowed},
		"doctor without a relation":            {person("doctor"), of("Condition", nil), expect.Forbidden},
		"nurse of the ward":                    {person("nurse"), of("Condition", nil, "ward"), expect.Allowed},
		"nurse, bills":                         {person("nurse"), of("Claim", nil, "ward"), expect.Forbidden},
		"psychotherapy, team":                  {person("doctor"), of("Condition", psych, "team"), expect.Allowed},
		"psychotherapy, emergency":             {person("doctor"), of("Condition", psych, "emergency"), expect.Forbidden},
		"psychotherapy, the patient":           {person("patient"), of("Condition", psych, "self"), expect.Forbidden},
		"HIV, ward":                            {person("doctor"), of("Condition", hiv, "ward"), expect.Forbidden},
		"HIV, nurse in an emergency":           {person("nurse"), of("Condition", hiv, "emergency"), expect.Allowed},
		"HIV, the proxy":                       {person("proxy"), of("Condition", hiv, "proxy"), expect.Forbidden},
		"VIP, the proxy":                       {person("proxy"), of("Condition", vip, "proxy"), expect.Allowed},
		"VIP, pharmacist of the ward":          {person("pharmacist"), of("AllergyIntolerance", vip, "ward"), expect.Allowed},
		"VIP, billing":                         {person("billing"), of("Claim", vip), expect.Forbidden},
		"billing, results":                     {person("billing"), of("Observation", nil), expect.Forbidden},
		"another house":                        {person("doctor"), expect.Target{House: "b", Type: "Condition", Relations: []string{"team"}}, expect.Forbidden},
		"of another house":                     {expect.Caller{Kind: "person", Roles: []string{"doctor"}, House: "b"}, of("Condition", nil, "team"), expect.Forbidden},
		"at home in another house":             {expect.Caller{Kind: "person", Roles: []string{"doctor"}, House: "b"}, expect.Target{House: "b", Type: "Condition", Relations: []string{"team"}}, expect.Allowed},
		"auditor":                              {person("auditor"), of("Condition", nil, "team"), expect.Forbidden},
		"program":                              {client, of("Condition", nil), expect.Allowed},
		"program, marked":                      {client, of("Condition", hiv), expect.Forbidden},
		"app, its patient":                     {app, of("Condition", nil, "team"), expect.Allowed},
		"app, another":                         {app, expect.Target{Type: "Condition", Patient: "b", Relations: []string{"team"}}, expect.Forbidden},
		"app, emergency":                       {app, of("Condition", nil, "emergency"), expect.Forbidden},
		"files of reports":                     {person("nurse"), expect.Target{Type: "DiagnosticReport", Element: "presentedForm", Relations: []string{"ward"}}, expect.Forbidden},
		"what nobody has said":                 {person("nurse"), of("Condition", nil, "referral"), expect.Unsaid},
		"results that go with drugs":           {person("pharmacist"), expect.Target{Type: "Observation", Category: "laboratory-formulary", Relations: []string{"ward"}}, expect.Allowed},
		"results that do not go with any drug": {person("pharmacist"), expect.Target{Type: "Observation", Category: "laboratory-other", Relations: []string{"ward"}}, expect.Forbidden},
	} {
		if got := expect.May(c.who, c.what); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	both := expect.Caller{Kind: "person", Roles: []string{"nurse", "billing"}}
	if expect.May(both, of("Claim", nil, "ward")) != expect.Allowed {
		t.Error("roles do not add up")
	}
}

func TestMayChange(t *testing.T) {
	record := expect.Target{Type: "Condition"}
	for scope, want := range map[string]expect.Answer{"system/*.rs": expect.Forbidden, "system/*.cud": expect.Unsaid, "system/Patient.cud": expect.Forbidden} {
		if got := expect.MayChange(expect.Caller{Kind: "client", Scopes: []string{scope}}, record, "u"); got != want {
			t.Errorf("%s: %d, want %d", scope, got, want)
		}
	}
}
