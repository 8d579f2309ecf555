package smart

import (
	"errors"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	grantClientCredentials = "client_credentials"
	grantCode              = "authorization_code"
	grantRefresh           = "refresh_token"
)

// tokenResponse is RFC 6749 §5.1.
type tokenResponse struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope"`

	// For programs that act for people (SMART App Launch 2.2 §4.1.5).
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Patient      string `json:"patient,omitempty"`
	Banner       bool   `json:"need_patient_banner,omitempty"`
}

// request is a form from a client that has proven who it is.
type request struct {
	client identity.Client
	form   map[string]string
	origin identity.Origin
}

// open reads form and credentials, and answers itself if it returns false.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (request, bool) {
	form, err := readForm(w, r)
	if err != nil {
		refuse(w, invalidRequest, err.Error())
		return request{}, false
	}
	o := s.origin(r)
	client, err := s.authenticate(r, form, o)
	var bad errForm
	switch {
	case errors.As(err, &bad):
		refuse(w, invalidRequest, bad.Error())
		return request{}, false
	case errors.Is(err, errCredentials):
		refuseFault(w, fault.New(fault.Unauthenticated, "smart.open",
			"Authenticate by client_secret_basic, client_secret_post or private_key_jwt, or with client_id by a certificate at the address of mtls_endpoint_aliases."))
		return request{}, false
	case err != nil:
		refuseFault(w, err)
		return request{}, false
	}
	return request{client, form, o}, true
}

// authenticate returns the client that a request proves to be from.
func (s *Server) authenticate(r *http.Request, form map[string]string, o identity.Origin) (identity.Client, error) {
	signed, ok, err := assertion(r, form)
	if err != nil {
		return identity.Client{}, err
	}
	bare := !ok && form["client_secret"] == "" && len(r.Header.Values("Authorization")) == 0
	if bare && form["client_id"] == "" && form["grant_type"] == grantRefresh && form["refresh_token"] != "" {
		return s.cfg.Clients.PublicClientOf(r.Context(), form["refresh_token"], o)
	}
	if bare && form["client_id"] != "" && len(o.Certificates) > 0 {
		return s.cfg.Clients.AuthenticateCertificate(r.Context(), form["client_id"], o)
	}
	if bare && form["client_id"] != "" {
		return s.cfg.Clients.PublicClient(r.Context(), form["client_id"], o)
	}
	if !ok {
		id, secret, err := credentials(r, form)
		if err != nil {
			return identity.Client{}, err
		}
		return s.cfg.Clients.AuthenticateClient(r.Context(), id, secret, o)
	}
	audiences := []string{s.cfg.Issuer + tokenPath, s.cfg.Issuer + r.URL.Path}
	if s.cfg.Mutual != "" {
		audiences = append(audiences, s.cfg.Mutual+tokenPath, s.cfg.Mutual+r.URL.Path)
	}
	client, err := s.cfg.Clients.AuthenticateAssertion(r.Context(), signed, audiences, o)
	if other := form["client_id"]; err == nil && other != "" && other != client.ID {
		err = errForm("Assertion and form name different clients.")
	}
	return client, err
}

func (s *Server) handleToken(w http.ResponseWriter, r *http.Request) {
	q, ok := s.open(w, r)
	if !ok {
		return
	}
	switch q.form["grant_type"] {
	case grantClientCredentials:
		s.grantOwn(w, r, q)
	case grantCode:
		s.grantByCode(w, r, q)
	case grantRefresh:
		s.grantAgain(w, r, q)
	case "":
		s.refuseToken(w, r, q, invalidRequest, "grant_type is missing.")
	default:
		s.refuseToken(w, r, q, wrongGrant, "grant_type is authorization_code, refresh_token or client_credentials.")
	}
}

// grantOwn gives a program a token in its own name.
func (s *Server) grantOwn(w http.ResponseWriter, r *http.Request, q request) {
	if q.client.App() {
		s.refuseToken(w, r, q, wrongClient, "This program acts for people: it begins at "+authorizePath+".")
		return
	}
	var asked identity.Asked
	if text := q.form["scope"]; text != "" {
		var err error
		if asked, err = identity.ParseAsked(text); err != nil || len(asked.Words) > 0 || asked.Unknown {
			s.refuseToken(w, r, q, invalidScope, "Scopes are system/TYPE.LETTERS, with the letters c, r, u, d, s in this order, or system/TYPE.read, write or *; parameters may follow: ?category=…")
			return
		}
	}
	token, err := s.cfg.Clients.IssueToken(r.Context(), q.client, asked.Scopes, q.origin)
	if err != nil {
		refuseFault(w, err)
		return
	}
	answer(w, http.StatusOK, tokenResponse{
		AccessToken: token.Text, TokenType: "bearer", Scope: identity.Asked{Scopes: token.Scopes, Version1: asked.Version1}.String(),
		ExpiresIn: int64(token.Expires.Sub(s.cfg.Clock.Now()) / time.Second),
	})
}

// refuseToken answers once the refusal is in the audit log.
func (s *Server) refuseToken(w http.ResponseWriter, r *http.Request, q request, code, description string) {
	if err := s.cfg.Clients.RefuseToken(r.Context(), q.client, code, q.origin); err != nil {
		refuseFault(w, err)
		return
	}
	refuse(w, code, description)
}

// handleRevoke answers 200 for tokens that are not there, too (RFC 7009 §2.2).
func (s *Server) handleRevoke(w http.ResponseWriter, r *http.Request) {
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

// introspection is RFC 7662 §2.2, with SMART's context (SMART App Launch 2.2 §7);
// of a token that is not good, nothing but that
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
	FHIRUser  string `json:"fhirUser,omitempty"`
	Patient   string `json:"patient,omitempty"`

	Confirmation *confirmation `json:"cnf,omitempty"`
}

// confirmation names the certificate that a token is bound to (RFC 8705 §3.1).
type confirmation struct {
	Thumbprint string `json:"x5t#S256"`
}

func (s *Server) handleIntrospect(w http.ResponseWriter, r *http.Request) {
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
	answer(w, http.StatusOK, s.introspection(info))
}

func (s *Server) introspection(info identity.TokenInfo) introspection {
	out := introspection{
		Active: true, Scope: identity.Asked{Scopes: info.Scopes, Words: info.Words}.String(), ClientID: info.ClientID, Subject: info.Subject,
		TokenType: "bearer", Expires: info.Expires.Unix(), Issued: info.Issued.Unix(), Issuer: s.cfg.Issuer, Patient: info.Patient,
	}
	if info.FHIRUser != "" {
		out.FHIRUser = s.cfg.FHIRBase + "/" + info.FHIRUser
	}
	if info.Refresh {
		out.TokenType = ""
	}
	if info.Certificate != "" {
		out.Confirmation = &confirmation{info.Certificate}
	}
	return out
}
