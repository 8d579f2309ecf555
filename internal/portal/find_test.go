package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
	"github.com/wardkeep/wardkeep/internal/search"
)

func TestFind(t *testing.T) {
	v := visit(t).signIn()
	whole := v.post("/find", "q", "okonkwo ad")
	if !strings.Contains(whole.body, "OKONKWO-SMITH, Adaeze") || strings.Count(whole.body, "Name alert") != 2 || !strings.Contains(whole.body, "<html") {
		t.Error("the page lacks the two who look alike")
	}
	part := v.do("POST", "/find", url.Values{"q": {"12-Mar-1961"}}, "HX-Request", "true")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, "2 patients found") || !strings.Contains(part.body, "4 West, Bed 01") {
		t.Errorf("by birth date: %s", part.body)
	}
	if a := v.post("/find", "q", "0012345"); !strings.Contains(a.body, "1 patient found") {
		t.Error("not found by number")
	}
	if a := v.post("/find", "q", "zz"); !strings.Contains(a.body, "Nobody found") {
		t.Error("an empty answer says nothing")
	}
	if a := v.post("/find", "q", "a"); !strings.Contains(a.body, "at least two letters") {
		t.Error("one letter was searched for")
	}
	if a := v.get("/find?q=okonkwo"); a.StatusCode == 200 {
		t.Error("a search by address is answered")
	}
}

// TestNameAlertFollows holds that a patient marked in a list is marked in his
// chart.
func TestNameAlertFollows(t *testing.T) {
	v := visit(t).signIn()
	chart := "/chart/" + portaltest.Lookalik
	if a := v.get(chart); strings.Contains(a.body, "Name alert") {
		t.Error("marked before any list was shown")
	}
	v.get("/ward")
	if a := v.get(chart); !strings.Contains(a.body, "Name alert") {
		t.Error("the mark of the list is not in the chart")
	}
}

func TestFindSearches(t *testing.T) {
	tail := "&_sort=family,given&_count=25"
	for typed, want := range map[string][]string{
		"":                       nil,
		"a":                      nil,
		"smith":                  {"Patient?name=smith" + tail},
		"Smith, John":            {"Patient?name=Smith&name=John" + tail},
		"1961-03-12":             {"Patient?birthdate=1961-03-12" + tail},
		"smith 12-Mar-1961":      {"Patient?name=smith&birthdate=1961-03-12" + tail},
		"3/4/1961":               {"Patient?birthdate=1961-03-04,1961-04-03" + tail},
		"3/14/1961":              {"Patient?birthdate=1961-03-14" + tail},
		"0012345":                {"Patient?identifier=0012345" + tail, "Patient?name=0012345" + tail},
		"a|b$c":                  {"Patient?name=a%5C%7Cb%5C%24c" + tail},
		"x&_count=9999":          {"Patient?identifier=x%26_count%3D9999" + tail, "Patient?name=x%26_count%3D9999" + tail},
		strings.Repeat("a", 201): nil,
	} {
		if got := portal.FindSearches(typed); strings.Join(got, " ; ") != strings.Join(want, " ; ") {
			t.Errorf("%q\n got %q\nwant %q", typed, got, want)
		}
	}
}

// TestSearchesAreServed holds every search of a page against the server's own
// parser.
func TestSearchesAreServed(t *testing.T) {
	all := append(portal.Searches("p1"), portal.FindSearches("smith 0012345 3/4/1961")...)
	if len(all) < 20 {
		t.Fatalf("only %d searches", len(all))
	}
	for _, s := range all {
		typ, query, _ := strings.Cut(s, "?")
		var params []search.Param
		for pair := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(pair, "=")
			value, err := url.QueryUnescape(value)
			if err != nil {
				t.Fatal(err)
			}
			params = append(params, search.Param{Key: key, Value: value})
		}
		if _, err := search.Parse(typ, params, search.Options{}); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func FuzzBackFrom(f *testing.F) {
	for _, s := range []string{"/", "/chart/a/results", "//evil.example", "/\\evil", "https://x", "/lock", "/a//b", "/%2f", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		back := portal.BackFrom(s)
		u, err := url.Parse(back)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || u.RawQuery != "" {
			t.Fatalf("%q leads to %q", s, back)
		}
	})
}
