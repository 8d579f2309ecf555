// Package portal is what people see: pages rendered on the server, which work
// without scripts and are better with them.
//
// It formats nothing. Every name, date, dose and result on a page is a string
// made by package clinical; templates print it. A page is rendered to memory
// before its first byte is sent, so that a failure halfway never looks like a
// short list.
package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal/assets"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Chart is the door to patient data as pages use it. Each call is one decision
// and one audit entry, durable before it returns.
type Chart interface {
	// View gathers what one page shows. It fails as a whole if the patient
	// named may not be seen or does not exist (fault.NotFound in both cases),
	// or if the audit cannot be written.
	View(ctx context.Context, actor identity.Actor, req ViewRequest) (*View, error)
	// Read returns one record, for files that a document points to.
	Read(ctx context.Context, actor identity.Actor, typ, id string) (*fhir.Resource, error)
	// Former returns the version before the current one, nil if there is none.
	Former(ctx context.Context, actor identity.Actor, typ, id string) (*fhir.Resource, error)
	// Reaches reports whether the actor's roles reach records of the type at all. It
	// depends on nothing stored.
	Reaches(actor identity.Actor, typ string) bool
}

// ViewRequest asks for what one page shows.
type ViewRequest struct {
	Name     string   // of the page, for the audit trail
	Patient  string   // id of the patient the page is about, "" if about several
	Searches []string // "Condition?patient=p1&_sort=-recorded-date"
}

// View is what a page may show: one Part for each search, in order.
type View struct {
	Patient *fhir.Resource
	Parts   []Part
	Kept    time.Time // until when a doctor's decision keeps something from the reader; zero: none does
}

// Part is the answer to one search. Err is shown as what it is, never as an
// empty list.
type Part struct {
	Resources []*fhir.Resource
	Included  []*fhir.Resource
	More      bool // there are more than these
	Err       error
}

// Accounts signs people in and keeps their sessions. Its errors are faults:
// Unauthenticated for whatever was wrong (never which part), Throttled,
// Unavailable. It MUST lock a session by itself after the idle time.
type Accounts interface {
	// Password checks the first step and returns a short-lived challenge.
	// An unknown name takes as long as a wrong password.
	Password(ctx context.Context, try Attempt) (challenge string, err error)
	// Code checks the second step and begins a session.
	Code(ctx context.Context, challenge string, try Attempt) (Entry, error)
	// Session returns whose session it is. active tells that a person did
	// something: a page refreshing itself does not keep a session awake.
	Session(ctx context.Context, token string, active bool) (Session, error)
	Lock(ctx context.Context, token string) error
	// Leave kills the token of the session that goes on in line, because the person
	// entered has signed in where it was: her own ends, anybody else's stays locked.
	Leave(ctx context.Context, line, entered string, try Attempt) error
	// AskPasskey asks the browser for a passkey: of whose session it is, which may
	// be locked, or, with no token, for any, to sign in with.
	AskPasskey(ctx context.Context, token string, try Attempt) (identity.PasskeyAsk, error)
	// Passkey begins a session with the answer to that, in place of both steps.
	Passkey(ctx context.Context, try Attempt) (Entry, error)
	// Unlock takes the password, or a passkey, of whose session it is, and returns
	// the session under a new token: the old one opens nothing any more.
	Unlock(ctx context.Context, token string, try Attempt) (renewed string, err error)
	// StepUp takes a fresh proof of identity within a session that is open, and
	// returns the session under a new token. After too many wrong ones the
	// session is over, which Session tells.
	StepUp(ctx context.Context, token string, try Attempt) (renewed string, err error)
	// EndOthers ends all sessions of the person but this one, which it returns
	// under a new token.
	EndOthers(ctx context.Context, token string, try Attempt) (renewed string, err error)
	// WorkFor notes what the person of an open session works for from now on, and
	// OpenFor what she opens a patient's chart for.
	WorkFor(ctx context.Context, token, purpose, source string) error
	OpenFor(ctx context.Context, token, patient, purpose string) error
	SignOut(ctx context.Context, token string) error
	// BeginEnrolment proves a one-time code (try.Code) with the name it was
	// given to and a password: a new one where one is wanted, else the one he
	// has. Unprocessable says, to who holds a good code, why a new password
	// cannot be taken; everything else that is wrong is Unauthenticated.
	BeginEnrolment(ctx context.Context, try Attempt) (Enrolment, error)
	// AskEnrolment asks the browser to make a passkey instead of an authenticator,
	// or, where the second factor stays, for one that the person has.
	AskEnrolment(ctx context.Context, token string) (identity.PasskeyAsk, error)
	// FinishEnrolment takes the first code of the authenticator, or the answer to
	// AskEnrolment, and makes the enrolment final. It returns recovery codes, to be
	// shown once.
	FinishEnrolment(ctx context.Context, token string, try Attempt) (recovery []string, err error)
}

