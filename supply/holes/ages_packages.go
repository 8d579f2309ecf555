package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/semver"
	"golang.org/x/sync/errgroup"
)

// oldPackages are of all that package-lock.json pins, what builds pages included, but for
// the parts for one kind of machine each, which are pinned by the package they belong to.
// As with modules, a new major version is another component.
func (l looker) oldPackages() ([]lag, error) {
	if l.web == "" {
		return nil, nil
	}
	locked, err := l.locked()
	if err != nil {
		return nil, err
	}
	var all []*lag
	var group errgroup.Group
	group.SetLimit(4)
	for folder, p := range locked {
		if folder == "" || p.Optional {
			continue
		}
		name := folder[strings.LastIndex(folder, "node_modules/")+len("node_modules/"):]
		one := &lag{component: name + "@" + p.Version}
		all = append(all, one)
		group.Go(func() error { return l.laterPackages(name, p.Version, one) })
	}
	err = group.Wait()
	return lagging(all), err
}

// laterPackages asks for those that are there, and that were not taken back.
func (l looker) laterPackages(name, ours string, one *lag) error {
	out, err := l.npm("view", name, "versions", "time", "--json", "--fetch-retries=0", "--fetch-timeout=20000")
	var told struct {
		Versions []string
		Time     map[string]time.Time
	}
	if err != nil || json.Unmarshal(out, &told) != nil || len(told.Versions) == 0 {
		return fmt.Errorf("%w: npm view %s: the registry does not tell of its versions (%v)", errNoLook, name, err)
	}
	for _, v := range told.Versions {
		if newerThan("v"+v, "v"+ours) && semver.Major("v"+v) == semver.Major("v"+ours) {
			one.note(v, told.Time[v])
		}
	}
	return nil
}
