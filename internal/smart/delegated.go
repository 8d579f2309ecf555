package smart

import (
	"context"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// grantByCode gives an app what a person has let it do (RFC 6749 §4.1.3).
func (s *Server) grantByCode(w http.ResponseWriter, r *http.Request, q request) {
	if !q.client.App() {
		s.refuseToken(w, r, q, wrongClient, "This program acts in its own name.")
		return
	}
	if q.form["code"] == "" || q.form["redirect_uri"] == "" || q.form["code_verifier"] == "" {
		s.refuseToken(w, r, q, invalidRequest, "code, redirect_uri and code_verifier are wanted.")
		return
	}
	d, err := s.cfg.Clients.Redeem(r.Context(), q.client, q.form["code"], q.form["redirect_uri"], q.form["code_verifier"], q.origin)
	if err != nil {
		refuseFault(w, err)
		return
	}
	signed := ""
	if d.Connection.Granted.Has(identity.WordOpenID) {
		if signed, err = s.idToken(r.Context(), d); err != nil {
			refuseFault(w, err)
			return
		}
	}
	s.give(w, d, signed)
}

// grantAgain gives an app the next tokens for a refresh token (RFC 6749 §6).
func (s *Server) grantAgain(w http.ResponseWriter, r *http.Request, q request) {
	if !q.client.App() {
		s.refuseToken(w, r, q, wrongClient, "This program acts in its own name.")
		return
	}
	if q.form["refresh_token"] == "" {
		s.refuseToken(w, r, q, invalidRequest, "refresh_token is missing.")
		return
	}
	var asked identity.Asked
	if text := q.form["scope"]; text != "" {
		var err error
		if asked, err = identity.ParseAsked(text); err != nil || asked.Unknown {
			s.refuseToken(w, r, q, invalidScope, "scope holds one that was not granted.")
			return
		}
	}
	d, err := s.cfg.Clients.Refresh(r.Context(), q.client, q.form["refresh_token"], asked, q.origin)
	if err != nil {
		refuseFault(w, err)
		return
	}
	s.give(w, d, "")
}

func (s *Server) give(w http.ResponseWriter, d identity.Delegation, idToken string) {
	granted := d.Connection.Granted
	granted.Scopes = d.Access.Scopes
	answer(w, http.StatusOK, tokenResponse{
		AccessToken: d.Access.Text, TokenType: "Bearer", Scope: granted.String(), RefreshToken: d.Refresh, IDToken: idToken,
		ExpiresIn: int64(d.Access.Expires.Sub(s.cfg.Clock.Now()) / time.Second),
		Patient:   d.Connection.Patient, Banner: d.Connection.Patient != "",
	})
}

// idTokenLife is how long what an id_token says may be taken for true.
const idTokenLife = 5 * time.Minute

// claims are OpenID Connect Core §2, and SMART's fhirUser.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Issued   int64  `json:"iat"`
	AuthTime int64  `json:"auth_time"`
	Nonce    string `json:"nonce,omitempty"`
	FHIRUser string `json:"fhirUser,omitempty"`
	Name     string `json:"name,omitempty"`
	Given    string `json:"given_name,omitempty"`
	Family   string `json:"family_name,omitempty"`
	UserName string `json:"preferred_username,omitempty"`
}

func (s *Server) idToken(ctx context.Context, d identity.Delegation) (string, error) {
	now := s.cfg.Clock.Now()
	c := claims{
		Issuer: s.cfg.Issuer, Subject: d.Person.ID, Audience: d.Connection.ClientID, Nonce: d.Nonce,
		Issued: now.Unix(), Expires: now.Add(idTokenLife).Unix(), AuthTime: d.Connection.AuthTime.Unix(),
	}
	if d.Connection.Granted.Has(identity.WordFHIRUser) && d.FHIRUser() != "" {
		c.FHIRUser = s.cfg.FHIRBase + "/" + d.FHIRUser()
	}
	if d.Connection.Granted.Has(identity.WordProfile) {
		c.Name, c.Given, c.Family, c.UserName = d.Name(), d.Person.Given, d.Person.Family, d.Person.UserName
	}
	return s.cfg.Clients.SignClaims(ctx, c)
}
