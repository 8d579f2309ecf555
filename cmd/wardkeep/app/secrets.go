package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

const (
	secretsDir = "secrets" // of the data folder
	mostSecret = 16 << 10
)

var secretName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

func checkSecretName(name string) error {
	if !secretName.MatchString(name) {
		return fault.New(fault.Invalid, "app.secret", "The name of a secret has 1 to 64 small letters, digits, hyphens and dots, and begins with a letter or digit.")
	}
	return nil
}

// secretPath is where a secret lies that a setting names: sealed in the folder, or where
// the operator says.
func secretPath(cfg config.Config, setting string) string {
	if name, ok := config.SealedName(setting); ok {
		return filepath.Join(cfg.Dir, secretsDir, filepath.Base(name))
	}
	return setting
}

// secret opens a sealed secret of the house.
func (h *House) secret(name string) (string, error) {
	if err := checkSecretName(name); err != nil {
		return "", err
	}
	file, err := os.ReadFile(filepath.Join(h.Config.Dir, secretsDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no sealed secret %s: wardkeep secrets set %s", name, name)
	}
	var text []byte
	if err == nil {
		text, err = h.safe.Open(seal.AboutSecret(name), file)
	}
	if err != nil {
		return "", fmt.Errorf("the sealed secret %s cannot be opened; set it anew by wardkeep secrets set: %w", name, wholefile.WithoutPath(err))
	}
	return string(text), nil
}

type namedSecret struct {
	Name  string
	Value string `json:",omitempty"`
}

// setSecret tells the log first: nothing is set of which it does not know.
func setSecret(ctx context.Context, h *House, who string, in namedSecret) (struct{}, error) {
	if err := checkSecretName(in.Name); err != nil {
		return struct{}{}, err
	}
	if in.Value == "" || len(in.Value) > mostSecret {
		return struct{}{}, fault.New(fault.Invalid, "app.setSecret", "A secret has 1 to 16,384 bytes.")
	}
	return struct{}{}, h.changeSecret(ctx, who, "set-secret", in.Name, func(path string) error {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return wholefile.WithoutPath(err)
		}
		return wholefile.ReplaceSecret(path, h.safe.Seal(seal.AboutSecret(in.Name), []byte(in.Value)))
	})
}

func removeSecret(ctx context.Context, h *House, who string, in namedSecret) (struct{}, error) {
	if err := checkSecretName(in.Name); err != nil {
		return struct{}{}, err
	}
	if !exists(filepath.Join(h.Config.Dir, secretsDir, in.Name)) {
		return struct{}{}, fault.New(fault.NotFound, "app.removeSecret", "There is no secret of that name.")
	}
	return struct{}{}, h.changeSecret(ctx, who, "remove-secret", in.Name, wholefile.Destroy)
}

func (h *House) changeSecret(ctx context.Context, who, action, name string, change func(path string) error) error {
	e := identity.Event{Time: h.Clock.Now(), Actor: "os:" + who, Action: action, Type: "secret", Outcome: identity.Success, Detail: name}
	if err := (events{h.Log}).Append(ctx, e); err != nil {
		return err
	}
	if err := change(filepath.Join(h.Config.Dir, secretsDir, name)); err != nil {
		e.Outcome = identity.Failure
		return errors.Join(fmt.Errorf("the secret cannot be changed: %w", err), events{h.Log}.Append(ctx, e))
	}
	return nil
}

type listedSecret struct {
	Name string    `json:"name"`
	Set  time.Time `json:"set"`
	Good bool      `json:"good"` // it opens
}

func listSecrets(_ context.Context, h *House, _ string, _ struct{}) ([]listedSecret, error) {
	out := []listedSecret{}
	list, err := os.ReadDir(filepath.Join(h.Config.Dir, secretsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	for _, e := range list {
		info, wrong := e.Info()
		if wrong != nil || !secretName.MatchString(e.Name()) {
			continue
		}
		_, closed := h.secret(e.Name())
		out = append(out, listedSecret{e.Name(), info.ModTime().UTC(), closed == nil})
	}
	return out, wholefile.WithoutPath(err)
}

// openSafe opens the safe of a folder without its store. Nothing is made.
func openSafe(ctx context.Context, cfg config.Config) (*seal.Safe, error) {
	path := filepath.Join(cfg.Dir, fileKeyFile)
	if !exists(path) {
		return nil, errors.New("there are no keys yet")
	}
	keyring, err := openKeyring(ctx, cfg.Dir, cfg.KMS)
	if err != nil {
		return nil, err
	}
	key, err := seal.LoadOrCreateFileKey(ctx, keyring, path)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	return seal.NewSafe(key), nil
}
