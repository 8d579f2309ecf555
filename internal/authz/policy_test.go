package authz_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/policies"
)

func load(t testing.TB) *authz.Policy {
	t.Helper()
	p, err := authz.New(policies.Files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoad(t *testing.T) {
	p := load(t)
	t.Log(p.Version(), len(p.Types()), p.Roles(), p.Actions())
}
