package portal

import (
	"net/http"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// meansPage is where recovery codes are renewed, or a password is changed.
type meansPage struct {
	Page
	Error    string
	Length   string // of a password, at least
	Recovery []string
}

func (p *Portal) meansPage(r *http.Request, actor identity.Actor, title string) meansPage {
	pg := meansPage{Page: p.workPage(r, actor, title), Length: strconv.Itoa(p.cfg.PasswordLength)}
	pg.At = "account"
	return pg
}

func (p *Portal) handleRecoveryPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.render(w, r, http.StatusOK, "recovery", p.meansPage(r, actor, "Recovery codes"))
}

// handleRecovery renews the recovery codes. They are in this one answer and
// nowhere else.
func (p *Portal) handleRecovery(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	codes, err := p.cfg.Own.RenewRecovery(r.Context(), actor)
	if err != nil {
		p.accountChanged(w, r, actor, err)
		return
	}
	pg := p.meansPage(r, actor, "Recovery codes")
	pg.Recovery = codes
	p.render(w, r, http.StatusOK, "recovery", pg)
}

func (p *Portal) handlePasswordPage(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.render(w, r, http.StatusOK, "password", p.meansPage(r, actor, "Change my password"))
}

// handlePassword changes one's own password, which ends every session.
func (p *Portal) handlePassword(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	old, fresh := r.PostFormValue("password"), r.PostFormValue("new")
	pg := p.meansPage(r, actor, "Change my password")
	if fresh == "" || fresh != r.PostFormValue("again") {
		pg.Error = "The two new passwords are not the same. Type them again."
		p.render(w, r, http.StatusUnprocessableEntity, "password", pg)
		return
	}
	err := p.cfg.Own.SetPassword(r.Context(), actor, old, fresh)
	if err == nil {
		dropCookie(w, sessionCookie)
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	if pg.Error = p.ownWords(r, err, "The password was not changed. Try again."); pg.Error == "" {
		p.fail(w, r, err)
		return
	}
	p.render(w, r, web.Status(fault.KindOf(err)), "password", pg)
}

// handleNews records that the person has seen to the devices that signed in.
func (p *Portal) handleNews(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.accountChanged(w, r, actor, p.cfg.Own.SettleDeviceNews(r.Context(), actor))
}
