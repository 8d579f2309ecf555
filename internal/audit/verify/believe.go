package verify

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// believe finds out whose checkpoints count, and the tenant, if none was given.
func (v *verifier) believe(ids []TreeID) error {
	own, err := v.cell(record.SpaceTree, []byte(HandOversName))
	if err != nil {
		return err
	}
	if v.signs, err = Believe(v.Key, own, v.HandOvers); err != nil {
		v.find(Finding{Code: CodeHandOver, Text: err.Error()})
		v.signs = &Signers{keys: []ed25519.PublicKey{v.Key}}
	}
	for i := len(ids) - 1; i >= 0 && v.Tenant == ""; i-- {
		signed, _ := v.cell(record.SpaceTree, ids[i].CheckpointName())
		if c, err := v.signs.OpenCheckpoint(signed); err == nil {
			if rest, ok := strings.CutPrefix(c.Origin, originPrefix); ok {
				v.Tenant, _ = strings.CutSuffix(rest, "/"+ids[i].String())
			}
		}
	}
	v.signs = v.signs.InOrder(Origins(v.Tenant, ids))
	return nil
}

// Origins are the names of trees.
func Origins(tenant string, ids []TreeID) []string {
	origins := make([]string, len(ids))
	for i, id := range ids {
		origins[i] = id.Origin(tenant)
	}
	return origins
}

func (v *verifier) openPinned() {
	if v.Pinned == nil {
		v.skip("comparison with a checkpoint kept elsewhere: none was given; a rollback of the whole store cannot be seen")
		return
	}
	c, err := v.signs.OpenCheckpoint(v.Pinned)
	if err != nil {
		v.find(Finding{Code: CodeSignature, Text: "the pinned checkpoint: " + err.Error()})
		return
	}
	v.pinned = &c
}

var errTenant = errors.New("no checkpoint in the store names the tenant under this key")

// TenantOf returns the tenant that the store's newest checkpoint names.
func TenantOf(ctx context.Context, s store.Store, key ed25519.PublicKey) (string, error) {
	v := &verifier{Config: Config{Store: s, Key: key}, ctx: ctx, report: &Report{}}
	cell, err := v.cell(record.SpaceTree, []byte(TreesName))
	if err != nil {
		return "", fmt.Errorf("verify.TenantOf: %w", err)
	}
	if ids, err := ParseTrees(cell); err == nil {
		if err := v.believe(ids); err != nil {
			return "", fmt.Errorf("verify.TenantOf: %w", err)
		}
	}
	if v.Tenant == "" {
		return "", fmt.Errorf("verify.TenantOf: %w", errTenant)
	}
	return v.Tenant, nil
}
