package identity_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestParseScopes(t *testing.T) {
	cases := map[string]string{ // "" means refused
		"system/*.cruds":                        "system/*.cruds",
		"system/Observation.rs":                 "system/Observation.rs",
		"system/Patient.r system/Observation.c": "system/Observation.c system/Patient.r",
		"system/Patient.r system/Patient.s":     "system/Patient.rs",
		"system/*.rs system/Patient.r":          "system/*.rs",
		"system/*.rs system/Patient.cr":         "system/*.rs system/Patient.cr",
		"":                                      "",
		" system/*.rs":                          "",
		"system/*.rs ":                          "",
		"system/*.rs  system/Patient.r":         "",
		"system/*.rs\tsystem/Patient.r":         "",
		"system/*.sr":                           "",
		"system/*.rr":                           "",
		"system/*.":                             "",
		"system/*":                              "",
		"system/.rs":                            "",
		"system/*.read":                         "system/*.rs",
		"system/Observation.write":              "system/Observation.cud",
		"system/*.*":                            "system/*.cruds",
		"system/Observation.Read":               "",
		"system/patient.rs":                     "",
		"system/Pat*.rs":                        "",
		"system/Observation.rs?category=vital":  "system/Observation.rs?category=vital",
		"system/Observation.rs?category=b&category=a&category=b":  "system/Observation.rs?category=a&category=b",
		"system/Observation.rs?category=s|a system/Observation.r": "system/Observation.r system/Observation.rs?category=s|a",
		"system/Observation.rs?category=a system/Observation.rs":  "system/Observation.rs",
		"system/*.rs?category=a":                                  "",
		"system/Observation.read?category=a":                      "",
		"system/Observation.rs?":                                  "",
		"system/Observation.rs?category":                          "",
		"system/Observation.rs?category=":                         "",
		"system/Observation.rs?category=%zz":                      "",
		"system/Observation.rs?code:in=x":                         "",
		"system/Observation.rs?subject.name=x":                    "",
		"system/Observation.rs?category=a\"b":                     "",
		"patient/*.rs":                                            "patient/*.rs",
		"user/*.rs":                                               "user/*.rs",
		"user/*.rs patient/*.rs system/*.rs":                      "system/*.rs patient/*.rs user/*.rs",
		"SYSTEM/*.rs":                                             "",
		"openid":                                                  "",
		"system/*.rs offline_access":                              "",
		"system/user.cruds":                                       "",
		"system/P\u00e4tient.r":                                   "",
		"system/Observation.rs.rs":                                "",
		"system//Observation.rs":                                  "",
		"system/Observation.R":                                    "",
		"system/Observation.cruds\x00":                            "",
		"launch/patient system/Observation.cruds":                 "",
	}
	for text, want := range cases {
		got, err := identity.ParseScopes(text)
		if (err != nil) != (want == "") || got.String() != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func anyScopes(t *rapid.T, name string) identity.Scopes {
	one := rapid.Custom(func(t *rapid.T) identity.Scope {
		return identity.Scope{
			Type:   rapid.SampledFrom([]string{"*", "Patient", "Observation", "Encounter"}).Draw(t, "type"),
			Access: identity.Access(rapid.IntRange(1, 31).Draw(t, "access")),
		}
	})
	return rapid.SliceOfN(one, 1, 5).Draw(t, name)
}

// Meet grants exactly what both grant; writing and reading change nothing.
func TestScopesMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScopes(t, "a"), anyScopes(t, "b")
		both := a.Meet(b)
		for _, typ := range []string{"Patient", "Observation", "Encounter", "Other"} {
			if got, want := both.Access(typ), a.Access(typ)&b.Access(typ); got != want {
				t.Fatalf("%s: %v, want %v", typ, got, want)
			}
		}
		again, err := identity.ParseScopes(a.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range []string{"Patient", "Observation", "Encounter", "Other"} {
			if again.Access(typ) != a.Access(typ) {
				t.Fatalf("%s changed", typ)
			}
		}
	})
}

