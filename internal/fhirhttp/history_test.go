package fhirhttp_test

import (
	"strings"
	"testing"
	"time"
)

// versions walks a history by its links and lists what it shows, "Patient/ann:2".
func (r *rig) versions(path string, headers ...string) string {
	r.t.Helper()
	var seen []string
	for range 20 {
		b := r.bundle(r.do(200, "GET", path, "", headers...))
		for _, e := range b.Entry {
			name := strings.TrimPrefix(e.FullURL, base+"/") + ":"
			if e.Request.Method == "DELETE" {
				name += "deleted"
			}
			seen = append(seen, name+e.Resource.Meta.VersionID)
		}
		if b.Type != "history" || b.Total != nil {
			r.t.Errorf("%s: %+v", path, b)
		}
		if path = b.link("next"); path == "" {
			break
		}
	}
	return strings.Join(seen, " ")
}

// aged is a rig whose clock moves a minute with each of these changes:
// 12:00 ann 1, 12:01 k 1, 12:02 ann 2, 12:03 bob 1, 12:04 k deleted, 12:05 bob 2.
func aged(t *testing.T) *rig {
	r := newRig(t)
	for _, c := range []struct {
		want               int
		method, path, body string
	}{
		{201, "PUT", "/Patient/ann", patient("ann", "Adams")}, {201, "PUT", "/Observation/k", result("k", "Patient/ann", "4")},
		{200, "PUT", "/Patient/ann", patient("ann", "Adamson")}, {201, "PUT", "/Patient/bob", patient("bob", "Brown")},
		{204, "DELETE", "/Observation/k", ""}, {200, "PUT", "/Patient/bob", patient("bob", "Browne")},
	} {
		r.do(c.want, c.method, c.path, c.body)
		r.clock.Advance(time.Minute)
	}
	return r
}

func TestHistories(t *testing.T) {
	r := aged(t)
	all := "Patient/bob:2 Observation/k:deleted Patient/bob:1 Patient/ann:2 Observation/k:1 Patient/ann:1"
	for path, want := range map[string]string{
		"/_history":                  all,
		"/_history?_count=1":         all,
		"/_history?_count=4":         all,
		"/Patient/_history":          "Patient/bob:2 Patient/bob:1 Patient/ann:2 Patient/ann:1",
		"/Patient/_history?_count=2": "Patient/bob:2 Patient/bob:1 Patient/ann:2 Patient/ann:1",
		"/Observation/_history":      "Observation/k:deleted Observation/k:1",
		"/Encounter/_history":        "",
		"/Patient/ann/_history":      "Patient/ann:2 Patient/ann:1",
		"/Observation/k/_history":    "Observation/k:deleted Observation/k:1",
		"/_history?_sort=-_lastUpdated&_since=2026-11-22T12:03:00Z":              "Patient/bob:2 Observation/k:deleted Patient/bob:1",
		"/Patient/_history?_since=2026-11-22T12:03:00Z":                          "Patient/bob:2 Patient/bob:1",
		"/_history?_at=2026-11-22T12:01:30Z":                                     "Observation/k:1 Patient/ann:1",
		"/_history?_at=2026-11-22T12:03:30Z&_count=1":                            "Patient/bob:1 Patient/ann:2 Observation/k:1",
		"/_history?_at=2026-11-22":                                               all,
		"/_history?_at=2026-11-23":                                               "Patient/bob:2 Observation/k:deleted Patient/ann:2",
		"/Patient/ann/_history?_at=2026-11-22T12:02:00.000Z":                     "Patient/ann:2",
		"/Patient/ann/_history?_at=2026-11-22T12:01:59.999999Z":                  "Patient/ann:1",
		"/Patient/ann/_history?_at=2026-11-22T12:01:59.9999999999Z":              "Patient/ann:1",
		"/Patient/ann/_history?_at=2026-11-22T12:01:59Z":                         "Patient/ann:1",
		"/Patient/ann/_history?_at=2026":                                         "Patient/ann:2 Patient/ann:1",
		"/Patient/ann/_history?_at=2025-12":                                      "",
		"/Patient/_history?_since=2026-11-22T12:03:00Z&_at=2026-11-22T12:04:30Z": "Patient/bob:1",
	} {
		if got := r.versions(path); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", path, got, want)
		}
	}
	for path, want := range map[string]int{"/_history": 6, "/Patient/_history": 4, "/Patient/ann/_history": 2} {
		if b := r.bundle(r.do(200, "GET", path+"?_summary=count", "")); b.Total == nil || *b.Total != want || len(b.Entry) != 0 {
			t.Errorf("%s: %+v", path, b)
		}
	}
	for _, path := range []string{"/_history?_list=List/x", "/_history?_sort=_lastUpdated", "/_history?_at=ge2026", "/_history?_at=2026-13", "/_history?name=x", "/Patient/_history?_since=2026"} {
		r.do(400, "GET", path, "")
	}
	r.do(403, "GET", "/_history", "", as("blind2"))
	r.do(403, "GET", "/Patient/_history", "", as("writer"))
	if got := r.versions("/_history", as("obs")); got != "Observation/k:deleted Observation/k:1" {
		t.Errorf("a program for observations sees %s", got)
	}
	b := r.bundle(r.do(200, "GET", "/Patient/_history?_elements=gender", ""))
	if len(b.Entry) != 4 || !strings.Contains(r.call("GET", "/Patient/_history?_summary=true", "").Body.String(), "SUBSETTED") {
		t.Errorf("%+v", b)
	}
}

// TestHistoryTellsTheMethod: what was created by PUT is not told as a POST, of which
// whoever copies it would make another id.
func TestHistoryTellsTheMethod(t *testing.T) {
	r := newRig(t)
	r.put(patient("ann", "Adams"))
	posted := strings.Split(strings.TrimPrefix(r.do(201, "POST", "/Patient", fresh(patient("x", "Brown"))).Header().Get("Location"), base), "/_history")[0]
	within := r.bundle(r.do(200, "POST", "/", entries("transaction", entry("POST", "Patient", "", fresh(patient("x", "Clark")), ""), entry("PUT", "Patient/dan", "", patient("dan", "Dent"), ""))))
	for path, want := range map[string]string{
		"/Patient/ann": "PUT Patient/ann 201 Created", "/Patient/dan": "PUT Patient/dan 201 Created", posted: "POST Patient 201 Created",
		strings.Split(strings.TrimPrefix(within.Entry[0].Response.Location, base), "/_history")[0]: "POST Patient 201 Created",
	} {
		e := r.bundle(r.do(200, "GET", path+"/_history", "")).Entry[0]
		if got := e.Request.Method + " " + e.Request.URL + " " + e.Response.Status; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestHistoryPagesAreBound: the link of a page opens it with the times it was made
// for, and with no others.
func TestHistoryPagesAreBound(t *testing.T) {
	r := aged(t)
	next := r.bundle(r.do(200, "GET", "/_history?_count=1&_since=2026-11-22T12:03:00Z", "")).link("next")
	r.do(200, "GET", next, "")
	r.do(400, "GET", strings.Replace(next, "12%3A03", "12%3A04", 1), "")
	r.do(400, "GET", next+"&_at=2026-11-22", "")
	_, token, _ := strings.Cut(next, "_page=")
	r.do(400, "GET", "/_history?_page="+token, "")
}
