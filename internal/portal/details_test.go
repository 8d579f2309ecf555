package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// fakeNumbers shows the whole number of whom it knows, and keeps what it was asked for.
// The real door is at work in e2e.
type fakeNumbers struct {
	denies bool
	often  bool
	whole  *fhir.Resource
	asked  []string
}

func (f *fakeNumbers) MayUnmask(identity.Actor, string) bool { return !f.denies }

func (f *fakeNumbers) Unmask(_ context.Context, _ identity.Actor, typ, id, purpose string) (*fhir.Resource, error) {
	switch f.asked = append(f.asked, typ+"/"+id+" "+purpose); {
	case f.often:
		return nil, fault.New(fault.Throttled, "fake", "You have asked for many whole numbers. Wait some minutes.")
	case purpose == "":
		return nil, fault.New(fault.Invalid, "fake", "")
	}
	return f.whole, nil
}

const maskedPatient = `{"resourceType":"Patient","id":"` + portaltest.Adaeze + `","name":[{"family":"Okonkwo","given":["Adaeze"]}],"gender":"female","birthDate":"1961-03-12","identifier":[` +
	`{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":"4410082"},{"system":"http://hl7.org/fhir/sid/us-ssn",` +
	`"_value":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/rendered-value","valueString":"***-**-4320"},{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}}]}`

func withNumbers(t *testing.T, f *fakeNumbers) func(*portaltest.Stage, *portal.Config) {
	return func(s *portaltest.Stage, cfg *portal.Config) {
		seen, err := fhir.Parse([]byte(maskedPatient))
		if err != nil {
			t.Fatal(err)
		}
		from := strings.Index(maskedPatient, `"_value"`)
		if f.whole, err = fhir.Parse([]byte(maskedPatient[:from] + `"value":"987-65-4320"}]}`)); err != nil {
			t.Fatal(err)
		}
		s.Chart.Replace(seen)
		cfg.Numbers = f
	}
}

// A number is masked on its page, and whole in one answer to one press that says why.
func TestWholeNumberIsShownOnce(t *testing.T) {
	f := &fakeNumbers{}
	v := visit(t, withNumbers(t, f)).signIn()
	address := "/chart/" + portaltest.Adaeze + "/details"
	record := "Patient/" + portaltest.Adaeze
	if a := v.get(address); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "***-**-4320") || !strings.Contains(a.body, `value="HPAYMT"`) || strings.Contains(a.body, "987-65") {
		t.Fatalf("the page: %d", a.StatusCode)
	}
	a := v.post(address, "record", record, "purpose", "HPAYMT")
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "987-65-4320") || !strings.Contains(a.body, "this once") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer: %d", a.StatusCode)
	}
	if got := strings.Join(f.asked, ","); got != record+" HPAYMT" {
		t.Errorf("asked for %s", got)
	}
	if a := v.get(address); strings.Contains(a.body, "987-65") {
		t.Error("it lasts")
	}
	for what, c := range map[string]struct {
		form   []string
		status int
		words  string
	}{
		"no purpose":       {[]string{"record", record}, http.StatusBadRequest, "Choose what"},
		"another's record": {[]string{"record", "Patient/" + portaltest.Quiet, "purpose", "TREAT"}, http.StatusNotFound, ""},
	} {
		if a := v.post(address, c.form...); a.StatusCode != c.status || !strings.Contains(a.body, c.words) || strings.Contains(a.body, "987-65") {
			t.Errorf("%s: %d", what, a.StatusCode)
		}
	}
	if len(f.asked) != 2 {
		t.Errorf("asked for %v", f.asked)
	}
	f.often = true
	if a := v.post(address, "record", record, "purpose", "HPAYMT"); a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, "Wait some minutes") {
		t.Errorf("too often: %d", a.StatusCode)
	}
	if a := v.do("POST", address, url.Values{"record": {record}, "purpose": {"HPAYMT"}}, "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", a.StatusCode)
	}
}

// Who may not ask is not offered to.
func TestWholeNumberIsNotOffered(t *testing.T) {
	v := visit(t, withNumbers(t, &fakeNumbers{denies: true})).signIn()
	if a := v.get("/chart/" + portaltest.Adaeze + "/details"); !strings.Contains(a.body, "***-**-4320") || strings.Contains(a.body, "Show the whole number") {
		t.Errorf("%d", a.StatusCode)
	}
}
