package app

import (
	"context"
	"log/slog"
	"strings"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/rekey"
)

// move has another service's key be the root. No server may run: it would go on with
// the settings that it was started with.
func (c *keysRotateCmd) move(ctx context.Context) (rekey.Status, error) {
	const op = "app.move"
	if c.Key != rekey.KeyRoot {
		return rekey.Status{}, fault.New(fault.Invalid, op, "--to is for the root: the other keys lie in the store, wrapped by it")
	}
	if where, err := config.ParseKMS(c.To); err != nil || where == nil {
		return rekey.Status{}, fault.New(fault.Invalid, op, "--to must name a key service, such as awskms:///alias/NAME?region=eu-central-1")
	}
	cfg, err := c.existing()
	if err != nil {
		return rekey.Status{}, err
	}
	if d := dialDesk(cfg.Dir); d != nil {
		_ = d.Close()
		return rekey.Status{}, fault.New(fault.Conflict, op, "A server runs on this folder. Stop it first; afterwards start it with the new setting kms.")
	}
	house, err := OpenHouse(ctx, cfg, slog.New(slog.DiscardHandler), Options{MoveTo: c.To})
	if err != nil {
		return rekey.Status{}, err
	}
	status, err := house.moveRoot(ctx, c.Reason)
	return status, closeAfter(ctx, house, err)
}

// moveRoot begins, or carries on what was cut short.
func (h *House) moveRoot(ctx context.Context, reason string) (rekey.Status, error) {
	who := processUser()
	status, err := h.Keys.Status(ctx)
	if err != nil {
		return status, err
	}
	if u := status.UnderWay; u != nil && u.Key == rekey.KeyRoot {
		return resumeKeys(ctx, h, who, struct{}{})
	}
	return rotateKey(ctx, h, who, keyOrder{rekey.KeyRoot, reason})
}

// whatNow tells what is left for people to do.
func (c *keysRotateCmd) whatNow(status rekey.Status) string {
	switch {
	case c.To != "":
		return "The root key is kept by the key service now. Set kms: " + c.To + " before anything else is done here. Copies of the store from before need the root of their time."
	case strings.HasPrefix(status.Keys[0].ID, "local-"):
		return "The root key is another one now. Keep a copy of root.key elsewhere, beside the older copies of the store their own."
	}
	return "The root key is kept by a key service and replaced there. What it wraps is wrapped anew by what it is now."
}
