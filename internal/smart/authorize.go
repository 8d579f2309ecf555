package smart

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// pushedPrefix begins the names of requests that were sent ahead (RFC 9126 §2.2).
const pushedPrefix = "urn:ietf:params:oauth:request_uri:"

// handleAuthorize takes a request that an app has sent a browser with (RFC 6749
// §4.1.1, SMART App Launch 2.2 §4.1), and leads the person to the page on which he
// decides. Unless app and address are known, he is sent nowhere.
func (s *Server) handleAuthorize(w http.ResponseWriter, r *http.Request) {
	form, err := authorizeForm(w, r)
	if err != nil {
		s.cfg.Stop(w, r, "The app that sent you here made a mistake: "+err.Error())
		return
	}
	client, err := s.cfg.Clients.App(r.Context(), form["client_id"])
	switch {
	case fault.Is(err, fault.NotFound):
		s.cfg.Stop(w, r, "The app that sent you here is not registered with this server. Ask whoever gave you the app.")
		return
	case err != nil:
		s.cfg.Stop(w, r, fault.Public(err))
		return
	}
	request, to, refused := s.requested(r.Context(), client, form)
	if refused == nil {
		var id string
		if id, err = s.cfg.Clients.KeepRequest(r.Context(), request); err == nil {
			http.Redirect(w, r, s.cfg.Issuer+connectPath+id, http.StatusSeeOther)
			return
		}
		refused = &refusal{notNow, fault.Public(err)}
	}
	if to == "" {
		s.cfg.Stop(w, r, "The app that sent you here made a mistake: "+refused.Description)
		return
	}
	http.Redirect(w, r, s.answered(to, url.Values{"error": {refused.Code}, "error_description": {refused.Description}}, form["state"]), http.StatusSeeOther)
}

// authorizeForm reads the parameters, each there once, from address or body.
func authorizeForm(w http.ResponseWriter, r *http.Request) (map[string]string, error) {
	if r.Method == http.MethodPost {
		return readForm(w, r)
	}
	if len(r.URL.RawQuery) > maxForm {
		return nil, errForm("The address is too long.")
	}
	return parseForm(r.URL.RawQuery)
}

// requested returns the request in order, or why it is refused, and where that may
// be told: "" if nowhere.
func (s *Server) requested(ctx context.Context, client identity.Client, form map[string]string) (identity.AuthRequest, string, *refusal) {
	if form["request_uri"] == "" {
		return s.inOrder(ctx, client, form)
	}
	name, ok := strings.CutPrefix(form["request_uri"], pushedPrefix)
	request, err := s.cfg.Clients.TakePushed(ctx, name)
	if !ok || err != nil || request.ClientID != client.ID || !slices.Contains(client.RedirectURIs, request.RedirectURI) {
		return request, "", &refusal{invalidRequest, "request_uri is unknown, expired, was used before, or belongs to another app."}
	}
	return request, request.RedirectURI, nil
}

// inOrder checks a request. Until redirect_uri is known to be the app's own, byte
// by byte, nobody is sent there.
func (s *Server) inOrder(ctx context.Context, client identity.Client, form map[string]string) (identity.AuthRequest, string, *refusal) {
	to := form["redirect_uri"]
	request := identity.AuthRequest{
		ClientID: client.ID, RedirectURI: to, State: form["state"], Nonce: form["nonce"], Challenge: form["code_challenge"],
	}
	if !slices.Contains(client.RedirectURIs, to) {
		return request, "", &refusal{invalidRequest, "redirect_uri is not one that the app is registered with."}
	}
	if refused := s.checkForm(form); refused != nil {
		return request, to, refused
	}
	asked, err := identity.ParseAsked(form["scope"])
	if err != nil {
		return request, to, &refusal{invalidScope, "scope is missing, or holds one that is malformed."}
	}
	if request.Asked = asked; s.nothing(client, asked) {
		return request, to, &refusal{invalidScope, "The app is registered for none of these scopes."}
	}
	if err := s.cfg.Clients.CheckScopes(ctx, asked.Scopes); err != nil {
		return request, to, &refusal{invalidScope, fault.Public(err)}
	}
	if request.Proven, err = s.proven(form); err != nil {
		return request, to, &refusal{invalidRequest, err.Error()}
	}
	launched := asked.Has(identity.WordLaunch)
	if launched != (form["launch"] != "") {
		return request, to, &refusal{invalidRequest, "The scope launch and the parameter launch belong together."}
	}
	if launched {
		if request.Launch, err = s.cfg.Clients.TakeLaunch(ctx, client.ID, form["launch"]); err != nil {
			return request, to, &refusal{invalidRequest, "launch is unknown, expired, was used before, or belongs to another app."}
		}
	}
	return request, to, nil
}

