package smart

import (
	"errors"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const grantClientCredentials = "client_credentials"

// tokenResponse is RFC 6749 §5.1.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope"`
}

// request is a form from a client that has proven who it is.
type request struct {
	client identity.Client
	form   map[string]string
	origin identity.Origin
}

// open reads form and credentials, and answers itself if it returns false.
func (s *server) open(w http.ResponseWriter, r *http.Request) (request, bool) {
	form, err := readForm(w, r)
	if err != nil {
		refuse(w, invalidRequest, err.Error())
		return request{}, false
	}
	id, secret, err := credentials(r, form)
	var bad errForm
	switch {
	case errors.As(err, &bad):
		refuse(w, invalidRequest, bad.Error())
		return request{}, false
	case err != nil:
		refuseFault(w, fault.New(fault.Unauthenticated, "smart.open",
			"Authenticate by client_secret_basic or client_secret_post."))
		return request{}, false
	}
	o := s.origin(r)
	client, err := s.cfg.Clients.AuthenticateClient(r.Context(), id, secret, o)
	if err != nil {
		refuseFault(w, err)
		return request{}, false
	}
	return request{client, form, o}, true
}

func (s *server) handleToken(w http.ResponseWriter, r *http.Request) {
	q, ok := s.open(w, r)
	if !ok {
		return
	}
	switch q.form["grant_type"] {
	case grantClientCredentials:
	case "":
		s.refuseToken(w, r, q, invalidRequest, "grant_type is missing.")
		return
	default:
		s.refuseToken(w, r, q, wrongGrant, "Only client_credentials is served.")
		return
	}
	var asked identity.Scopes
	if text := q.form["scope"]; text != "" {
		var err error
		if asked, err = identity.ParseScopes(text); err != nil {
			s.refuseToken(w, r, q, invalidScope, "Scopes are system/TYPE.LETTERS, with the letters c, r, u, d, s in this order.")
			return
		}
	}
	token, err := s.cfg.Clients.IssueToken(r.Context(), q.client, asked, q.origin)
	if err != nil {
		refuseFault(w, err)
		return
	}
	answer(w, http.StatusOK, tokenResponse{
		AccessToken: token.Text, TokenType: "bearer", Scope: token.Scopes.String(),
		ExpiresIn: int64(token.Expires.Sub(s.cfg.Clock.Now()) / time.Second),
	})
}

// refuseToken answers once the refusal is in the audit log.
func (s *server) refuseToken(w http.ResponseWriter, r *http.Request, q request, code, description string) {
	if err := s.cfg.Clients.RefuseToken(r.Context(), q.client, code, q.origin); err != nil {
		refuseFault(w, err)
		return
	}
	refuse(w, code, description)
}

// handleRevoke answers 200 for tokens that are not there, too (RFC 7009 §2.2).
func (s *server) handleRevoke(w http.ResponseWriter, r *http.Request) {
	q, ok := s.open(w, r)
	if !ok {
		return
	}
	if q.form["token"] == "" {
		refuse(w, invalidRequest, "token is missing.")
		return
	}
	if err := s.cfg.Clients.RevokeToken(r.Context(), q.client, q.form["token"], q.origin); err != nil {
		refuseFault(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// introspection is RFC 7662 §2.2; of a token that is not good, nothing but that
// is said.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Subject   string `json:"sub,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Issuer    string `json:"iss,omitempty"`
}

func (s *server) handleIntrospect(w http.ResponseWriter, r *http.Request) {
	q, ok := s.open(w, r)
	if !ok {
		return
	}
	if q.form["token"] == "" {
		refuse(w, invalidRequest, "token is missing.")
		return
	}
	info, found, err := s.cfg.Clients.Introspect(r.Context(), q.client, q.form["token"])
	if err != nil {
		refuseFault(w, err)
		return
	}
	if !found {
		answer(w, http.StatusOK, introspection{})
		return
	}
	answer(w, http.StatusOK, introspection{
		Active: true, Scope: info.Scopes.String(), ClientID: info.ClientID, Subject: info.ClientID, TokenType: "bearer",
		Expires: info.Expires.Unix(), Issued: info.Issued.Unix(), Issuer: s.cfg.Issuer,
	})
}
