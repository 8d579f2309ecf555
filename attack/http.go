package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// paths are other ways to write the address of a record. %[1]s is the type, %[2]s the id.
var paths = []string{
	"/fhir//%[1]s/%[2]s", "//fhir/%[1]s/%[2]s", "/fhir/./%[1]s/%[2]s", "/fhir/x/../%[1]s/%[2]s", "/fhir/%%2e/%[1]s/%[2]s", "/fhir/%%2e%%2e/fhir/%[1]s/%[2]s",
	"/fhir/%[1]s%%2f%[2]s", "/fhir/%[1]s%%252f%[2]s", "/fhir/%[1]s/%[2]s/", "/fhir/%[1]s/%[2]s.", "/fhir/%[1]s/%[2]s;x=1", "/fhir;x=1/%[1]s/%[2]s", "/FHIR/%[1]s/%[2]s",
	"/fhir/%[1]s/%[2]s%%00", "/fhir/%[1]s/%[2]s%%00.json", "/fhir/%[1]s/%%c0%%af%[2]s", "/fhir/%[1]s/%[2]s%%20", "/fhir/%[1]s/%[2]s%%09", "/fhir/%[1]s/%[2]s#x", "/fhir/%[1]s/%[2]s?#",
	"https://localhost/fhir/%[1]s/%[2]s", "http://evil.example.org/fhir/%[1]s/%[2]s", "/fhir/metadata/../%[1]s/%[2]s", "/fhir/.well-known/../%[1]s/%[2]s",
	"/fhir/.well-known/smart-configuration/../../%[1]s/%[2]s", "/fhir/.well-known/%%2e%%2e/%[1]s/%[2]s", "/assets/../fhir/%[1]s/%[2]s", "/assets/%%2e%%2e/fhir/%[1]s/%[2]s",
	"/healthz/../fhir/%[1]s/%[2]s", "/readyz;/../fhir/%[1]s/%[2]s", "/fhir\\%[1]s\\%[2]s", "/fhir/%[1]s\\..\\%[1]s/%[2]s", "/oauth2/../fhir/%[1]s/%[2]s", "/fhir/%[1]s/%[2]s/..;/%[2]s",
	"/fhir/metadata/%[1]s/%[2]s", "/fhir/metadata?_path=%[1]s/%[2]s", "/fhir/%[1]s/%[2]s/_history/1/", "/fhir/%[1]s/%[2]s/_history/01", "/fhir/%[1]s/%[2]s/_history/-1", "/fhir/%[1]s/%[2]s/_history/1%%2f..",
	"/fhir/%%50atient/../%[1]s/%[2]s", "/fhir/%[1]s/%[2]s.json", "/fhir/%[1]s/%[2]s.xml", "/fhir/%[1]s/%[2]s%%3F_format=json", "/fhir/v4/%[1]s/%[2]s", "/fhir/default/%[1]s/%[2]s",
	"/fhir/%[1]s//%[2]s", "/fhir/%[1]s/./%[2]s", "/%%66hir/%[1]s/%[2]s", "/fhir/%[1]s/%%7a%[3]s",
}