// Ways tell which records a scope lets through.
func TestWays(t *testing.T) {
	const rs = identity.AccessRead | identity.AccessSearch
	cases := []struct {
		scopes, typ string
		access      identity.Access
		want        []identity.Way
	}{
		{"system/*.rs", "Observation", rs, []identity.Way{{}}},
		{"system/*.r", "Observation", rs, nil},
		{"system/Patient.rs", "Observation", rs, nil},
		{"system/Observation.rs?category=a", "Observation", rs, []identity.Way{{Query: "category=a"}}},
		{"system/Observation.rs?category=a", "Observation", identity.AccessCreate, nil},
		{"system/Observation.rs?category=a system/Observation.rs?category=b", "Observation", rs, []identity.Way{{Query: "category=a"}, {Query: "category=b"}}},
		{"system/Observation.r?category=a system/Observation.s", "Observation", rs, []identity.Way{{Query: "category=a"}}},
		{"patient/*.rs", "Observation", rs, []identity.Way{{Patient: true}}},
		{"patient/*.rs user/*.rs", "Observation", rs, []identity.Way{{}}},
		{"patient/*.r user/Observation.s?category=a", "Observation", rs, nil},
		{"patient/Observation.r?category=a user/*.s", "Observation", rs, []identity.Way{{Patient: true, Query: "category=a"}}},
	}
	for _, c := range cases {
		scopes, err := identity.ParseScopes(c.scopes)
		must(t, err)
		if got := scopes.Ways(c.typ, c.access); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.scopes, got, c.want)
		}
	}
}

// A scope asked for never grants more than the one registered.
func TestMeetKeepsLevelsAndQueries(t *testing.T) {
	cases := [][3]string{
		{"system/*.rs", "patient/*.rs", ""},
		{"user/*.rs", "patient/*.cruds", ""},
		{"patient/*.rs user/Patient.r", "patient/Observation.cruds user/*.r", "patient/Observation.rs user/Patient.r"},
		{"system/Observation.rs", "system/Observation.rs?category=a", "system/Observation.rs?category=a"},
		{"system/Observation.rs?category=b", "system/*.rs", "system/Observation.rs?category=b"},
		{"system/Observation.rs?category=b", "system/Observation.rs?category=a", "system/Observation.rs?category=a&category=b"},
	}
	for _, c := range cases {
		asked, err := identity.ParseScopes(c[0])
		must(t, err)
		registered, err := identity.ParseScopes(c[1])
		must(t, err)
		if got := asked.Meet(registered); got.String() != c[2] || !asked.Cover(got) || !registered.Cover(got) {
			t.Errorf("%s, %s: %s", c[0], c[1], got)
		}
	}
}

func TestParseAsked(t *testing.T) {
	a, err := identity.ParseAsked("launch/patient openid fhirUser patient/*.read offline_access launch/encounter")
	must(t, err)
	if !a.Version1 || !a.Unknown || a.String() != "fhirUser launch/patient offline_access openid patient/*.read" || !a.Has(identity.WordOffline) || a.Has(identity.WordLaunch) {
		t.Errorf("%+v: %s", a, a)
	}
	for _, bad := range []string{"", "openid ", "openid\tprofile", "patient/*.sr", "openid patient/x.rs", strings.Repeat("a ", 3000)} {
		if _, err := identity.ParseAsked(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzParseScopes(f *testing.F) {
	for _, s := range []string{"system/*.cruds", "system/Patient.r system/Observation.rs", "system/Patient.read", "a b", "system/*.rs "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := identity.ParseScopes(text)
		if err != nil {
			return
		}
		again, err := identity.ParseScopes(got.String())
		if err != nil || again.String() != got.String() {
			t.Fatalf("%q became %q, then %v", text, got, err)
		}
	})
}
