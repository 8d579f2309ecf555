package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// mostAsked bounds how many newer versions of one module are asked for.
const mostAsked = 20

// listed is a module as go list tells of it; Versions lacks those that were taken back.
type listed struct {
	Path, Version   string
	Versions        []string
	Time            time.Time
	Update, Replace *listed
	Error           *struct{ Err string }
}

// newer are the releases after ours, the lowest first. To a commit the newest is.
func (m listed) newer() []string {
	if module.IsPseudoVersion(m.Version) {
		if m.Update == nil {
			return nil
		}
		return []string{m.Update.Version}
	}
	var list []string
	for _, v := range m.Versions {
		if newerThan(v, m.Version) && semver.Build(v) == semver.Build(m.Version) { // +incompatible: before there were modules
			list = append(list, v)
		}
	}
	semver.Sort(list)
	return list[:min(len(list), mostAsked)]
}

// oldModules are linked modules. A new major version has another path, and is another
// component.
func (l looker) oldModules() ([]lag, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	paths, err := l.goList(ctx, "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./...")
	linked := slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(paths)))))
	if err != nil || len(linked) == 0 {
		return nil, err
	}
	ours, err := l.versions(ctx, linked)
	if err != nil {
		return nil, err
	}
	lags, asked := map[string]*lag{}, []string{}
	for _, m := range ours {
		if m.Replace != nil {
			m = *m.Replace
		}
		lags[m.Path] = &lag{component: m.Path + "@" + m.Version}
		for _, version := range m.newer() {
			asked = append(asked, m.Path+"@"+version)
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	there, err := l.listed(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, m := range there {
		switch {
		case m.Error == nil:
			lags[m.Path].note(m.Version, m.Time)
		case !unserved(m.Error.Err):
			err = fmt.Errorf("%w: %s", errNoLook, m.Error.Err)
		}
	}
	var all []*lag
	for _, one := range lags {
		all = append(all, one)
	}
	return lagging(all), err
}

// versions are modules with theirs. What versions were taken back the newest one says; of
// a module whose newest one is not served all count.
func (l looker) versions(ctx context.Context, paths []string) ([]listed, error) {
	list, err := l.listed(ctx, append([]string{"-u", "-versions"}, paths...))
	if err != nil {
		return nil, err
	}
	for i, m := range list {
		if m.Error != nil && unserved(m.Error.Err) {
			again, err := l.listed(ctx, []string{"-versions", "-retracted", m.Path})
			if err != nil {
				return nil, err
			}
			m = again[0]
			list[i] = m
		}
		if m.Error != nil && !unserved(m.Error.Err) {
			return nil, fmt.Errorf("%w: %s", errNoLook, m.Error.Err)
		}
	}
	return list, nil
}

// unserved reports whether the proxy was asked and does not give that version: what
// nobody can have is not out. Without the list nothing is known of versions.
func unserved(said string) bool {
	if strings.Contains(said, "/@v/list: ") {
		return false
	}
	return strings.Contains(said, ": 403 Forbidden") || strings.Contains(said, ": 404 Not Found") || strings.Contains(said, ": 410 Gone")
}

func (l looker) listed(ctx context.Context, args []string) ([]listed, error) {
	out, err := l.goList(ctx, append([]string{"-m", "-e", "-json"}, args...)...)
	if err != nil {
		return nil, err
	}
	var list []listed
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m listed
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("%w: go list: %w", errNoLook, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// goList asks the proxy alone: what it does not serve is not looked for at its origin.
func (l looker) goList(ctx context.Context, args ...string) ([]byte, error) {
	proxy, err := l.golang(ctx, nil, "env", "GOPROXY")
	if err != nil {
		return nil, err
	}
	return l.golang(ctx, []string{"GOPROXY=" + strings.TrimSuffix(strings.TrimSpace(string(proxy)), ",direct")}, append([]string{"list"}, args...)...)
}

func (l looker) golang(ctx context.Context, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = l.dir, append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: go %s: %w: %s", errNoLook, args[0], err, strings.TrimSpace(said.String()))
	}
	return out, nil
}