// pollution is one parameter given twice, or hidden in another. %[1]s is the type, %[2]s the
// id, %[3]s the patient, %[4]s a patient of the caller's own, %[5]s the record's identifier.
var pollution = []string{
	"%[1]s?patient=%[4]s&patient=%[3]s", "%[1]s?patient=%[3]s&patient=%[4]s", "%[1]s?patient=%[4]s,%[3]s&_id=%[2]s", "%[1]s?patient[]=%[3]s", "%[1]s?patient[0]=%[4]s&patient[1]=%[3]s",
	"%[1]s?patient=%[4]s%%26patient%%3D%[3]s", "%[1]s?patient=%[4]s%%00%[3]s", "%[1]s?_id=%[2]s&_id=%[2]s", "%[1]s?_id=none,%[2]s", "%[1]s?_id=%[2]s;x=1", "%[1]s?subject=Patient/%[3]s&_id=%[2]s",
	"%[1]s?patient=%[4]s&subject=Patient/%[3]s", "%[1]s?Patient=%[3]s", "%[1]s?PATIENT=%[3]s", "%[1]s?patient=Patient/%[3]s&patient=Patient/%[3]s&_id=%[2]s", "%[1]s?patient:Patient=%[3]s&_id=%[2]s",
	"%[1]s?patient=http://localhost/fhir/Patient/%[3]s", "%[1]s?patient=Patient/%[3]s/_history/1&_id=%[2]s", "%[1]s?patient=%[4]s&_include=%[1]s:patient&_include=*&_revinclude=*&_id=%[2]s",
	"%[1]s?identifier=%[5]s&identifier=%[5]s", "%[1]s?identifier=x,%[5]s", "%[1]s?identifier=%[5]s&_count=0&_count=10", "%[1]s?_id=%[2]s&_total=none&_total=accurate", "%[1]s?_id=%[2]s&_summary=count&_summary=false",
	"%[1]s?_id=%[2]s&_format=json&_format=xml", "%[1]s?&&_id=%[2]s&&", "%[1]s??_id=%[2]s", "%[1]s?_id==%[2]s", "%[1]s?_id=%[2]s%%0d%%0aX-Injected:%%20yes", "?_type=%[1]s&_type=Patient&_id=%[2]s", "?_type=%[1]s,%[1]s&_id=%[2]s",
	"%[1]s/%[2]s?patient=%[4]s", "%[1]s/%[2]s?_id=%[4]s", "Patient/%[4]s/%[1]s?patient=%[3]s", "Patient/%[4]s/*?_type=%[1]s&_id=%[2]s", "Patient/%[4]s/$everything?patient=%[3]s", "Patient/%[4]s,%[3]s/$everything",
	"%[1]s?_filter=patient%%20eq%%20%[4]s%%20or%%20_id%%20eq%%20%[2]s", "%[1]s?_has:Provenance:target:_id=x&_id=%[2]s", "%[1]s?_list=%[2]s", "%[1]s?_page=%[2]s", "%[1]s?_getpages=%[2]s", "?_page=eyJ0IjoiUGF0aWVudCJ9.%[2]s",
}

// headers ask, beside a request in order, to be somebody or something else. %[1]s and %[2]s as
// above.
var headers = []string{
	"X-HTTP-Method-Override: GET", "X-HTTP-Method: PUT", "X-Method-Override: DELETE", "X-Original-URL: /fhir/metadata", "X-Rewrite-URL: /fhir/metadata", "X-Original-URL: /healthz",
	"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "X-Forwarded-Proto: https", "X-Forwarded-User: root", "X-Forwarded-Prefix: /fhir", "X-Forwarded-Path: /fhir/metadata", "Forwarded: for=127.0.0.1;host=localhost",
	"X-Real-IP: 127.0.0.1", "X-Remote-User: root", "Remote-User: root", "X-User: root", "X-User-Id: root", "X-Role: doctor", "X-Roles: admin", "X-Auth-Request-User: root", "X-Client-Cert: x", "X-SSL-Client-Verify: SUCCESS",
	"X-Purpose-Of-Use: BTG", "X-Purpose-Of-Use: ETREAT", "X-Purpose-Of-Use: SYSADMN", "X-Purpose-Of-Use: TREAT", "X-Security-Context: Patient/%[2]s", "X-Tenant: other", "X-Tenant-Id: default", "Host: evil.example.org", "Host: localhost/fhir", "Host: 127.0.0.1",
	"Range: bytes=0-500", "Accept: text/html", "Accept: application/pdf, */*", "Accept: application/fhir+ndjson", "Accept-Encoding: gzip, identity;q=0", "Expect: 100-continue", "Prefer: respond-async, handling=lenient", "Prefer: return=representation",
	"Origin: https://evil.example.org", "Origin: null", "Sec-Fetch-Site: cross-site", "Upgrade: h2c", "Connection: Authorization", "Connection: close, X-Forwarded-For", "TE: trailers", "If-Match: *", "If-Range: x", "Cookie: role=admin", "Via: 1.1 admin",
	"X-Internal: true", "X-Debug: 1", "X-Break-Glass: true", "X-Emergency: %[2]s", "X-Patient: %[2]s", "Cache-Control: only-if-cached", "Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: identity", "Authorization-X: Bearer x",
}