// Entry is a session just begun.
type Entry struct {
	Token        string
	Recovered    bool // by a recovery code instead of the authenticator
	RecoveryLeft int  // recovery codes not used yet
}

// Attempt is what somebody typed to prove who he is.
type Attempt struct {
	User     string
	Password string
	Code     string
	Passkey  identity.PasskeyAnswer // in place of Code, or of both
	Name     string                 // of a new passkey
	Source   string                 // network address
	Device   string                 // what the browser calls itself
}

// Session is a person at work.
type Session struct {
	Actor    identity.Actor
	Line     string // names it while its token changes
	Locked   bool
	Provider string // name of the provider the person came by; "": by password here
	// OpenedFor returns what the person said she opens a chart for, "" if nothing.
	OpenedFor func(patient string) string
	News      bool // a device signed in that the person had not used: tell her
}

// Refusals writes down who was refused what. It says nothing of records: their door does.
type Refusals interface {
	NoteRefusal(ctx context.Context, actor identity.Actor, tried string) error
}

// Config says what the portal stands on.
type Config struct {
	Chart    Chart
	Accounts Accounts
	Drafts   Drafts
	Apps     Apps // nil: no apps are let in
	// Federation are providers people may sign in by; nil: there are none.
	Federation Federation
	Clock      clock.Clock
	Zone       *time.Location // of the facility
	Facility   string         // its name
	Demo       bool           // every page says that its data is synthetic
	// Passkeys says that Accounts takes them.
	Passkeys bool
	// Own is what people do with their own accounts; nil: there are no such pages.
	Own Own
	// People is what administrators do with accounts; nil: there are no such
	// pages. Places checks that wards and a practitioner exist; nil: nobody does.
	People People
	Places func(ctx context.Context, wards []string, practitioner string) error
	// Emergency opens charts that are not the reader's; nil: there is no such way.
	// Book is what was opened so. Both are set, or none.
	Emergency Emergency
	Book      EmergencyBook
	// Outage tells whether, and since when, the access log cannot be written; nil: it
	// always can.
	Outage func() (since time.Time, down bool)
	// Purposes is what people may work for; nil: they are not asked.
	Purposes Purposes
	// Numbers shows whole numbers; nil: they stay masked.
	Numbers Numbers
	// Accesses tells patients who looked at their records; nil: there is no such page.
	Accesses Accesses
	// Consents is what patients ask for, and what is kept from them; nil: there are no
	// such pages.
	Consents Consents
	// Refusals is told what people were refused that is no record's; nil: nobody is.
	Refusals Refusals
	// Shifts is how charge nurses assign staff; nil: there is no such page.
	Shifts Shifts
	// Idle is after how long without a hand on it a page locks itself; 0 means
	// five minutes. Accounts enforces the same on the server.
	Idle time.Duration
	// PasswordLength is what pages say of new passwords; 0 means 8. Accounts
	// enforces it.
	PasswordLength int
	// Callers are held to their rates; nil: nobody is.
	Callers *web.Callers
	// Source returns the network address of a request as the chain trusts it;
	// nil: the connection's own.
	Source func(*http.Request) string
}

// Portal serves the pages.
type Portal struct {
	cfg    Config
	format *clinical.Formatter
	files  *assets.Files
	pages  *templates
	mux    *http.ServeMux
	forms  map[string]string // what is kept until it is sent: patterns and words
	alerts alerts

	enrolments enrolments
}

// New returns the pages' handler. It wants package web's chain around it.
func New(cfg Config) (*Portal, error) {
	if cfg.Chart == nil || cfg.Accounts == nil || cfg.Drafts == nil || cfg.Clock == nil {
		return nil, errors.New("portal.New: chart, accounts, drafts and clock are required")
	}
	if cfg.Idle == 0 {
		cfg.Idle = 5 * time.Minute
	}
	if cfg.PasswordLength == 0 {
		cfg.PasswordLength = 8
	}
	if cfg.Outage == nil {
		cfg.Outage = func() (time.Time, bool) { return time.Time{}, false }
	}
	if cfg.Source == nil {
		cfg.Source = func(r *http.Request) string { return r.RemoteAddr }
	}
	format, err := clinical.New(cfg.Zone)
	if err != nil {
		return nil, err
	}
	files, err := assets.Load()
	if err != nil {
		return nil, err
	}
	pages, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	p := &Portal{cfg: cfg, format: format, files: files, pages: pages, forms: map[string]string{}}
	p.mux = p.routes()
	return p, nil
}

// policy is what a page may load and do. Nothing is written into a page that
// would need more: no inline script, no inline style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if err := boundForm(w, r); err != nil {
		if strings.HasPrefix(r.URL.Path, endedPath) {
			logoutFailed(w, r, fault.New(fault.Invalid, "portal", fault.Public(err)))
			return
		}
		p.fail(w, r, err)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// maxForm bounds every body sent to the portal, before anybody has said who he is.
