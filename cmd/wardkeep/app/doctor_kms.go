package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/kms/aws"
	"github.com/wardkeep/wardkeep/internal/kms/service"
)

const rootCheck = "root key"

// rootKey finds out whether the root can be used: a server would only notice at its
// next start.
func (d *doctor) rootKey(ctx context.Context) {
	where, err := config.ParseKMS(d.cfg.KMS)
	switch {
	case err != nil: // what was read before has been checked
		d.add(rootCheck, failure, err.Error(), "")
		return
	case where == nil && exists(filepath.Join(d.cfg.Dir, signingFile)) && !exists(filepath.Join(d.cfg.Dir, rootKeyFile)):
		d.add(rootCheck, failure, "a key service keeps it: "+wrappedBy(d.cfg.Dir)+"; the settings do not name it", "set kms")
		return
	case where == nil && d.cfg.KMS == "" && d.cfg.ServesOthers():
		d.add(rootCheck, failure, "other machines are to be served, and nothing says what keeps it; a server would not start", "set kms to a key service, or kms: local if a file beside the data is to")
		return
	case where == nil:
		d.add(rootCheck, warning, "it lies in a file beside the data: for trying out, not for care", "set kms to a key service; wardkeep keys rotate root --to moves it there")
		return
	}
	s, err := aws.Open(ctx, aws.Config(*where))
	if err == nil {
		err = tryRoot(ctx, s)
	}
	if err != nil {
		d.add(rootCheck, failure, err.Error(), "until this is mended no server starts here; one that runs goes on until it ends")
		return
	}
	if by := wrappedBy(d.cfg.Dir); by != s.ID() {
		d.add(rootCheck, failure, "kms leads to "+s.ID()+", and "+by+" has wrapped the keys", "set kms to that one")
		return
	}
	d.add(rootCheck, fine, fmt.Sprintf("kept by %s, made on %s, %d days ago; it wraps and unwraps", s.ID(), s.Made().Format("2006-01-02"), d.clock.Now().Sub(s.Made())/day), "")
	if path := filepath.Join(d.cfg.Dir, rootKeyFile); exists(path) {
		d.add(rootCheck, warning, "a "+rootKeyFile+" of before lies in the folder: it opens copies of the store of its time", "keep it elsewhere, beside those copies, or destroy it")
	}
}

// tryRoot has the service wrap and unwrap a random value.
func tryRoot(ctx context.Context, w service.Wrapper) error {
	value := make([]byte, 32)
	rand.Read(value)
	wrapped, err := w.Wrap(ctx, "wardkeep/doctor/1", value)
	if err != nil {
		return err
	}
	back, err := w.Unwrap(ctx, "wardkeep/doctor/1", wrapped)
	if err == nil && !bytes.Equal(back, value) {
		return errors.New("the key service unwraps another value than it has wrapped")
	}
	return err
}

// topKeyFile is what the setting kms has beside the data.
func (d *doctor) topKeyFile() string {
	if where, err := config.ParseKMS(d.cfg.KMS); err == nil && where != nil {
		return filepath.Join(d.cfg.Dir, signingFile)
	}
	return filepath.Join(d.cfg.Dir, rootKeyFile)
}
