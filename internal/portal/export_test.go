package portal

import (
	"net/http"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// ViewModels returns one of each thing that templates are given.
func ViewModels() []any {
	return []any{
		signInPage{}, enrolPage{}, lockPage{}, stepUpPage{}, passagePage{}, accountPage{}, newPasskeyPage{}, meansPage{}, peoplePage{}, personPage{}, errorPage{}, homePage{}, wardPage{}, foundList{}, overviewPage{}, resultsPage{}, vitalsPage{},
		medicationsPage{}, problemsPage{}, allergiesPage{}, visitsPage{}, documentsPage{}, documentPage{}, historyPage{},
		privacyPage{}, paidPage{}, decisionPage{}, decisionsPage{}, restrictionsPage{}, restrictionPage{}, accessPage{}, bridgePage{}, choosePage{}, consentPage{}, appsPage{}, chartAppsPage{},
	}
}

// FindSearches is what the find box asks for.
func FindSearches(typed string) []string { return findSearches(typed) }

// Fresh serves next to those alone who proved themselves lately.
func Fresh(p *Portal) http.Handler {
	return p.signedIn(p.fresh(func(w http.ResponseWriter, _ *http.Request, _ identity.Actor) { w.WriteHeader(http.StatusNoContent) }))
}

// BackFrom is where a form may lead back to.
func BackFrom(path string) string { return backFrom(path) }

// Searches are all searches that pages make, for one patient.
func Searches(patient string) []string {
	all := []string{searchAllergies, searchPlace, searchDocument + "d1"}
	for _, s := range sections {
		all = append(all, s.searches...)
	}
	return append(fill(all, patient), "Encounter?status=arrived,triaged,in-progress,onleave&_include=Encounter:patient&_count=500&location=Location/w1",
		"Encounter?status=arrived,triaged,in-progress,onleave&_count=100&subject=Patient/a,Patient/b")
}

// FormWords says which form an address belongs to.
func FormWords(p *Portal, address string) string { return p.formWords(address) }
