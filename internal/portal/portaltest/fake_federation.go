package portaltest

import (
	"context"
	"crypto/rand"
	"net/url"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
	"github.com/wardkeep/wardkeep/internal/portal"
)

// What FakeFederation has.
const (
	Provider      = "lakeside"
	ProviderLabel = "Lakeside Health"
	Upstream      = "https://id.lakeside.example/authorize?state=s&scope=openid"
	GoodCode      = "good"
	RefusedWords  = "Lakeside Health did not check a second factor."
)

// FakeFederation knows one provider, at which everybody is the nurse.
type FakeFederation struct {
	Accounts *FakeAccounts
	Binding  string
	Asked    federation.Ask
	SignOut  string // address there, "" for none
	Logouts  []string
}

// Federated puts a FakeFederation on a stage.
func Federated(f *FakeFederation) func(*Stage, *portal.Config) {
	return func(s *Stage, cfg *portal.Config) {
		f.Accounts = s.Accounts
		cfg.Federation = f
	}
}

// Buttons implements portal.Federation.
func (f *FakeFederation) Buttons() []federation.Button {
	return []federation.Button{{Name: Provider, Label: ProviderLabel}}
}

// Begin implements portal.Federation.
func (f *FakeFederation) Begin(_ context.Context, _ string, ask federation.Ask, _ identity.Origin) (federation.Away, error) {
	f.Asked, f.Binding = ask, rand.Text()
	return federation.Away{Address: Upstream, Binding: f.Binding}, nil
}

// Finish implements portal.Federation.
func (f *FakeFederation) Finish(_ context.Context, _ string, answer url.Values, binding string, _ identity.Origin) (federation.Return, error) {
	if binding == "" || binding != f.Binding || answer.Get("code") != GoodCode {
		return federation.Return{}, fault.New(fault.Denied, "portaltest", RefusedWords)
	}
	f.Binding = ""
	return federation.Return{Grant: identity.Grant{Token: f.Accounts.enter(Provider)}, Back: f.Asked.Back, Left: f.Asked.Leaves}, nil
}

// SignOutAddress implements portal.Federation.
func (f *FakeFederation) SignOutAddress(context.Context, string) (string, error) {
	return f.SignOut, nil
}

// Ended implements portal.Federation.
func (f *FakeFederation) Ended(_ context.Context, _, token string, _ identity.Origin) error {
	if token != GoodCode {
		return fault.New(fault.Invalid, "portaltest", "")
	}
	f.Logouts = append(f.Logouts, token)
	return nil
}
