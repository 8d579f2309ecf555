package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// inCredentials begins the name of a file in the folder that systemd, or what stands for
// it, opens to this service alone (LoadCredential=, from a TPM by LoadCredentialEncrypted=).
const inCredentials = "credential:"

// secretFile reads a secret that a setting names the file of: a path, or credential:NAME.
// A file that everybody on this machine may read, or change, holds no secret.
func secretFile(setting, name string) (string, error) {
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
