package federation

import (
	"context"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// refusal is something that was not believed. why goes to the audit log, public to
// the person; neither holds anything that was received.
type refusal struct {
	why    string
	kind   fault.Kind
	public string
}

func (r refusal) Error() string { return r.why }

// refused records a refusal and makes the fault of it. Other errors pass.
func (f *Federation) refused(ctx context.Context, action string, p *provider, err error, o identity.Origin) error {
	var r refusal
	if !errors.As(err, &r) {
		return err
	}
	said := &fault.Error{Kind: r.kind, Op: "federation." + action, Public: r.public, Err: errors.New(r.why)}
	switch err := f.cfg.People.RefuseUpstream(ctx, action, p.Name, r.why, o); {
	case fault.Is(err, fault.Throttled):
		return fmt.Errorf("federation.%s: %w", action, err)
	case err != nil:
		return errors.Join(said, err)
	}
	return said
}

// disbelieve refuses what a well-kept provider does not send. The person learns no
// more than that.
func (p *provider) disbelieve(why string) error {
	return refusal{why, fault.Unauthenticated, "What " + p.Label + " sent could not be believed. Start again; if it happens twice, tell an administrator of this server."}
}

// declined is the provider's own refusal (RFC 6749 §4.1.2.1, OpenID Connect Core
// 1.0 §3.1.2.6). What it says of it in words is not shown: anybody could have
// written it into the address.
func (p *provider) declined(code string) error {
	why, public := "the provider reports a fault", p.Label+" could not sign you in. Try again; if it lasts, ask its help desk."
	switch code {
	case "access_denied":
		why, public = "the provider or the person declined", p.Label+" did not let you in, or you cancelled there. Try again, or ask its help desk."
	case "login_required", "interaction_required", "account_selection_required", "consent_required", "unmet_authentication_requirements":
		why, public = "the provider wants more of the person", p.Label+" needs more from you than it asked for. Sign in there first, then start again here."
	}
	return refusal{why, fault.Denied, public}
}

func (p *provider) stranger() error {
	return refusal{"a required claim differs", fault.Denied, "Your account at " + p.Label + " does not belong to the organisation that may sign in here. Choose another account there."}
}

func (p *provider) singleFactor() error {
	return refusal{"no second factor", fault.Denied, p.Label + " did not check a second factor, and nobody comes in here without one. Set one up there and sign in again; if you have one, ask its help desk to demand it for this server."}
}

func (p *provider) stale(untold bool) error {
	if untold {
		return refusal{"auth_time is missing", fault.Denied, p.Label + " does not tell when you proved who you are. Tell an administrator of this server that its ID token needs the claim auth_time."}
	}
	return refusal{"the proof of identity is too old", fault.Denied, "It is too long ago that you proved who you are at " + p.Label + ". Sign out there, then start again here."}
}

const weakKey = "signed by an RSA key of fewer than 3072 bits; write least_rsa: 2048 for this provider if it has no better"

func (p *provider) weak() error {
	return refusal{weakKey, fault.Unauthenticated, p.Label + " signs with a key that is too short to be believed here. Tell an administrator of this server: the setting least_rsa of this provider decides."}
}