// confusions are bodies that say they are something else.
var confusions = []struct{ name, method, path, kind, body string }{
	{"search by JSON", "POST", "%[1]s/_search", "application/json", `{"_id":"%[2]s"}`},
	{"search by JSON named a form", "POST", "%[1]s/_search", formKind, `{"_id":"%[2]s"}`},
	{"search by multipart", "POST", "%[1]s/_search", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"_id\"\r\n\r\n%[2]s\r\n--x--\r\n"},
	{"search by text", "POST", "%[1]s/_search", "text/plain", "_id=%[2]s"},
	{"search by address and form", "POST", "%[1]s/_search?_id=%[2]s", formKind, "_id=none"},
	{"search by form and address", "POST", "%[1]s/_search?_id=none", formKind, "_id=%[2]s"},
	{"search in UTF-16", "POST", "%[1]s/_search", formKind + "; charset=utf-16", "_id=%[2]s"},
	{"search with a form by GET", "GET", "%[1]s/_search", formKind, "_id=%[2]s"},
	{"read with a body", "GET", "%[1]s/%[2]s", fhirJSON, `{"resourceType":"Parameters"}`},
	{"read by POST", "POST", "%[1]s/%[2]s", formKind, "_method=GET"},
	{"read by PROPFIND", "PROPFIND", "%[1]s/%[2]s", "text/xml", ""},
	{"read by OPTIONS", "OPTIONS", "%[1]s/%[2]s", "", ""},
	{"read by TRACE", "TRACE", "%[1]s/%[2]s", "", ""},
	{"read by get", "get", "%[1]s/%[2]s", "", ""},
	{"bundle as text", "POST", "", "text/plain", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"%[1]s/%[2]s"}}]}`},
	{"bundle in a bundle", "POST", "", fhirJSON, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"POST","url":""},"resource":{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"%[1]s/%[2]s"}}]}}]}`},
	{"bundle with an absolute address", "POST", "", fhirJSON, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"https://localhost/fhir/%[1]s/%[2]s"}}]}`},
	{"bundle with dots", "POST", "", fhirJSON, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"metadata/../%[1]s/%[2]s"}}]}`},
	{"bundle with a slash", "POST", "", fhirJSON, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"/%[1]s/%[2]s"}}]}`},
	{"bundle twice the same", "POST", "", fhirJSON, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"metadata","url":"%[1]s/%[2]s"}}]}`},
}

// trick is one variant of a request for a record.
type trick struct {
	trick, route string
	req          request
	want         want
}

func (a *attack) tricksOn(r *record, own string) (all []trick) {
	q := fmt.Sprintf
	for _, p := range paths {
		target := q(p, r.Type, r.ID, r.ID[1:])
		all = append(all, trick{"path tricks", p, request{Method: "GET", Target: target}, silent})
	}
	for _, p := range pollution {
		target := q("/fhir/"+p+"%[6]s", r.Type, r.ID, r.Patient, own, firstOf(r.Identifier, "none"), "")
		all = append(all, trick{"parameter pollution", p, request{Method: "GET", Target: target}, silent})
	}
	form := url.Values{"_id": {r.ID}}.Encode()
	for _, h := range headers {
		line := q(h+"%[3]s", r.Type, r.ID, "")
		for _, to := range []request{get("%s/%s", r.Type, r.ID), post(r.Type+"/_search", formKind, form)} {
			if name, _, _ := strings.Cut(line, ":"); !to.has(name) {
				all = append(all, trick{"header tricks", to.Method + " with " + h, to.with(line), map[bool]want{true: silent, false: blocked}[strings.Contains(h, "async")]})
			}
		}
	}
	for _, c := range confusions {
		one := request{Method: c.method, Target: "/fhir/" + q(c.path+"%[3]s", r.Type, r.ID, ""), Body: q(c.body+"%[3]s", r.Type, r.ID, "")}
		if c.kind != "" {
			one = one.with("Content-Type: " + c.kind)
		}
		all = append(all, trick{"content-type confusion", c.name, one, silent})
	}
	return all
}

