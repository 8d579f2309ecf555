package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
)

// closeTimeout bounds the closing of a house, and with it the end of the process.
const closeTimeout = 20 * time.Second

// Close writes the last audit checkpoint and closes the store, unless its device does not
// answer: then the process MUST end. It may be called on a house that opened in part.
func (h *House) Close(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- h.close(ctx) }()
	late := time.NewTimer(closeTimeout)
	defer late.Stop()
	select {
	case err := <-closed:
		return err
	case <-late.C:
		return fmt.Errorf("the data folder could not be closed; the next start goes on from what is on the device, as after a power loss: %w", audit.ErrHangs)
	}
}

func (h *House) close(ctx context.Context) error {
	var errs []error
	if h.Keys != nil {
		h.Keys.Close()
	}
	if h.Chart != nil {
		h.Jobs.Close()
		h.Notifier.Close()
		h.Indexing.Close()
	}
	if h.Spool != nil {
		errs = append(errs, h.Spool.Close())
	}
	if h.Log != nil {
		errs = append(errs, h.settleRefusals(ctx), h.Log.Close(ctx))
	}
	if err := errors.Join(errs...); errors.Is(err, audit.ErrHangs) {
		return err // the log still writes
	}
	if h.Store != nil {
		err := h.Store.Close()
		if err == nil && h.onDisk {
			err = closeInventory(ctx, h.Config.Dir, h.Keyring)
		}
		errs = append(errs, err)
	}
	if h.Sealer != nil {
		h.Sealer.Close()
	}
	return errors.Join(errs...)
}
