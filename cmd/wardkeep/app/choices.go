package app

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/config"
)

// tellChoices writes into the log, at each start, what was set that is less than what
// the server does by itself.
func (h *House) tellChoices(ctx context.Context) {
	if h.Config.SearchInURLs == config.SearchAll {
		h.Slog.WarnContext(ctx, "search_in_urls is all: programs may search with names in addresses, which histories and logs of others keep")
	}
	if h.Config.Scanner == config.ScannerNone {
		h.Slog.WarnContext(ctx, "scanner is none: files are not searched for malware")
	}
	if !h.Config.ServesOthers() {
		return
	}
	if h.Config.KMS == config.KMSLocal {
		h.Slog.WarnContext(ctx, "kms is local: the root key lies in a file beside the data")
	}
	for _, setting := range h.Config.BareSecrets() {
		h.Slog.WarnContext(ctx, "a secret is kept by no vault: seal it by wardkeep secrets set", "setting", setting)
	}
}
