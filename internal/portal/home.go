package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// homePage is where a shift begins: the box that finds a patient, and the ward.
type homePage struct {
	Page
	Found *foundList // nil before anything was asked
	Ward  wardList
	Mine  string // address of the reader's own record as a patient, "" if none
}

// wardList is the patients who lie on the reader's wards.
type wardList struct {
	Rows   []clinical.PatientRow
	Count  string
	Notice Notice
	None   bool // the reader has no ward
}

func (p *Portal) handleHome(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg := p.workPage(r, actor, "Find a patient")
	pg.At = "home"
	p.render(w, r, http.StatusOK, "home", homePage{Page: pg, Ward: p.wardOrWhy(r, actor), Mine: p.ownRecord(actor)})
}

// ownRecord is the address of the record of somebody who is a patient here.
func (p *Portal) ownRecord(actor identity.Actor) string {
	if !p.asksForRecord(actor) || actor.PatientID == "" {
		return ""
	}
	return "/chart/" + actor.PatientID
}

// wardOrWhy is the ward list, or the reason why there is none: finding a
// patient must work without it.
func (p *Portal) wardOrWhy(r *http.Request, actor identity.Actor) wardList {
	list, err := p.ward(r, actor)
	if err != nil {
		web.EventOf(r.Context()).Fail(err)
		return wardList{Notice: noticeOf(Part{Err: err}, 0, "")}
	}
	return list
}

// wardPage is the list of the reader's wards.
type wardPage struct {
	Page
	Ward  wardList
	Shift string // id of the ward whose staff the reader assigns, "" if none
}

func (p *Portal) handleWard(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	pg := p.workPage(r, actor, "My ward")
	pg.At, pg.Live = "ward", true
	list, err := p.ward(r, actor)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "ward", wardPage{pg, list, p.chargeOf(actor)})
}

// ward asks for the stays in progress on the actor's wards, with their patients.
func (p *Portal) ward(r *http.Request, actor identity.Actor) (wardList, error) {
	if len(actor.WardIDs) == 0 {
		return wardList{None: true}, nil
	}
	search := "Encounter?status=arrived,triaged,in-progress,onleave&_include=Encounter:patient&_count=500"
	if !slices.Contains(actor.WardIDs, identity.EveryWard) {
		var refs []string
		for _, id := range actor.WardIDs {
			refs = append(refs, "Location/"+id)
		}
		search += "&location=" + strings.Join(refs, ",")
	}
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "ward list", Searches: []string{search}})
	if err != nil {
		return wardList{}, err
	}
	part := view.Parts[0]
	list := wardList{Rows: p.wardRows(part)}
	list.Count = count(len(list.Rows), "patient", "patients")
	list.Notice = noticeOf(part, len(list.Rows), "Nobody is on your wards.")
	if part.More {
		list.Notice.More = "The list is cut short: there are more patients than can be shown. Find them by name or number."
	}
	return list, nil
}

func (p *Portal) wardRows(part Part) []clinical.PatientRow {
	now := p.cfg.Clock.Now()
	var rows []clinical.PatientRow
	find := finder(part.Included)
	seen := map[string]bool{}
	for _, stay := range part.Resources {
		patient := find(stay.Root().Get("subject").Get("reference").Text())
		if patient == nil || seen[patient.ID()] {
			continue
		}
		seen[patient.ID()] = true
		rows = append(rows, p.format.Row(patient, clinical.Bed(stay), now))
	}
	slices.SortStableFunc(rows, func(a, b clinical.PatientRow) int { return strings.Compare(a.Place, b.Place) })
	p.markSimilar(rows)
	return rows
}

// foundList is the answer to what was typed.
type foundList struct {
	Query  string
	Rows   []clinical.PatientRow
	Count  string
	Notice Notice
	Short  bool // too little was typed to look for
	Whole  *wholeHospital
}

