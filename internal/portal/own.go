package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Own is what people do with their own accounts. Whatever changes one of them
// wants a fresh proof of identity, by an error that is identity.ErrStepUp.
type Own interface {
	Passkeys(ctx context.Context, actor identity.Actor) ([]identity.Passkey, error)
	AskNewPasskey(ctx context.Context, actor identity.Actor) (identity.PasskeyAsk, error)
	AddPasskey(ctx context.Context, actor identity.Actor, answer identity.PasskeyAnswer, name string) error
	RemovePasskey(ctx context.Context, actor identity.Actor, id string) error

	OwnAccount(ctx context.Context, actor identity.Actor) (identity.OwnAccount, error)
	RenewRecovery(ctx context.Context, actor identity.Actor) ([]string, error)
	SetPassword(ctx context.Context, actor identity.Actor, old, new string) error

	Sessions(ctx context.Context, actor identity.Actor) ([]identity.OwnSession, error)
	EndSession(ctx context.Context, actor identity.Actor, id string) error
	DeviceNews(ctx context.Context, actor identity.Actor) ([]identity.DeviceNews, error)
	SettleDeviceNews(ctx context.Context, actor identity.Actor) error
}

func (p *Portal) ownRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /account", p.signedIn(p.handleAccount))
	mux.HandleFunc("GET /account/passkey", p.signedIn(p.fresh(p.handleNewPasskey)))
	p.form(mux, "/account/passkey", "Name of a passkey", p.handleAddPasskey)
	mux.HandleFunc("POST /account/passkey/remove", p.signedIn(p.handleRemovePasskey))
	mux.HandleFunc("GET /account/recovery", p.signedIn(p.fresh(p.handleRecoveryPage)))
	mux.HandleFunc("POST /account/recovery", p.signedIn(p.handleRecovery))
	mux.HandleFunc("GET /account/password", p.signedIn(p.fresh(p.handlePasswordPage)))
	mux.HandleFunc("POST /account/password", p.signedIn(p.handlePassword))
	for _, path := range []string{endOthers, endOne + "{session}"} {
		mux.HandleFunc("GET "+path, p.signedIn(p.handleEndPage))
		mux.HandleFunc("POST "+path, p.signedIn(p.handleEnd))
	}
	mux.HandleFunc("POST /account/news", p.signedIn(p.handleNews))
}

// accountPage is one's own account.
type accountPage struct {
	Page
	Error    string
	Keys     []passkeyRow
	Sessions []sessionRow
	Others   bool // there are sessions besides this one
	Devices  []sessionRow
	Password string // when it was set, "" if there is none here
	Recovery string // "4 recovery codes"
}

// sessionRow is a session, or a sign-in, as its owner reads it.
type sessionRow struct {
	ID      string
	Device  string
	Source  string
	Since   string
	Seen    string
	Current bool
	Locked  bool
}

// passkeyRow is one passkey as its owner reads it.
type passkeyRow struct {
	ID    string
	Name  string
	Added string
	Used  string
	Kind  string
	Bad   string // why it is refused, "" if it is not
}

// newPasskeyPage is where a passkey is made.
type newPasskeyPage struct {
	Page
	Error string
}

