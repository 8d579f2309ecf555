package portal

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// overviewPage is what is needed first: what cannot wait, and the present.
type overviewPage struct {
	Page
	Critical    []resultRow
	Allergies   clinical.AllergyState
	Problems    problemList
	Medications medicationList
	Vitals      []clinical.ResultCell
	VitalNote   Notice
	Results     []resultRow
	ResultNote  Notice
	More        string // how many results are not shown here
	Base        string
}

const overviewResults = 10

func buildOverview(c *chartRequest) (any, error) {
	page := overviewPage{Page: c.page, Allergies: c.allergies, Base: "/chart/" + c.patient.ID()}
	page.Problems = c.problems(c.parts[0])
	page.Medications = c.medications(c.parts[1])
	vitals := c.cells(c.parts[2])
	signs := byTest(vitals)
	slices.SortStableFunc(signs, func(a, b []clinical.ResultCell) int {
		return strings.Compare(vitalRank(a[0].Key), vitalRank(b[0].Key))
	})
	for _, t := range signs {
		page.Vitals = append(page.Vitals, newest(t))
	}
	page.VitalNote = noticeOf(c.parts[2], len(vitals), "No vital signs recorded.")
	results := c.cells(c.parts[3])
	for _, g := range grouped(latest(byTest(results), page.Base+"/results/", "")) {
		if g.Slug == "critical" {
			page.Critical = g.Rows
			continue
		}
		page.Results = append(page.Results, g.Rows...)
	}
	shown := max(overviewResults, abnormal(page.Results))
	if hidden := len(page.Results) - shown; hidden > 0 {
		page.Results, page.More = page.Results[:shown], count(hidden, "more test", "more tests")+", none flagged abnormal"
	}
	page.ResultNote = noticeOf(c.parts[3], len(results), "No laboratory results recorded.")
	for _, note := range []*Notice{&page.VitalNote, &page.ResultNote} {
		if note.More != "" {
			note.More = "Made from the newest entries only: what was measured long ago may be missing here."
		}
	}
	return page, nil
}

// abnormal counts the abnormal results, which come first and are never among
// those that an overview leaves out.
func abnormal(rows []resultRow) int {
	n := 0
	for _, r := range rows {
		if r.Flag.Level == clinical.LevelAbnormal && !r.Withdrawn {
			n++
		}
	}
	return n
}

type problemList struct {
	Current []clinical.ProblemLine
	Past    []clinical.ProblemLine
	Untrue  []clinical.ProblemLine // refuted, or entered in error: the patient never had them
	Notice  Notice
}

func (c *chartRequest) problems(part Part) problemList {
	var list problemList
	for _, r := range part.Resources {
		switch line := c.portal.format.Problem(r); {
		case line.Current:
			list.Current = append(list.Current, line)
		case line.Withdrawn || line.Refuted:
			list.Untrue = append(list.Untrue, line)
		default:
			list.Past = append(list.Past, line)
		}
	}
	list.Notice = noticeOf(part, len(part.Resources), "No problems recorded.")
	return list
}

type problemsPage struct {
	Page
	Problems problemList
}

func buildProblems(c *chartRequest) (any, error) {
	return problemsPage{c.page, c.problems(c.parts[0])}, nil
}

type medicationList struct {
	Current   []clinical.MedicationLine
	Past      []clinical.MedicationLine
	Withdrawn []clinical.MedicationLine
	Notice    Notice
}

func (c *chartRequest) medications(part Part) medicationList {
	var list medicationList
	for _, r := range part.Resources {
		line := c.portal.format.Medication(r, finder(part.Included))
		switch line.Group {
		case clinical.MedicationPast:
			list.Past = append(list.Past, line)
		case clinical.MedicationWithdrawn:
			list.Withdrawn = append(list.Withdrawn, line)
		default:
			list.Current = append(list.Current, line)
		}
	}
	slices.SortStableFunc(list.Current, func(a, b clinical.MedicationLine) int {
		return strings.Compare(strings.ToLower(a.Generic), strings.ToLower(b.Generic))
	})
	list.Notice = noticeOf(part, len(part.Resources), "No medications recorded.")
	return list
}