// The largest form is the answer of a passkey; files come by the API.
const maxForm = 128 << 10

// boundForm reads the form, so that one too large is refused as such, and not taken
// for one in which nothing was filled in.
func boundForm(w http.ResponseWriter, r *http.Request) error {
	const op = "portal.boundForm"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	tooLarge := fault.New(fault.TooLarge, op, "This form is too large.")
	if r.ContentLength > maxForm {
		return tooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge
	case err != nil:
		return fault.New(fault.Invalid, op, "This form could not be read. Go back, and send it again.")
	}
	return nil
}

// routes lists every address. An address holds ids of records, never a name, a
// number of a patient or anything typed.
func (p *Portal) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", p.files.Handler())
	mux.HandleFunc("GET /icon/{name}", p.handleIcon)

	mux.HandleFunc("GET /sign-in", p.stranger(p.handleSignInPage))
	mux.HandleFunc("POST /sign-in", p.stranger(p.handleSignIn))
	mux.HandleFunc("GET /sign-in/code", p.stranger(p.handleCodePage))
	mux.HandleFunc("POST /sign-in/code", p.stranger(p.handleCode))
	mux.HandleFunc("POST /sign-in/passkey", p.stranger(p.handlePasskey))
	mux.HandleFunc("POST /passkey/ask", p.stranger(p.handleAsk))
	mux.HandleFunc("POST /sign-out", p.stranger(p.handleSignOut))
	mux.HandleFunc("POST /sign-in/with/{provider}", p.stranger(p.handleDepart))
	mux.HandleFunc("GET /sign-in/return/{provider}", p.stranger(p.handleReturn))
	mux.HandleFunc("POST /sign-in/ended/{provider}", p.stranger(p.handleEnded))
	mux.HandleFunc("GET /enrol", p.stranger(p.handleEnrolPage))
	mux.HandleFunc("POST /enrol", p.stranger(p.handleEnrol))
	mux.HandleFunc("GET /enrol/authenticator", p.stranger(p.handleAuthenticatorPage))
	mux.HandleFunc("POST /enrol/authenticator", p.stranger(p.handleAuthenticator))
	mux.HandleFunc("POST /enrol/passkey", p.stranger(p.handleEnrolPasskey))
	mux.HandleFunc("GET /enrol/picture", p.stranger(p.handleEnrolPicture))
	mux.HandleFunc("GET /lock", p.stranger(p.handleLockPage))
	mux.HandleFunc("POST /lock", p.stranger(p.handleLock))
	mux.HandleFunc("POST /unlock", p.stranger(p.handleUnlock))
	mux.HandleFunc("GET /step-up", p.signedIn(p.handleStepUpPage))
	mux.HandleFunc("POST /step-up", p.signedIn(p.handleStepUp))
	mux.HandleFunc("POST /theme", p.stranger(p.handleTheme))
	mux.HandleFunc("POST /awake", p.signedIn(p.handleAwake))
	mux.HandleFunc("POST /drafts", p.signedIn(p.handleKeep))
	mux.HandleFunc("POST /drafts/discard", p.signedIn(p.handleDiscard))

	if p.cfg.Purposes != nil {
		mux.HandleFunc("POST /purpose", p.signedIn(p.handlePurpose))
	}
	p.appRoutes(mux)
	mux.HandleFunc("GET /{$}", p.signedIn(p.asked(p.handleHome)))
	mux.HandleFunc("GET /ward", p.signedIn(p.handleWard))
	mux.HandleFunc("POST /find", p.signedIn(p.handleFind))

	for _, s := range sections {
		mux.HandleFunc("GET "+s.pattern(), p.signedIn(s.handle(p)))
	}
	mux.HandleFunc("GET /chart/{patient}/documents/{document}", p.signedIn(p.handleDocument))
	mux.HandleFunc("GET /chart/{patient}/documents/{document}/file", p.signedIn(p.handleFile))
	if p.cfg.Numbers != nil {
		mux.HandleFunc("POST /chart/{patient}/details", p.signedIn(p.handleUnmask))
	}
	if p.cfg.Own != nil {
		p.ownRoutes(mux)
	}
	if p.cfg.People != nil {
		p.peopleRoutes(mux)
	}
	if p.cfg.Shifts != nil {
		p.shiftRoutes(mux)
	}
	if p.cfg.Emergency != nil && p.cfg.Book != nil {
		p.emergencyRoutes(mux)
	}
	if p.cfg.Accesses != nil {
		p.accessRoutes(mux)
	}
	if p.cfg.Consents != nil {
		p.consentRoutes(mux)
	}
	mux.HandleFunc("/", p.stranger(p.handleUnknown))
	return mux
}
