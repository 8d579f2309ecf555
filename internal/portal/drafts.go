package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Drafts keeps what people typed into forms and have not sent.
type Drafts interface {
	KeepDraft(ctx context.Context, actor identity.Actor, d identity.Draft) error
	// Drafts returns one's own, those on the page with their fields.
	Drafts(ctx context.Context, actor identity.Actor, page string) ([]identity.Draft, error)
	DropDraft(ctx context.Context, actor identity.Actor, form string) error
}

// form serves the form that pages send to a path, and keeps what is typed into it
// until it is sent. Every form that takes words is served by it; the words here say
// which one it is.
func (p *Portal) form(mux *http.ServeMux, path, words string, next handler) {
	pattern := "POST " + path
	p.forms[pattern] = words
	mux.HandleFunc(pattern, p.signedIn(func(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
		next(&sending{w, func() { p.sent(r, actor) }}, r, actor)
	}))
}

// sending sees whether what was sent was taken: not if it is refused, or waits for a
// proof of identity.
type sending struct {
	http.ResponseWriter
	taken func()
}

func (w *sending) WriteHeader(status int) {
	to := w.Header().Get("Location")
	waits := strings.HasPrefix(to, "/step-up") || strings.HasPrefix(to, "/sign-in") || strings.HasPrefix(to, "/lock")
	if status < http.StatusBadRequest && !waits {
		w.taken()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (p *Portal) sent(r *http.Request, actor identity.Actor) {
	if err := p.cfg.Drafts.DropDraft(r.Context(), actor, r.URL.Path); err != nil {
		web.EventOf(r.Context()).Fail(err)
	}
}

// formWords says which form an address belongs to, "" if to none that is kept.
func (p *Portal) formWords(address string) string {
	if backFrom(address) != address {
		return ""
	}
	_, pattern := p.mux.Handler(&http.Request{Method: http.MethodPost, URL: &url.URL{Path: address}})
	return p.forms[pattern]
}

// handleKeep takes what was typed so far. A page that was left open by somebody else
// keeps nothing in the name of who is signed in now.
func (p *Portal) handleKeep(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	const op = "portal.keep"
	d := identity.Draft{Form: r.PostFormValue("form"), Page: r.PostFormValue("page"), Fields: url.Values{}}
	err := error(nil)
	switch {
	case r.PostFormValue("mark") != personMark(actor):
		err = fault.New(fault.Conflict, op, "This page belongs to somebody who is not signed in here.")
	case p.formWords(d.Form) == "" || backFrom(d.Page) != d.Page:
		err = fault.New(fault.Invalid, op, "Nothing is kept of this form.")
	default:
		for name, values := range r.PostForm {
			if field, ok := strings.CutPrefix(name, "f."); ok {
				d.Fields[field] = values
			}
		}
		err = p.cfg.Drafts.KeepDraft(r.Context(), actor, d)
	}
	if err != nil {
		web.EventOf(r.Context()).Fail(err)
		http.Error(w, fault.Public(err), web.Status(fault.KindOf(err)))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *Portal) handleDiscard(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	if err := p.cfg.Drafts.DropDraft(r.Context(), actor, r.PostFormValue("form")); err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, backFrom(r.PostFormValue("back")), http.StatusSeeOther)
}

// draft is what was kept of a form, ready to print.
type draft struct {
	Form, Page  string
	Words       string // which form it is
	When, Until string
	Fields      []draftField
}

type draftField struct{ Name, Value string }

// noteDrafts puts on a page what its reader typed into its forms before, and says on
// the first page of all where such words wait.
func (p *Portal) noteDrafts(r *http.Request, actor identity.Actor, pg *Page) {
	if r.Method != http.MethodGet || r.Header.Get(liveHeader) != "" {
		return // what was just sent is newer
	}
	kept, err := p.cfg.Drafts.Drafts(r.Context(), actor, pg.Here)
	if err != nil {
		web.EventOf(r.Context()).Fail(err)
		return
	}
	for _, k := range kept {
		d := draft{Form: k.Form, Page: k.Page, Words: p.formWords(k.Form), When: p.when(k.Kept), Until: p.when(k.Until)}
		for _, name := range slices.Sorted(maps.Keys(k.Fields)) {
			for _, value := range k.Fields[name] {
				d.Fields = append(d.Fields, draftField{name, value})
			}
		}
		pg.Drafts = append(pg.Drafts, d)
	}
}

// Draft returns what was kept of the form that this page sends to the end of its own
// address.
func (pg Page) Draft(end string) *draft {
	for _, d := range pg.Drafts {
		if d.Form == pg.Here+end && d.Page == pg.Here {
			return &d
		}
	}
	return nil
}

// personMark tells pages of one person from pages of another in the same browser. It
// is no secret, and opens nothing.
func personMark(actor identity.Actor) string {
	sum := sha256.Sum256([]byte("wardkeep pages of " + actor.ID))
	return hex.EncodeToString(sum[:8])
}
