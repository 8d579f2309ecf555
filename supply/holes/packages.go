package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// report is npm audit's (version 2).
type report struct {
	Version         int `json:"auditReportVersion"`
	Vulnerabilities map[string]struct {
		Via   []json.RawMessage // names of others that have a hole, or advisories
		Nodes []string
	}
}

type advisory struct {
	Name, Title, URL, Severity, Range string
}

// packages asks npm about all that package-lock.json pins, what builds pages included.
func (l looker) packages() ([]hole, error) {
	if l.web == "" {
		return nil, nil
	}
	text, err := l.askNPM()
	if err != nil {
		return nil, err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil || r.Version != 2 {
		return nil, fmt.Errorf("%w: npm audit gave no report", errNoLook)
	}
	installed, err := l.locked()
	if err != nil {
		return nil, err
	}
	var list []hole
	for name, v := range r.Vulnerabilities {
		for _, via := range v.Via {
			var a advisory
			if json.Unmarshal(via, &a) != nil || a.Name != name {
				continue // the name of another, which is told itself
			}
			for _, node := range v.Nodes {
				list = append(list, hole{
					component: name + "@" + installed[node].Version, id: filepath.Base(a.URL), title: a.Title,
					limit: allowed(a.Severity), since: l.fixed(name, installed[node].Version, a.Range),
				})
			}
		}
	}
	slices.SortFunc(list, func(a, b hole) int {
		return cmp.Or(strings.Compare(a.component, b.component), strings.Compare(a.id, b.id))
	})
	return list, nil
}

// askNPM returns a report of now, or the one that was laid beside if the registry gives
// none. npm exits with 1 if it found something, too.
func (l looker) askNPM() ([]byte, error) {
	out, err := l.npm("audit", "--json", "--package-lock-only")
	var r report
	if json.Unmarshal(out, &r) == nil && r.Version == 2 {
		return out, nil
	}
	if l.audit == "" {
		return nil, fmt.Errorf("%w: npm audit: the registry gives no advisories (%v)", errNoLook, err)
	}
	info, statErr := os.Stat(l.audit)
	text, err := os.ReadFile(l.audit)
	if statErr != nil || err != nil {
		return nil, fmt.Errorf("%w: the registry gives no advisories, and %s cannot be read", errNoLook, l.audit)
	}
	if day := info.ModTime().UTC(); l.now.Sub(day) > stale {
		return nil, fmt.Errorf("%w: the registry gives no advisories, and the report is of %s: lay a newer one beside", errNoLook, day.Format(time.DateOnly))
	}
	fmt.Fprintf(l.out, "npm packages: the registry gives no advisories; by the report of %s\n", info.ModTime().UTC().Format(time.DateOnly))
	return text, nil
}

func (l looker) npm(args ...string) ([]byte, error) {
	if l.registry != "" {
		args = append(args, "--registry", l.registry)
	}
	cmd := exec.Command("npm", args...)
	cmd.Dir = l.web
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.Bytes(), err
}

type locked struct {
	Version  string
	Optional bool
}

// locked is what package-lock.json pins, by folder.
func (l looker) locked() (map[string]locked, error) {
	text, err := os.ReadFile(filepath.Join(l.web, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct{ Packages map[string]locked }
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	return lock.Packages, nil
}

// fixed is when the first version after ours was published that does not have the hole.
func (l looker) fixed(name, ours, bad string) (day time.Time) {
	out, err := l.npm("view", name, "time", "--json")
	var times map[string]string
	if err != nil || json.Unmarshal(out, &times) != nil {
		return day
	}
	for version, at := range times {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil || !semver.IsValid("v"+version) || semver.Prerelease("v"+version) != "" || semver.Compare("v"+version, "v"+ours) <= 0 || within(version, bad) {
			continue
		}
		if day.IsZero() || t.Before(day) {
			day = t
		}
	}
	return day
}

// within reports whether a version is in a range as advisories have them: comparisons that
// must all hold, and alternatives. What is not understood counts as within.
func within(version, bad string) bool {
	for one := range strings.SplitSeq(bad, "||") {
		all := true
		for _, c := range comparisons(one) {
			all = all && holds(version, c)
		}
		if all {
			return true
		}
	}
	return false
}

// comparisons joins an operator with the version after it: ">= 1.0.0" is one.
func comparisons(text string) (list []string) {
	for _, f := range strings.Fields(text) {
		if n := len(list); n > 0 && strings.Trim(list[n-1], "<>=") == "" {
			list[n-1] += f
			continue
		}
		list = append(list, f)
	}
	return list
}

func holds(version, comparison string) bool {
	than := strings.TrimLeft(comparison, "<>=")
	if !semver.IsValid("v" + than) {
		return true
	}
	order := semver.Compare("v"+version, "v"+than)
	switch strings.TrimSuffix(comparison, than) {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order == 0
}
