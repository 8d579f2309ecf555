package policies

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// schemaFile holds the words that rules are made of. The program knows them, too,
// so that they are not an organisation's to change.
const schemaFile = "wardkeep.cedarschema"

// Over returns Files with those of a folder laid over them: one of the same name
// stands in its place, another is added. It refuses what it would not read, so that
// a rule in a misspelt file is not silently off, and what everybody may write.
func Over(dir string) (fs.FS, error) {
	if err := closed(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be listed: %w", dir, err)
	}
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		file := filepath.Join(dir, e.Name())
		if err := closed(file); err != nil {
			return nil, err
		}
		_, shipped := fs.Stat(Files, e.Name())
		switch info, err := os.Stat(file); {
		case err != nil || !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s is no file that can be read", file)
		case e.Name() == schemaFile:
			return nil, fmt.Errorf("%s: the words that rules are made of belong to the program; write rules with those that there are", file)
		case shipped != nil && path.Ext(e.Name()) != ".cedar":
			return nil, fmt.Errorf("%s is neither rules (.cedar) nor one of the tables; take it out, it would not be read", file)
		}
	}
	return layered{os.DirFS(dir)}, nil
}

// closed refuses what everybody on the machine may write.
func closed(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("%s cannot be looked at: %w", name, errors.Unwrap(err))
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("everybody on this machine may write to %s, and so decide who sees which records; close it: chmod o-w %s", name, name)
	}
	return nil
}

// hidden names are those of tools, not of rules.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// layered are a folder's files over those of the program.
type layered struct{ own fs.FS }

func (l layered) Open(name string) (fs.File, error) {
	if hidden(path.Base(name)) {
		return Files.Open(name)
	}
	f, err := l.own.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Files.Open(name)
	}
	return f, err
}

func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	own, err := fs.ReadDir(l.own, name)
	if err != nil {
		return nil, err
	}
	shipped, err := Files.ReadDir(name)
	own = slices.DeleteFunc(own, func(e fs.DirEntry) bool { return hidden(e.Name()) })
	for _, e := range shipped {
		if !slices.ContainsFunc(own, func(o fs.DirEntry) bool { return o.Name() == e.Name() }) {
			own = append(own, e)
		}
	}
	return own, err
}