// wholeHospital leads to where those are found who are not the reader's patients.
type wholeHospital struct {
	Whom  emergency.Whom
	Ready bool // what was typed describes somebody whole
}

// handleFind looks for patients. What was typed comes in the body, never in the
// address, because addresses are kept in histories and logs.
func (p *Portal) handleFind(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if strings.TrimSpace(r.PostFormValue("q")) == "" {
		if r.Header.Get("HX-Request") == "" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		p.render(w, r, http.StatusOK, "wardpart", p.wardOrWhy(r, actor))
		return
	}
	found, err := p.find(r, actor, r.PostFormValue("q"))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if r.Header.Get("HX-Request") != "" {
		p.render(w, r, http.StatusOK, "found", found)
		return
	}
	pg := p.workPage(r, actor, "Find a patient")
	pg.At, pg.Here = "home", "/"
	p.render(w, r, http.StatusOK, "home", homePage{Page: pg, Found: found})
}

const findLimit = 25

func (p *Portal) find(r *http.Request, actor identity.Actor, typed string) (*foundList, error) {
	found := &foundList{Query: strings.TrimSpace(typed)}
	searches := findSearches(found.Query)
	if len(searches) == 0 {
		found.Short = true
		return found, nil
	}
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "find patient", Searches: searches})
	if err != nil {
		return nil, err
	}
	patients, part := mergePatients(view.Parts)
	places := p.whereabouts(r, actor, patients)
	for _, patient := range patients {
		found.Rows = append(found.Rows, p.format.Row(patient, places[patient.ID()], p.cfg.Clock.Now()))
	}
	p.markSimilar(found.Rows)
	found.Count = count(len(found.Rows), "patient found", "patients found")
	found.Notice = noticeOf(part, len(found.Rows), "Nobody found whom you may see. Check the spelling, or use the MRN or the birth date.")
	if p.cfg.Emergency != nil && p.cfg.Emergency.MayLocate(actor) {
		whom, ready := whomTyped(found.Query)
		found.Whole = &wholeHospital{whom, ready}
	}
	if part.More {
		found.Notice.More = "There are more. Type more of the name, or the birth date."
	}
	return found, nil
}

// mergePatients joins the answers, each patient once. A failed search among
// others is told, not dropped.
func mergePatients(parts []Part) ([]*fhir.Resource, Part) {
	var all []*fhir.Resource
	var sum Part
	seen := map[string]bool{}
	for _, part := range parts {
		if part.Err != nil {
			sum.Err = part.Err
		}
		sum.More = sum.More || part.More
		for _, r := range part.Resources {
			if !seen[r.ID()] {
				seen[r.ID()] = true
				all = append(all, r)
			}
		}
	}
	return all, sum
}

// whereabouts finds where the patients lie. Not knowing is said, and does not keep
// anyone from the list.
func (p *Portal) whereabouts(r *http.Request, actor identity.Actor, patients []*fhir.Resource) map[string]string {
	places := map[string]string{}
	if len(patients) == 0 {
		return places
	}
	var refs []string
	for _, patient := range patients {
		refs = append(refs, "Patient/"+patient.ID())
		places[patient.ID()] = noWard
	}
	search := "Encounter?status=arrived,triaged,in-progress,onleave&_count=100&subject=" + strings.Join(refs, ",")
	view, err := p.cfg.Chart.View(r.Context(), actor, ViewRequest{Name: "find patient: wards", Searches: []string{search}})
	if err == nil {
		err = view.Parts[0].Err
	}
	if err != nil {
		web.EventOf(r.Context()).Fail(err)
		for id := range places {
			places[id] = "Ward unavailable"
		}
		return places
	}
	for _, stay := range view.Parts[0].Resources {
		if _, id, ok := strings.Cut(stay.Root().Get("subject").Get("reference").Text(), "Patient/"); ok {
			if bed := clinical.Bed(stay); bed != "" {
				places[id] = bed
			}
		}
	}
	return places
}