func (p *Portal) handleAccount(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderAccount(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderAccount(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	pg := accountPage{Page: p.workPage(r, actor, "My account"), Error: words}
	pg.At, pg.Here = "account", "/account"
	if err := p.fillAccount(r.Context(), actor, &pg); err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, r, status, "account", pg)
}

func (p *Portal) fillAccount(ctx context.Context, actor identity.Actor, pg *accountPage) error {
	own, err := p.cfg.Own.OwnAccount(ctx, actor)
	if err != nil {
		return err
	}
	if own.Password {
		pg.Password = "Set at a time that is not recorded"
		if !own.PasswordSet.IsZero() {
			pg.Password = "Set " + p.when(own.PasswordSet)
		}
		pg.Recovery = count(own.RecoveryLeft, "recovery code", "recovery codes")
	}
	if pg.Keys, err = p.passkeyRows(ctx, actor); err != nil {
		return err
	}
	sessions, err := p.cfg.Own.Sessions(ctx, actor)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		pg.Others = pg.Others || !s.Current
		pg.Sessions = append(pg.Sessions, sessionRow{
			ID: s.ID, Device: s.Device, Source: s.Source, Since: p.when(s.Created), Seen: p.when(s.Seen), Current: s.Current, Locked: s.Locked,
		})
	}
	news, err := p.cfg.Own.DeviceNews(ctx, actor)
	for _, n := range news {
		pg.Devices = append(pg.Devices, sessionRow{Device: n.Device, Source: n.Source, Since: p.when(n.Time)})
	}
	return err
}

func (p *Portal) passkeyRows(ctx context.Context, actor identity.Actor) ([]passkeyRow, error) {
	keys, err := p.cfg.Own.Passkeys(ctx, actor)
	var rows []passkeyRow
	for _, k := range keys {
		row := passkeyRow{ID: k.ID, Name: k.Name, Added: p.when(k.Added), Used: "Never used", Kind: "on one device"}
		if !k.Used.IsZero() {
			row.Used = "Last used " + p.when(k.Used)
		}
		if k.Synced {
			row.Kind = "copied to your other devices by its maker"
		}
		if !k.Suspect.IsZero() {
			row.Bad = "Refused since " + p.when(k.Suspect) + ": there may be a copy of it. Remove it, and tell your administrator."
		}
		rows = append(rows, row)
	}
	return rows, err
}

// when renders a time of day at the facility.
func (p *Portal) when(t time.Time) string { return p.format.DateTime(clinical.Instant(t)) }

func (p *Portal) handleNewPasskey(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	p.renderNewPasskey(w, r, actor, http.StatusOK, "")
}

func (p *Portal) renderNewPasskey(w http.ResponseWriter, r *http.Request, actor identity.Actor, status int, words string) {
	pg := newPasskeyPage{Page: p.workPage(r, actor, "Add a passkey"), Error: words}
	pg.At = "account"
	p.render(w, r, status, "passkey", pg)
}

func (p *Portal) handleAddPasskey(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	try := p.attempt(w, r)
	err := p.cfg.Own.AddPasskey(r.Context(), actor, try.Passkey, try.Name)
	words := p.ownWords(r, err, "The passkey could not be added. Try again.")
	switch {
	case err == nil:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	case words == "":
		p.fail(w, r, err)
	default:
		p.renderNewPasskey(w, r, actor, web.Status(fault.KindOf(err)), words)
	}
}

func (p *Portal) handleRemovePasskey(w http.ResponseWriter, r *http.Request, actor identity.Actor) {
	err := p.cfg.Own.RemovePasskey(r.Context(), actor, r.PostFormValue("id"))
	p.accountChanged(w, r, actor, err)
}

// accountChanged goes back to the account after a change, and says why if there
// was none.
func (p *Portal) accountChanged(w http.ResponseWriter, r *http.Request, actor identity.Actor, err error) {
	words := p.ownWords(r, err, "Nothing was changed. Try again.")
	switch {
	case err == nil:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	case words == "":
		p.fail(w, r, err)
	default:
		p.renderAccount(w, r, actor, web.Status(fault.KindOf(err)), words)
	}
}

// ownWords is what the page itself says of a refusal, "" if it is for another page.
func (p *Portal) ownWords(r *http.Request, err error, wrong string) string {
	switch fault.KindOf(err) {
	case fault.Unprocessable, fault.Throttled:
		web.EventOf(r.Context()).Fail(err)
		return fault.Public(err)
	case fault.Unauthenticated, fault.Conflict, fault.NotFound:
		web.EventOf(r.Context()).Fail(err)
		return wrong
	}
	return ""
}
