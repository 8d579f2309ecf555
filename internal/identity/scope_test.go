package identity_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestParseScopes(t *testing.T) {
	cases := map[string]string{ // "" means refused
		"system/*.cruds":                          "system/*.cruds",
		"system/Observation.rs":                   "system/Observation.rs",
		"system/Patient.r system/Observation.c":   "system/Observation.c system/Patient.r",
		"system/Patient.r system/Patient.s":       "system/Patient.rs",
		"system/*.rs system/Patient.r":            "system/*.rs",
		"system/*.rs system/Patient.cr":           "system/*.rs system/Patient.cr",
		"":                                        "",
		" system/*.rs":                            "",
		"system/*.rs ":                            "",
		"system/*.rs  system/Patient.r":           "",
		"system/*.rs\tsystem/Patient.r":           "",
		"system/*.sr":                             "",
		"system/*.rr":                             "",
		"system/*.":                               "",
		"system/*":                                "",
		"system/.rs":                              "",
		"system/*.read":                           "",
		"system/*.*":                              "",
		"system/patient.rs":                       "",
		"system/Pat*.rs":                          "",
		"system/Observation.rs?category=vital":    "",
		"patient/*.rs":                            "",
		"user/*.rs":                               "",
		"SYSTEM/*.rs":                             "",
		"openid":                                  "",
		"system/*.rs offline_access":              "",
		"system/user.cruds":                       "",
		"system/P\u00e4tient.r":                   "",
		"system/Observation.rs.rs":                "",
		"system//Observation.rs":                  "",
		"system/Observation.R":                    "",
		"system/Observation.cruds\x00":            "",
		"launch/patient system/Observation.cruds": "",
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
