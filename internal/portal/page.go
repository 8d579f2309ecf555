package portal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Page is what every page has. All of it is ready to print.
type Page struct {
	Title    string // never names a patient: titles stay in histories and task bars
	Facility string
	Demo     bool
	Passkeys bool   // are taken here
	Theme    string // "", light or dark
	Other    string // the theme the button leads to
	Styles   string
	Script   string
	Icon     string
	User     string   // "" before signing in
	Account  bool     // leads to the reader's own account
	Admin    bool     // leads to the accounts of others
	News     bool     // a device signed in that the reader had not used
	Here     string   // address of this page, to come back to
	Mark     string   // of whose page it is
	Work     *working // what the reader works for; nil: nobody asks
	Drafts   []draft
	Idle     string // seconds until the page locks itself, "" if it does not
	AsOf     string // "as of 14:05"
	Live     bool   // refreshes itself
	Banner   *Banner
	// Emergency is set on a chart that is open by an emergency.
	Emergency *emergencyNote
	Outage    string    // since when the access log cannot be written, "" if it can
	Kept      string    // until when a doctor's decision keeps something from the reader, "" if none does
	Reviews   bool      // leads to the charts opened in emergencies
	Waiting   string    // how many of them wait for a review, "" if none
	Offices   []NavItem // what else the reader's role leads to
	Nav       []NavItem
	HasApps   bool
	At        string // which of the main pages this is: home, ward, chart
}

// NavItem is one section of a chart.
type NavItem struct {
	Name    string
	Address string
	Here    bool
}

// page begins a page.
func (p *Portal) page(r *http.Request, title string) Page {
	pg := Page{
		Title: title + " · Wardkeep", Facility: p.cfg.Facility, Demo: p.cfg.Demo, Passkeys: p.cfg.Passkeys,
		Styles: p.files.Path("app.css"), Script: p.files.Path("app.js"), Icon: "/icon/wardkeep",
		Here: backFrom(r.URL.Path), Other: "dark",
	}
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		pg.Theme = c.Value
	}
	if pg.Theme == "dark" {
		pg.Other = "light"
	}
	return pg
}

// workPage begins a page of somebody who is signed in.
func (p *Portal) workPage(r *http.Request, actor identity.Actor, title string) Page {
	pg := p.page(r, title)
	pg.User, pg.Mark = actor.Name, personMark(actor)
	pg.Work = p.working(actor)
	pg.Account = p.cfg.Own != nil
	pg.Admin = p.cfg.People != nil && actor.HasRole("admin")
	pg.News = pg.Account && r.Context().Value(newsKey{}) != nil
	p.noteReviews(r, actor, &pg)
	p.noteDrafts(r, actor, &pg)
	pg.HasApps = p.cfg.Apps != nil
	pg.Offices = p.offices(r, actor)
	pg.Idle = strconv.Itoa(int(p.cfg.Idle.Seconds()))
	pg.AsOf = p.format.AsOf(p.cfg.Clock.Now())
	if since, down := p.cfg.Outage(); down {
		pg.Outage = p.when(since)
	}
	return pg
}

// render writes a page, once it is whole.
func (p *Portal) render(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	var buf bytes.Buffer
	if err := p.pages.execute(&buf, name, page); err != nil {
		web.EventOf(r.Context()).Fail(fault.Wrap(fault.Internal, "portal.render", err))
		http.Error(w, fault.Internal.Sentence(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = buf.WriteTo(w) // a reader who left is nobody's failure
	}
}

// errorPage is a failure in plain words.
type errorPage struct {
	Page
	Heading string
	Words   string
	Request string
	// Since is since when the access log cannot be written, "" if that is not why.
	Since string
	// EmergencyAt is where who treats the patient can open the chart, "" if it is
	// no chart, or nobody may.
	EmergencyAt string
}

// fail shows what went wrong and what can be done.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	event := web.EventOf(r.Context())
	event.Fail(err)
	if errors.Is(err, identity.ErrStepUp) {
		p.goTo(w, r, stepUpAddress(r))
		return
	}
	p.noteRefused(r, err)
	kind := fault.KindOf(err)
	pg := errorPage{Page: p.page(r, "Not available"), Heading: "This could not be shown", Words: fault.Public(err), Request: event.RequestID}
	switch kind {
	case fault.NotFound, fault.Gone:
		pg.Heading, pg.Words = "There is nothing here", "The address is wrong, or what it leads to is not for you. If you care for this patient, ask for the assignment."
	case fault.Denied:
		pg.Heading, pg.Words = "This is not for you", "Your role does not reach this. If you need it for a patient in front of you, speak to the nurse in charge."
		p.notePurpose(r, &pg)
	case fault.Throttled:
		w.Header().Set("Retry-After", web.RetryAfter)
	case fault.Unavailable:
		pg.Heading, pg.Words = "Records cannot be opened right now", "The store, the keys or the access log do not answer. Use the downtime pack, and try again. What you were saving may not be there: look once records open."
		if since, down := p.cfg.Outage(); down {
			pg.Heading, pg.Words, pg.Since = "Records are closed: the access log cannot be written", "", p.when(since)
		}
	}
	if _, signed := r.Cookie(sessionCookie); signed == nil && kind != fault.Unauthenticated {
		pg.User = "You"
	}
	if kind == fault.NotFound || pg.Since != "" {
		pg.EmergencyAt = p.emergencyAddress(r)
	}
	p.render(w, r, web.Status(kind), "error", pg)
}

// noteRefused has it written down who was refused which page or form: by its pattern,
// which holds nothing that was sent.
func (p *Portal) noteRefused(r *http.Request, err error) {
	if p.cfg.Refusals == nil || !fault.Is(err, fault.Denied) {
		return
	}
	s, gone := p.session(r)
	if gone != nil || s.Locked {
		return
	}
	if err := p.cfg.Refusals.NoteRefusal(r.Context(), s.Actor, r.Pattern); err != nil {
		web.EventOf(r.Context()).Fail(err)
	}
}

func (p *Portal) handleUnknown(w http.ResponseWriter, r *http.Request) {
	p.fail(w, r, fault.New(fault.NotFound, "portal", ""))
}

// tabMark is the colour and the word by which open charts are told apart. They
// come from the record's id and say nothing about the patient.
type tabMark struct {
	Word string
	Slug string // names the colour in the style sheet and the icon
}

var (
	tabWords   = []string{"Maple", "River", "Harbor", "Meadow", "Copper", "Cedar", "Lantern", "Orchard", "Pebble", "Falcon", "Willow", "Summit", "Canyon", "Ember", "Juniper", "Saddle", "Violet", "Anchor", "Bramble", "Comet", "Delta", "Fjord", "Garnet", "Heron"}
	tabColours = []string{"teal", "plum", "ochre", "moss", "slate", "brick", "indigo", "rose"}
)

func markOf(id string) tabMark {
	sum := sha256.Sum256([]byte(id))
	return tabMark{tabWords[int(sum[0])%len(tabWords)], tabColours[int(sum[1])%len(tabColours)]}
}

// slugOf is an opaque name for a test in an address: what was measured is not
// told to histories and logs.
func slugOf(key string) string {
	sum := sha256.Sum256([]byte("wardkeep test " + key))
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	out := make([]byte, 10)
	for i := range out {
		out[i] = letters[sum[i]&31]
	}
	return string(out)
}
