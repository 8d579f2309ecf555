package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

const product = "github.com/wardkeep/wardkeep"

// modules returns what is linked into programs: the standard library and modules.
func modules(infos []*buildinfo.BuildInfo) ([]component, error) {
	var list []component
	dirs, err := sources(infos)
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		if info.Main.Path != product {
			return nil, fmt.Errorf("a program is of %s", info.Main.Path)
		}
		version := strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
		list = append(list, component{
			Type: "library", Name: "std", Version: version, Licenses: licensed([]string{"BSD-3-Clause"}), PURL: "pkg:golang/std@" + version,
		})
		for _, m := range info.Deps {
			m = linked(m)
			c, err := moduleOf(m, dirs[m.Path+"@"+m.Version])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Path, err)
			}
			list = append(list, c)
		}
	}
	for i := range list {
		list[i].Ref = list[i].PURL
	}
	slices.SortFunc(list, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	return slices.CompactFunc(list, func(a, b component) bool { return a.Ref == b.Ref }), nil
}

func linked(m *debug.Module) *debug.Module {
	if m.Replace != nil {
		return m.Replace
	}
	return m
}

func moduleOf(m *debug.Module, dir string) (component, error) {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
	if err != nil || len(sum) != 32 || !strings.HasPrefix(m.Sum, "h1:") {
		return component{}, errors.New("it has no sum: was it replaced by a folder?")
	}
	ids, err := licencesIn(dir)
	if err != nil {
		return component{}, err
	}
	return component{
		Type: "library", Name: m.Path, Version: m.Version, Licenses: licensed(ids), PURL: "pkg:golang/" + m.Path + "@" + m.Version,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum)}}, // of the module's files, as go.sum has it (h1)
	}, nil
}

// sources asks the go command, which holds what it fetches to go.sum, where modules lie.
func sources(infos []*buildinfo.BuildInfo) (map[string]string, error) {
	args := []string{"mod", "download", "-json"}
	for _, info := range infos {
		for _, m := range info.Deps {
			args = append(args, linked(m).Path+"@"+linked(m).Version)
		}
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("the sources of modules cannot be had: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m struct{ Path, Version, Dir string }
		if err := d.Decode(&m); err != nil {
			return nil, err
		}
		dirs[m.Path+"@"+m.Version] = m.Dir
	}
	return dirs, nil
}

// clauses are words of licences, and what SPDX calls those.
var clauses = []struct{ words, id string }{
	{"Apache License Version 2.0", "Apache-2.0"},
	{"Mozilla Public License Version 2.0", "MPL-2.0"},
	{"Permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"},
	{"Permission to use, copy, modify, and/or distribute this software", "ISC"},
	{"Permission to use, copy, modify, and distribute this software", "ISC"},
	{"Redistribution and use in source and binary forms", "BSD-2-Clause"},
}

func licencesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "licen") && !strings.HasPrefix(name, "copying") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = append(found, licencesOf(string(text))...)
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) == 0 {
		return nil, errors.New("its licence is not one that is known here: look at it, and at scripts/licences.sh")
	}
	return found, nil
}

func licencesOf(text string) []string {
	text = strings.ToLower(strings.NewReplacer(",", " ", ";", " ", "*", " ", "#", " ").Replace(text))
	text = strings.Join(strings.Fields(text), " ")
	var found []string
	for _, c := range clauses {
		words := strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(c.words, ",", " "))), " ")
		if !strings.Contains(text, words) {
			continue
		}
		id := c.id
		if id == "BSD-2-Clause" && strings.Contains(text, "neither the name") {
			id = "BSD-3-Clause"
		}
		found = append(found, id)
	}
	return found
}