// finder looks a reference up among the records that came along.
func finder(included []*fhir.Resource) func(string) *fhir.Resource {
	return func(reference string) *fhir.Resource {
		for _, r := range included {
			if reference == r.Type()+"/"+r.ID() {
				return r
			}
		}
		return nil
	}
}

type medicationsPage struct {
	Page
	Medications medicationList
	Given       []clinical.GivenLine
	GivenNote   Notice
}

func buildMedications(c *chartRequest) (any, error) {
	page := medicationsPage{Page: c.page, Medications: c.medications(c.parts[0])}
	given := c.parts[1]
	for _, r := range given.Resources {
		page.Given = append(page.Given, c.portal.format.Given(r, finder(given.Included)))
	}
	slices.SortStableFunc(page.Given, func(a, b clinical.GivenLine) int { return b.Order.Time().Compare(a.Order.Time()) })
	page.GivenNote = noticeOf(given, len(page.Given), "Nothing was recorded as given.")
	return page, nil
}

type allergiesPage struct {
	Page
	Allergies clinical.AllergyState
}

func buildAllergies(c *chartRequest) (any, error) { return allergiesPage{c.page, c.allergies}, nil }

type visitsPage struct {
	Page
	Visits []clinical.EncounterLine
	Notice Notice
}

func buildVisits(c *chartRequest) (any, error) {
	page := visitsPage{Page: c.page, Notice: noticeOf(c.parts[0], len(c.parts[0].Resources), "No visits recorded.")}
	for _, r := range c.parts[0].Resources {
		page.Visits = append(page.Visits, c.portal.format.Encounter(r))
	}
	return page, nil
}

// historyPage is the complete record, newest first.
type historyPage struct {
	Page
	Years  []historyYear
	Failed []string // kinds of entries that could not be loaded
	Closed string   // those that are not the reader's to see
	More   bool
	Empty  bool
}

type historyYear struct {
	Year   string
	Events []clinical.EventLine
}

var historyKinds = []string{"Visits", "Problems", "Medications", "Allergies", "Procedures", "Immunizations", "Reports", "Documents"}

var historySearches = []string{
	searchVisits, searchProblems, "MedicationRequest?patient=%p&_sort=-authoredon&_count=300", searchAllergies,
	"Procedure?patient=%p&_sort=-date&_count=200", "Immunization?patient=%p&_sort=-date&_count=200",
	"DiagnosticReport?patient=%p&_sort=-date&_count=300", searchDocuments,
}

func buildHistory(c *chartRequest) (any, error) {
	page := historyPage{Page: c.page}
	var events []clinical.EventLine
	for i, part := range c.parts {
		switch {
		case fault.Is(part.Err, fault.Denied):
			page.Closed = joined(", ", page.Closed, strings.ToLower(historyKinds[i]))
		case part.Err != nil:
			page.Failed = append(page.Failed, historyKinds[i])
		}
		page.More = page.More || part.More
		for _, r := range part.Resources {
			if e, ok := c.portal.format.Event(r); ok {
				events = append(events, e)
			}
		}
	}
	slices.SortStableFunc(events, func(a, b clinical.EventLine) int { return b.Order.Time().Compare(a.Order.Time()) })
	for _, e := range events {
		year := c.portal.format.Year(e.Order)
		if n := len(page.Years); n == 0 || page.Years[n-1].Year != year {
			page.Years = append(page.Years, historyYear{Year: year})
		}
		last := &page.Years[len(page.Years)-1]
		last.Events = append(last.Events, e)
	}
	page.Empty = len(events) == 0 && len(page.Failed) == 0 && page.Closed == ""
	return page, nil
}
