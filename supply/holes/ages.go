package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// behind is how long something newer may be out before ours is too old: the three months
// of SECURITY.md.
const behind = 92 * 24 * time.Hour

// patience bounds how long registries are waited for.
const patience = 2 * time.Minute

// lag is a component of ours to which there is something newer.
type lag struct {
	component, newer string    // newer is what came out first
	since            time.Time // when it did
}

func (l lag) late(now time.Time) bool { return now.Sub(l.since) > behind }

func (l lag) String() string {
	return fmt.Sprintf("%s: %s is out since %s, to be taken by %s", l.component, l.newer,
		l.since.Format(time.DateOnly), l.since.Add(behind).Format(time.DateOnly))
}

// note keeps the version that came out first.
func (l *lag) note(version string, day time.Time) {
	if !day.IsZero() && (l.since.IsZero() || day.Before(l.since)) {
		l.newer, l.since = version, day
	}
}

// age returns the exit code: 1 if there is something newer for too long.
func (l looker) age(must bool) int {
	return max(
		tell(l, must, "Go modules", "what is newer than them", "that something newer is there for", l.oldModules),
		tell(l, must, "npm packages", "what is newer than them", "that something newer is there for", l.oldPackages))
}

// newerThan reports whether a version is a release after ours.
func newerThan(version, ours string) bool {
	return semver.IsValid(version) && semver.Prerelease(version) == "" && semver.Compare(version, ours) > 0
}

func lagging(all []*lag) (list []lag) {
	for _, l := range all {
		if !l.since.IsZero() {
			list = append(list, *l)
		}
	}
	slices.SortFunc(list, func(a, b lag) int { return cmp.Compare(a.component, b.component) })
	return list
}

// finding is a hole or a lag.
type finding interface {
	late(now time.Time) bool
	String() string
}

// tell writes what was found, and returns the exit code.
func tell[T finding](l looker, must bool, name, unknown, found string, find func() ([]T, error)) int {
	list, err := find()
	code := 0
	switch {
	case errors.Is(err, errNoLook) && !must:
		fmt.Fprintf(l.out, "COULD NOT LOOK at %s: nothing is known of %s; %s\n", name, unknown, strings.TrimPrefix(err.Error(), errNoLook.Error()+": "))
	case err != nil:
		fmt.Fprintf(l.out, "%s: %v\n", name, err)
		code = 1
	default:
		fmt.Fprintf(l.out, "%s: %d %s\n", name, len(list), found)
	}
	for _, f := range list {
		word := "known  "
		if f.late(l.now) {
			word, code = "TOO OLD", 1
		}
		fmt.Fprintf(l.out, "  %s  %s\n", word, f)
	}
	return code
}
