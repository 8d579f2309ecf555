package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

const govulncheck = "golang.org/x/vuln/cmd/govulncheck@v1.8.0"

// message is one of govulncheck's (protocol v1).
type message struct {
	OSV *struct {
		ID, Summary string
		Published   time.Time
	}
	Finding *struct {
		OSV   string `json:"osv"`
		Fixed string `json:"fixed_version"`
		Trace []struct{ Module, Version, Package, Function string }
	}
}

// modules asks govulncheck. What can be reached is closed at once: there is no waiting
// for a day on which somebody else may find it, too.
func (l looker) modules() ([]hole, error) {
	args := []string{"run", govulncheck, "-json"}
	if l.db != "" {
		args = append(args, "-db", l.db)
	}
	cmd := exec.Command("go", append(args, "./...")...)
	cmd.Dir = l.dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: govulncheck: %s", errNoLook, strings.TrimSpace(said.String()))
	}
	return readFindings(bytes.NewReader(out), l.published)
}

// published is when a version of a module was.
func (l looker) published(module, version string) time.Time {
	cmd := exec.Command("go", "list", "-m", "-json", module+"@"+version)
	cmd.Dir = l.dir
	out, err := cmd.Output()
	var m struct{ Time time.Time }
	if err != nil || json.Unmarshal(out, &m) != nil {
		return time.Time{}
	}
	return m.Time
}

// readFindings reads the answer; each hole is told once, by the nearest that it comes.
func readFindings(r io.Reader, published func(module, version string) time.Time) ([]hole, error) {
	known, holes := map[string]message{}, map[string]hole{}
	for d := json.NewDecoder(r); ; {
		var m message
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("govulncheck's answer cannot be read: %w", err)
		}
		if m.OSV != nil {
			known[m.OSV.ID] = m
		}
		if m.Finding == nil || len(m.Finding.Trace) == 0 {
			continue
		}
		at := m.Finding.Trace[0]
		h := hole{component: at.Module + "@" + at.Version, id: m.Finding.OSV, unused: at.Package == ""}
		if osv := known[h.id].OSV; osv != nil {
			h.title, h.since = osv.Summary, osv.Published
		}
		if at.Function == "" {
			h.limit = other
		}
		if m.Finding.Fixed != "" {
			if day := published(at.Module, m.Finding.Fixed); !day.IsZero() {
				h.since = day
			}
		}
		key := h.component + h.id
		if was, ok := holes[key]; !ok || nearness(h) > nearness(was) {
			holes[key] = h
		}
	}
	var list []hole
	for _, h := range holes {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b hole) int {
		return cmp.Or(strings.Compare(a.component, b.component), strings.Compare(a.id, b.id))
	})
	return list, nil
}

func nearness(h hole) int {
	switch {
	case h.unused:
		return 0
	case h.limit > 0:
		return 1
	}
	return 2
}
