package portal

// ViewModels returns one of each thing that templates are given.
func ViewModels() []any {
	return []any{
		signInPage{}, lockPage{}, errorPage{}, homePage{}, wardPage{}, foundList{}, overviewPage{}, resultsPage{}, vitalsPage{},
		medicationsPage{}, problemsPage{}, allergiesPage{}, visitsPage{}, documentsPage{}, documentPage{}, historyPage{},
	}
}

// FindSearches is what the find box asks for.
func FindSearches(typed string) []string { return findSearches(typed) }

// BackFrom is where a form may lead back to.
func BackFrom(path string) string { return backFrom(path) }
