package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Consents is what patients ask for, and what is kept from them. Each call is decided
// on, and an audit entry.
type Consents interface {
	// Record files a new Consent.
	Record(ctx context.Context, actor identity.Actor, consent *fhir.Resource) error
	// Settle gives a Consent of one status another, with an answer if there are words.
	// fault.Conflict: it has not that status any more.
	Settle(ctx context.Context, actor identity.Actor, id, from, to, words string) error
	// List is one page of a search for Consents.
	List(ctx context.Context, actor identity.Actor, query, page string) (list []*fhir.Resource, next string, err error)
	Count(ctx context.Context, actor identity.Actor, query string) (int, error)
	// Authors are the ids of who recorded Consents, by theirs; at most 100.
	Authors(ctx context.Context, actor identity.Actor, ids []string) (map[string]string, error)
	// Kinds are the kinds of care that a Consent may name.
	Kinds() []string
	// Lacks is the place for which a Consent keeps nothing, or more than it says.
	Lacks(consent *fhir.Resource) string
	// Practitioners are the ids by which people are named in records, and Names what
	// they are called, by their ids; unknown ones are left out.
	Practitioners(ctx context.Context, people []string) (map[string]string, error)
	Names(ctx context.Context, ids []string) (map[string]string, error)
}

func (p *Portal) consentRoutes(mux *http.ServeMux) {
	p.privacyRoutes(mux)
	p.paidRoutes(mux)
	p.decisionRoutes(mux)
	p.restrictionRoutes(mux)
}

// object is one of JSON.
type object = map[string]any

func reference(ref, display string) object {
	if display == "" {
		return object{"reference": ref}
	}
	return object{"reference": ref, "display": display}
}

func coding(system, code string) object { return object{"system": system, "code": code} }

func concept(system, code string) object {
	return object{"coding": []object{coding(system, code)}}
}

// newConsent is one about privacy, of a category, in the name of its performer.
func (p *Portal) newConsent(patient, system, category, performer string, more object) (*fhir.Resource, error) {
	all := object{
		"resourceType": "Consent", "status": "active", "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
		"category": []object{concept(system, category)}, "patient": reference("Patient/"+patient, ""), "performer": []object{reference(performer, "")},
		"dateTime": p.cfg.Clock.Now().UTC().Format(time.RFC3339), "policyRule": object{"text": "Asked for by the patient."},
	}
	for name, value := range more {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "portal.newConsent", err)
	}
	return fhir.Parse(text)
}

// asked is the category of a hold or a request, "" of others.
func asked(res *fhir.Resource) (system, code string) {
	for category := range res.Root().All("category") {
		for c := range category.All("coding") {
			if s := c.Get("system").Text(); s == chart.HoldSystem || s == chart.RequestSystem {
				return s, c.Get("code").Text()
			}
		}
	}
	return "", ""
}

func isHold(res *fhir.Resource) bool {
	system, _ := asked(res)
	return system == chart.HoldSystem
}

// namedTypes are those of actors that are called by their names; who may not see them
// reads what they are.
var namedTypes = []string{"Practitioner", "Organization", "RelatedPerson"}

// names finds what actors of Consents are called, who bear no name there.
func (p *Portal) names(r *http.Request, actor identity.Actor, list []*fhir.Resource) map[string]string {
	byType := map[string][]string{}
	for _, res := range list {
		eachProvision(res.Root().Get("provision"), func(provision fhir.Node) {
			for a := range provision.All("actor") {
				ref := a.Get("reference")
				typ, id, ok := strings.Cut(ref.Get("reference").Text(), "/")
				named := ref.Get("display").Text() != "" || slices.Contains(byType[typ], id)
				if ok && !named && validID(id) && slices.Contains(namedTypes, typ) {
					byType[typ] = append(byType[typ], id)
				}
			}
		})
	}
	var searches []string
	for _, typ := range namedTypes {
		for ids := range slices.Chunk(byType[typ], 50) {
			searches = append(searches, typ+"?_id="+strings.Join(ids, ",")+"&_count=50")
		}
	}
	names := map[string]string{}
	if len(searches) == 0 {
		return names
	}
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "names in consents", Searches: searches})
	if err != nil {
		web.EventOf(r.Context()).Fail(err) // they are told by what they are, then
		return names
	}
	for _, part := range view.Parts {
		for _, res := range part.Resources {
			names[res.Type()+"/"+res.ID()] = nameOf(res)
		}
	}
	return names
}

func nameOf(res *fhir.Resource) string {
	name := res.Root().Get("name")
	if res.Type() == "Organization" {
		return name.Text()
	}
	if text := name.Get("text").Text(); text != "" {
		return text
	}
	return strings.TrimSpace(name.Get("given").Text() + " " + name.Get("family").Text())
}

// refusal is what a form says of why nothing was recorded, "" if it is for another page.
func (p *Portal) refusal(r *http.Request, err error) string {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unprocessable, fault.Denied, fault.Throttled:
		web.EventOf(r.Context()).Fail(err)
		return fault.Public(err)
	case fault.Conflict, fault.Precondition, fault.NotFound:
		web.EventOf(r.Context()).Fail(err)
		return "It was changed in the meantime, or is no more. This is how it stands now."
	}
	return ""
}

func choose(words string) error { return fault.New(fault.Invalid, "portal.choose", words) }

// offered returns the choice of that value.
func offered(list []choice, value string) (choice, bool) {
	i := slices.IndexFunc(list, func(c choice) bool { return c.Value == value })
	if i < 0 {
		return choice{}, false
	}
	return list[i], true
}

// consentNav leads from a chart to what its reader may ask for or record.
func consentNav(actor identity.Actor, patient, here string) (nav []NavItem) {
	at := "/chart/" + patient
	if actor.HasRole("patient") || actor.HasRole("proxy") {
		nav = append(nav, NavItem{"Privacy", at + "/privacy", here == "privacy"})
	}
	if takesMoney(actor) {
		nav = append(nav, NavItem{"Paid in full", at + "/paid", here == "paid"})
	}
	return nav
}

// offices leads to the lists that a role has to see to.
func (p *Portal) offices(r *http.Request, actor identity.Actor) (nav []NavItem) {
	if p.cfg.Consents == nil {
		return nil
	}
	if decides(actor) {
		nav = append(nav, NavItem{"Kept back", "/decisions", r.URL.Path == "/decisions"})
	}
	if actor.HasRole("privacy") {
		nav = append(nav, NavItem{"Restrictions", "/restrictions", strings.HasPrefix(r.URL.Path, "/restrictions")})
	}
	return nav
}
