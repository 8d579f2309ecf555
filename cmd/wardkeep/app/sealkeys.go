package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// typeSealed is the internal record that tells that the TLS keys of a folder are sealed.
const typeSealed = "sealed-keys"

// sealKeys seals, once, the TLS keys that an earlier release left bare. From then on a
// bare one is somebody else's: who can write to the folder could put in one that he knows.
func (h *House) sealKeys(ctx context.Context) error {
	keys := h.keys()
	bare, err := keys.Bare()
	if err != nil {
		return err
	}
	_, err = h.Vault.GetDoc(ctx, typeSealed, "tls")
	switch {
	case err == nil && len(bare) > 0:
		return fmt.Errorf("%s is not sealed, and was: somebody has put it there. Put the sealed one back from its copy, or remove it to have another key made, which apps have not pinned", namesOf(bare))
	case err == nil:
		return nil
	case !fault.Is(err, fault.NotFound):
		return fmt.Errorf("the TLS keys cannot be sealed: %w", err)
	}
	if err := keys.TakeOver(bare); err != nil {
		return err
	}
	e := identity.Event{Time: h.Clock.Now(), Actor: "system", Action: "seal-keys", Type: typeSealed, Outcome: identity.Success, Detail: namesOf(bare)}
	return records{h.Vault}.Put(ctx, e, []identity.Write{{Type: typeSealed, ID: "tls", Body: []byte(`{}`)}})
}

func namesOf(paths []string) string {
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return strings.Join(names, ", ")
}
