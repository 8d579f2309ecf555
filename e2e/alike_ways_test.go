package e2e_test

import (
	"math/rand/v2"
	"time"
)

// ways are the ways to ask, each by the program that is denied for one reason.
func (w *secluded) ways() []way {
	list := []way{}
	add := func(name string, by *api, denied []string, status int, p probe) {
		list = append(list, way{name: name, by: by, status: status, probe: p, denied: denied, unknown: w.nobody})
	}
	const patching = "Content-Type: application/json-patch+json"
	rewrite := `[{"op":"replace","path":"/status","value":"amended"}]`
	vital := `{"resourceType":"Observation","id":"{id}",` + vitals + `"status":"final","code":{"text":"x"}}`

	for _, by := range []struct {
		why   string
		by    *api
		notes []string
	}{
		{"mark", w.all, w.notes},
		{"consent", w.kept, w.keptNotes},
		{"scope", w.lab, w.vital},
		{"relation", w.nurses, w.keptNotes}, // not on her ward
		{"context", w.app, w.vital},         // on it, and not the one it was opened for
	} {
		obs := func(name string, status int, method, path, header, body string) {
			add(by.why+"/"+name, by.by, by.notes, status, probe{method, path, header, body})
		}
		obs("read", 404, "GET", "/Observation/{id}", "", "")
		obs("search-id", 200, "GET", "/Observation?_id={id}", "", "")
		obs("search-identifier", 200, "GET", "/Observation?identifier=urn:obs%7C{id}", "", "")
		obs("meta", 404, "GET", "/Observation/{id}/$meta", "", "")
		if by.why != "mark" && by.why != "scope" {
			continue
		}
		obs("vread", 404, "GET", "/Observation/{id}/_history/1", "", "")
		obs("history", 404, "GET", "/Observation/{id}/_history", "", "")
		obs("conditional-read", 404, "GET", "/Observation/{id}", `If-None-Match: W/"1"`, "")
		obs("validate", 404, "GET", "/Observation/{id}/$validate", "", "")
		obs("patch", 404, "PATCH", "/Observation/{id}", patching, rewrite)
		obs("delete", 404, "DELETE", "/Observation/{id}", "", "")
		obs("patch-where", 404, "PATCH", "/Observation?identifier=urn:obs%7C{id}", patching, rewrite)
		obs("delete-where", 204, "DELETE", "/Observation?identifier=urn:obs%7C{id}", "", "")
		obs("count", 200, "GET", "/Observation?_id={id}&_summary=count", "", "")
		obs("batch", 200, "POST", "", "", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation/{id}"}},{"request":{"method":"GET","url":"Observation?_id={id}"}}]}`)
		if by.why == "scope" {
			obs("update", 404, "PUT", "/Observation/{id}", "", vital)
			obs("update-where", 404, "PUT", "/Observation?identifier=urn:obs%7C{id}", "", vital)
		}
	}
	patient := func(name string, status int, method, path, header, body string) {
		add("mark/patient-"+name, w.all, w.marked, status, probe{method, path, header, body})
	}
	patient("read", 404, "GET", "/Patient/{id}", "", "")
	patient("everything", 404, "GET", "/Patient/{id}/$everything", "", "")
	patient("compartment", 200, "GET", "/Patient/{id}/Observation", "", "")
	patient("reference", 200, "GET", "/Observation?subject=Patient/{id}", "", "")
	patient("chain", 200, "GET", "/Observation?subject:Patient.identifier=urn:mrn%7C{id}", "", "")
	patient("has", 200, "GET", "/Patient?_id={id}&_has:Observation:subject:code=2823-3", "", "")
	patient("lastn", 200, "GET", "/Observation/$lastn?subject=Patient/{id}&code=2823-3", "", "")
	add("mark/binary", w.all, w.scans, 404, probe{"GET", "/Binary/{id}", "", ""})
	add("relation/patient-read", w.nurses, w.kin, 404, probe{"GET", "/Patient/{id}", "", ""})
	add("relation/patient-reference", w.nurses, w.kin, 200, probe{"GET", "/Observation?subject=Patient/{id}", "", ""})
	add("context/patient-read", w.app, w.open, 404, probe{"GET", "/Patient/{id}", "", ""})
	add("context/patient-reference", w.app, w.open, 200, probe{"GET", "/Observation?subject=Patient/{id}", "", ""})
	list = append(list, way{
		name: "mark/include", by: w.all, status: 200, probe: probe{"GET", "/Observation?_id={id}&_include=Observation:has-member&_elements=status", "", ""},
		denied: w.named["hidden"], unknown: w.named["none"],
	})
	list = append(list, way{
		name: "others/job", by: w.kept, status: 404, probe: probe{"GET", "/$job/{id}", "", ""}, denied: w.jobs, unknown: swapped(w.jobs),
	})
	// What is left of a pace when the last byte comes is what a refusal takes.
	list = append(list, way{
		name: "mark/held", by: w.all, status: 404, denied: w.notes, unknown: w.nobody, held: 4400 * time.Microsecond,
		probe: probe{"PATCH", "/Observation/{id}", patching, rewrite},
	})
	// One that is open beside it makes it an answer that shows something.
	add("beside/id", w.all, w.notes, 200, probe{"GET", "/Observation?_id={id}," + w.vital[0], "", ""})
	add("beside/identifier", w.all, w.notes, 200, probe{"GET", "/Observation?identifier=urn:obs%7C{id},urn:obs%7C" + w.vital[0], "", ""})
	list = append(list, way{
		name: "beside/crowd", by: w.all, status: 200, told: true, denied: []string{"crowd"}, unknown: []string{"alone"},
		probe: probe{"GET", "/Observation?code=urn:c%7C{id}&_elements=status", "", ""},
	})
	return list
}

// swapped are ids that are as long and of the same letters as others, and nobody's.
func swapped(ids []string) (list []string) {
	for _, id := range ids {
		letters := []byte(id)
		rand.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		list = append(list, string(letters))
	}
	return list
}