// httpTricks are tried by everybody, on a record of each relation that is hidden from
// him. A public page says that nothing is found by it, whatever its headers ask for.
func (a *attack) httpTricks() (all []attempt) {
	for _, c := range a.everybody() {
		hidden, own := map[string][]*record{}, a.patients[0].ID
		for _, r := range a.records() {
			switch a.may(c, r, "") {
			case expect.Forbidden:
				name := c.relation(a.byID[r.Patient])
				hidden[name] = append(hidden[name], r)
			case expect.Allowed:
				own = r.Patient
			}
		}
		for _, relation := range sorted(hidden) {
			list := hidden[relation]
			r := list[a.rng.IntN(len(list))]
			for _, t := range a.tricksOn(r, own) {
				all = append(all, attempt{Route: t.route, Trick: t.trick, As: c, Relation: relation, Type: r.Type, Target: r, Req: t.req, Want: t.want})
			}
		}
	}
	return all
}

// smuggles are two requests in one, of which a careless server sees the second. %[1]s is the
// address, %[2]s the credential.
var smuggles = []struct{ name, text string }{
	{"CL.TE", "POST /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET %[1]s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
	{"TE.CL", "POST /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1\r\nx\r\n0\r\n\r\nGET %[1]s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
	{"two lengths", "POST /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nContent-Length: 0\r\nContent-Length: 60\r\n\r\nGET %[1]s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
	{"two encodings", "POST /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\nGET %[1]s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
	{"encoding with a space", "POST /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET %[1]s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
	{"bare line feeds", "GET /fhir/metadata HTTP/1.1\nHost: localhost\n\nGET %[1]s HTTP/1.1\nHost: localhost\n%[2]s\nConnection: close\n\n"},
	{"folded header", "GET %[1]s HTTP/1.1\r\nHost: localhost\r\nX: y\r\n %[2]s\r\nConnection: close\r\n\r\n"},
	{"two hosts", "GET %[1]s HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.org\r\n%[2]s\r\nConnection: close\r\n\r\n"},
	{"no host", "GET %[1]s HTTP/1.1\r\n%[2]s\r\nConnection: close\r\n\r\n"},
	{"HTTP/1.0", "GET %[1]s HTTP/1.0\r\n%[2]s\r\n\r\n"},
	{"HTTP/0.9", "GET %[1]s\r\n\r\n"},
	{"NUL in the address", "GET %[1]s\x00 HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nConnection: close\r\n\r\n"},
	{"pipelined", "GET /fhir/metadata HTTP/1.1\r\nHost: localhost\r\n\r\nGET %[1]s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"},
	{"length with a sign", "POST %[1]s HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nContent-Length: +0\r\nConnection: close\r\n\r\n"},
	{"CONNECT", "CONNECT localhost%[1]s HTTP/1.1\r\nHost: localhost\r\n%[2]s\r\nConnection: close\r\n\r\n"},
	{"two tokens", "GET %[1]s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer none\r\n%[2]s\r\nConnection: close\r\n\r\n"},
}

// smuggling sends them with what somebody who is not related shows, or with nothing.
func (a *attack) smuggling() (all []attempt) {
	strangers := slices.DeleteFunc(slices.Clone(a.apps), func(c *caller) bool { return c.Role != "patient" && c.Role != "auditor" && c.Role != "proxy" })
	for i, r := range a.records() {
		if i%29 != 0 {
			continue
		}
		for j, s := range smuggles {
			c := append(strangers, a.nobody)[(i/29+j)%(len(strangers)+1)]
			shows := "X-Nothing: y"
			if c.grant != nil {
				shows = "Authorization: Bearer " + c.grant.Access
			}
			raw := fmt.Sprintf(s.text+"%[3]s", "/fhir/"+r.Type+"/"+r.ID, shows, "")
			all = append(all, attempt{Route: s.name, Trick: "request smuggling", As: c, Relation: c.relation(a.byID[r.Patient]), Type: r.Type, Target: r, Req: request{Method: "GET", Raw: raw}, Want: silent})
		}
	}
	return all
}
