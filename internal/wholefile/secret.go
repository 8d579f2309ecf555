package wholefile

import (
	"errors"
	"io"
	"os"
)

// What keeps a file from being a secret's.
var (
	ErrOthers = errors.New("the file is open to others than its owner; set its mode to 0600")
	ErrKind   = errors.New("it is no plain file, or larger than any that is written")
)

// ReadSecret reads a file that only its owner may read. It looks at the permissions of
// the file it has opened, so that nobody can change the file in between.
func ReadSecret(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, WithoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, WithoutPath(err)
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, ErrKind
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ErrOthers
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	return text, WithoutPath(err)
}
