package e2e_test

// ways are the ways to ask, each by the program that is denied for one reason.
func (w *secluded) ways() []way {
	list := []way{}
	add := func(name, token string, denied []string, p probe) {
		list = append(list, way{name: name, token: token, probe: p, denied: denied, unknown: w.nobody})
	}
	const patching = "Content-Type: application/json-patch+json"
	rewrite := `[{"op":"replace","path":"/status","value":"amended"}]`
	vital := `{"resourceType":"Observation","id":"{id}",` + vitals + `"status":"final","code":{"text":"x"}}`

	for _, by := range []struct {
		why, token      string
		patients, notes []string
	}{
		{"mark", w.all, w.marked, w.notes},
		{"consent", w.kept, w.kin, w.keptNotes},
		{"scope", w.lab, nil, w.vital},
	} {
		obs := func(name, method, path, header, body string) {
			add(by.why+"/"+name, by.token, by.notes, probe{method, path, header, body})
		}
		obs("read", "GET", "/Observation/{id}", "", "")
		obs("search-id", "GET", "/Observation?_id={id}", "", "")
		obs("search-identifier", "GET", "/Observation?identifier=urn:obs%7C{id}", "", "")
		obs("meta", "GET", "/Observation/{id}/$meta", "", "")
		if by.why == "consent" {
			continue
		}
		obs("vread", "GET", "/Observation/{id}/_history/1", "", "")
		obs("history", "GET", "/Observation/{id}/_history", "", "")
		obs("conditional-read", "GET", "/Observation/{id}", `If-None-Match: W/"1"`, "")
		obs("validate", "GET", "/Observation/{id}/$validate", "", "")
		obs("patch", "PATCH", "/Observation/{id}", patching, rewrite)
		obs("delete", "DELETE", "/Observation/{id}", "", "")
		obs("patch-where", "PATCH", "/Observation?identifier=urn:obs%7C{id}", patching, rewrite)
		obs("delete-where", "DELETE", "/Observation?identifier=urn:obs%7C{id}", "", "")
		obs("count", "GET", "/Observation?_id={id}&_summary=count", "", "")
		obs("batch", "POST", "", "", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation/{id}"}},{"request":{"method":"GET","url":"Observation?_id={id}"}}]}`)
		if by.why == "scope" {
			obs("update", "PUT", "/Observation/{id}", "", vital)
			obs("update-where", "PUT", "/Observation?identifier=urn:obs%7C{id}", "", vital)
		}
	}
	patient := func(name, method, path, header, body string) {
		add("mark/patient-"+name, w.all, w.marked, probe{method, path, header, body})
	}
	patient("read", "GET", "/Patient/{id}", "", "")
	patient("everything", "GET", "/Patient/{id}/$everything", "", "")
	patient("compartment", "GET", "/Patient/{id}/Observation", "", "")
	patient("reference", "GET", "/Observation?subject=Patient/{id}", "", "")
	patient("chain", "GET", "/Observation?subject:Patient.identifier=urn:mrn%7C{id}", "", "")
	patient("has", "GET", "/Patient?_id={id}&_has:Observation:subject:code=2823-3", "", "")
	patient("lastn", "GET", "/Observation/$lastn?subject=Patient/{id}&code=2823-3", "", "")
	add("mark/binary", w.all, w.scans, probe{"GET", "/Binary/{id}", "", ""})
	list = append(list, way{
		name: "mark/include", token: w.all, probe: probe{"GET", "/Observation?_id={id}&_include=Observation:has-member&_elements=status", "", ""},
		denied: w.named["hidden"], unknown: w.named["none"],
	})
	// One that is open beside it makes it an answer that shows something.
	add("mark/beside", w.all, w.notes, probe{"GET", "/Observation?_id={id}," + w.vital[0], "", ""})
	add("mark/beside-identifier", w.all, w.notes, probe{"GET", "/Observation?identifier=urn:obs%7C{id},urn:obs%7C" + w.vital[0], "", ""})
	return list
}
