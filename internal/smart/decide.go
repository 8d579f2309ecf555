package smart

import (
	"context"
	"fmt"
	"net/url"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Question is what a page asks a person about an app.
type Question struct {
	App     string
	Host    string         // where he will be led, as far as people read addresses
	Granted identity.Asked // at most
	More    bool           // the app asks for more than it may have
	Names   bool           // it may write names into addresses
	Patient string         // FHIR id of the one in context, if the app was started from a chart
	Choose  bool           // he has to choose a patient
}

// Question returns what to ask. Errors are those of identity.Request.
func (s *Server) Question(ctx context.Context, actor identity.Actor, id string) (Question, error) {
	r, client, granted, err := s.cfg.Clients.Request(ctx, actor, id)
	if err != nil {
		return Question{}, fmt.Errorf("smart.Question: %w", err)
	}
	q := Question{App: client.Name, Granted: granted, Names: client.NamesInURLs}
	q.More = r.Asked.Unknown || len(granted.Words) < len(r.Asked.Words) || !granted.Scopes.Cover(r.Asked.Scopes)
	if u, err := url.Parse(r.RedirectURI); err == nil {
		if q.Host = u.Host; q.Host == "" {
			q.Host = u.Scheme
		}
	}
	if r.Launch != nil {
		q.Patient = r.Launch.Patient
	}
	q.Choose = q.Patient == "" && (granted.Has(identity.WordLaunchPatient) || len(granted.Scopes.At(identity.LevelPatient)) > 0)
	return q, nil
}

// Answer ends a request as the person says, and returns where to lead him.
func (s *Server) Answer(ctx context.Context, actor identity.Actor, id string, d identity.Decision) (address string, err error) {
	if d.Allow && d.Patient != "" {
		if err := s.cfg.MaySee(ctx, actor, d.Patient); err != nil {
			return "", fmt.Errorf("smart.Answer: %w", err)
		}
	}
	code, r, err := s.cfg.Clients.Decide(ctx, actor, id, d)
	if err != nil {
		return "", fmt.Errorf("smart.Answer: %w", err)
	}
	params := url.Values{"code": {code}}
	if code == "" {
		params = url.Values{"error": {accessDenied}, "error_description": {"The person declined."}}
	}
	return s.answered(r.RedirectURI, params, r.State), nil
}

// Launch starts an app from a patient's chart (SMART App Launch 2.2 §4.1.1), and
// returns its address.
func (s *Server) Launch(ctx context.Context, actor identity.Actor, clientID, patient string) (address string, err error) {
	if err := s.cfg.MaySee(ctx, actor, patient); err != nil {
		return "", fmt.Errorf("smart.Launch: %w", err)
	}
	token, client, err := s.cfg.Clients.NewLaunch(ctx, actor, clientID, patient)
	if err != nil {
		return "", fmt.Errorf("smart.Launch: %w", err)
	}
	u, err := url.Parse(client.LaunchURL)
	if err != nil {
		return "", fmt.Errorf("smart.Launch: %w", err)
	}
	q := u.Query()
	q.Set("iss", s.cfg.FHIRBase)
	q.Set("launch", token)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
