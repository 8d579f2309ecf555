package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// inCredentials begins the name of a file in the folder that systemd, or what stands for
// it, opens to this service alone (LoadCredential=, from a TPM by LoadCredentialEncrypted=).
const inCredentials = "credential:"

// inSafe begins the name of a secret that wardkeep secrets has sealed in the data folder.
const inSafe = "sealed:"

// Sealed opens a secret of the data folder by its name.
type Sealed func(name string) (string, error)

// SealedName is the name of a sealed secret that a setting names.
func SealedName(setting string) (name string, ok bool) { return strings.CutPrefix(setting, inSafe) }

// guarded reports whether a secret that a setting names is kept by a vault: ours, or the
// one that opens credentials to this service alone.
func guarded(setting string) bool {
	return strings.HasPrefix(setting, inSafe) || strings.HasPrefix(setting, inCredentials)
}

// BareSecrets are the settings whose secrets no vault keeps.
func (c Config) BareSecrets() (settings []string) {
	note := func(setting, value string) {
		if value != "" && !guarded(value) && !slices.Contains(settings, setting) {
			settings = append(settings, setting)
		}
	}
	note("tls_key", c.TLSKey)
	note("acme_eab_key_file", c.ACME.KeyFile)
	note("log_out_key", c.LogOut.Key)
	for _, p := range c.Federation {
		note("client_secret_file", p.ClientSecretFile)
		note("client_secret_env", p.ClientSecretEnv)
	}
	return settings
}

func (c Config) checkSecrets() error {
	bare := c.BareSecrets()
	if len(bare) == 0 || c.SecretsInFiles {
		return nil
	}
	return fmt.Errorf("other machines are to be served, and no vault keeps the secrets of %s: seal them by wardkeep secrets set NAME, and write sealed:NAME there (client_secret_file in the place of client_secret_env), or credential:NAME; "+
		"or set secrets_in_files: true if they are to lie in files or the environment", strings.Join(bare, ", "))
}

// secretFile reads a secret that a setting names the file of: a path, credential:NAME, or
// sealed:NAME. A file that everybody on this machine may read, or change, holds no secret.
func secretFile(setting, name string, sealed Sealed) (string, error) {
	if rest, ok := SealedName(name); ok {
		if sealed == nil {
			return "", fmt.Errorf("%s names a sealed secret, and the data folder is not open", setting)
		}
		text, err := sealed(rest)
		if err != nil {
			return "", fmt.Errorf("%s: %w", setting, err)
		}
		return text, nil
	}
	path := name
	if rest, ok := strings.CutPrefix(name, inCredentials); ok {
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", fmt.Errorf("%s names a credential, and there are none: give it to the service by LoadCredential=, or name a file", setting)
		}
		if rest == "" || rest != filepath.Base(rest) || !filepath.IsLocal(rest) {
			return "", fmt.Errorf("%s must be credential: and the name of one, without folders", setting)
		}
		path = filepath.Join(dir, rest)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", setting, wholefile.WithoutPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file", setting)
	}
	if info.Mode().Perm()&0o007 != 0 || info.Mode().Perm()&0o020 != 0 {
		return "", fmt.Errorf("%s is open to everybody on this machine, or may be changed by its group: chmod 600, or 640, what it names", setting)
	}
	text, err := io.ReadAll(io.LimitReader(f, mostSecret+1))
	secret := strings.TrimRight(string(text), "\r\n")
	if err != nil || secret == "" || len(text) > mostSecret {
		return "", errors.New(setting + " is empty, or too long for a secret")
	}
	return secret, nil
}

const mostSecret = 16 << 10