const maxState = 1024

// checkForm checks what can be said of the parameters alone.
func (s *Server) checkForm(form map[string]string) *refusal {
	challenge, err := base64.RawURLEncoding.Strict().DecodeString(form["code_challenge"])
	bad := func(code, text string) *refusal { return &refusal{code, text} }
	switch {
	case form["request"] != "":
		return bad("request_not_supported", "Send the parameters themselves, or ahead to "+pushPath+".")
	case form["response_type"] != "code":
		return bad("unsupported_response_type", "response_type must be code.")
	case form["response_mode"] != "" && form["response_mode"] != "query":
		return bad(invalidRequest, "response_mode must be query.")
	case form["code_challenge_method"] != "S256":
		return bad(invalidRequest, "code_challenge_method must be S256.")
	case err != nil || len(challenge) != 32:
		return bad(invalidRequest, "code_challenge must be a SHA-256 in base64url (RFC 7636).")
	case form["state"] == "":
		return bad(invalidRequest, "state is missing.")
	case len(form["state"]) > maxState || len(form["nonce"]) > maxState:
		return bad(invalidRequest, "state or nonce is too long.")
	case strings.TrimSuffix(form["aud"], "/") != s.cfg.FHIRBase:
		return bad(invalidRequest, "aud must be "+s.cfg.FHIRBase+".")
	case slices.Contains(strings.Fields(form["prompt"]), "none"):
		return bad("interaction_required", "Nobody is let in here without being asked.")
	}
	return nil
}

// nothing reports whether an app is registered for nothing of what it asks.
func (s *Server) nothing(client identity.Client, asked identity.Asked) bool {
	return len(asked.Scopes.Meet(client.Scopes)) == 0 && !slices.ContainsFunc(asked.Words, func(w string) bool { return slices.Contains(client.Words, w) })
}

// proven is since when the person must have proven who he is (OpenID Connect Core
// §3.1.2.1: prompt=login, max_age).
func (s *Server) proven(form map[string]string) (time.Time, error) {
	now := s.cfg.Clock.Now()
	if slices.Contains(strings.Fields(form["prompt"]), "login") {
		return now, nil
	}
	if form["max_age"] == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseUint(form["max_age"], 10, 31)
	if err != nil {
		return time.Time{}, errForm("max_age must be a number of seconds.")
	}
	return now.Add(-time.Duration(seconds) * time.Second), nil
}

// answered is the address that an app is answered at (RFC 6749 §4.1.2, RFC 9207).
func (s *Server) answered(to string, params url.Values, state string) string {
	if state != "" {
		params.Set("state", state)
	}
	params.Set("iss", s.cfg.Issuer)
	separator := "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	return to + separator + params.Encode()
}

// pushed is RFC 9126 §2.2.
type pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// handlePush takes a request from the app itself, so that no browser can change it.
func (s *Server) handlePush(w http.ResponseWriter, r *http.Request) {
	q, ok := s.open(w, r)
	if !ok {
		return
	}
	if !q.client.App() {
		refuse(w, wrongClient, "This program acts for nobody.")
		return
	}
	if q.form["request_uri"] != "" {
		refuse(w, invalidRequest, "request_uri has no place here.")
		return
	}
	request, _, refused := s.inOrder(r.Context(), q.client, q.form)
	if refused != nil {
		s.refuseToken(w, r, q, refused.Code, refused.Description)
		return
	}
	id, life, err := s.cfg.Clients.PushRequest(r.Context(), request)
	if err != nil {
		refuseFault(w, err)
		return
	}
	answer(w, http.StatusCreated, pushed{pushedPrefix + id, int64(life / time.Second)})
}
