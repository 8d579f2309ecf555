package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// registry is the one place that packages come from.
const registry = "https://registry.npmjs.org/"

type locked struct {
	Version   string
	Resolved  string
	Integrity string
	License   string
}

// npmPackages returns the packages whose code is in the pages.
func npmPackages(web, bundled string) ([]component, error) {
	text, err := os.ReadFile(bundled)
	if err != nil {
		return nil, errors.New("the list of bundled packages is not there: make assets")
	}
	var folders []string
	if err := json.Unmarshal(text, &folders); err != nil || len(folders) == 0 {
		return nil, errors.New("the list of bundled packages cannot be read, or is empty")
	}
	if text, err = os.ReadFile(filepath.Join(web, "package-lock.json")); err != nil {
		return nil, err
	}
	var lock struct{ Packages map[string]locked }
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	var list []component
	for _, folder := range folders {
		p, ok := lock.Packages[folder]
		if !ok {
			return nil, fmt.Errorf("%s is bundled, and not in package-lock.json", folder)
		}
		c, err := p.component(folder[strings.LastIndex(folder, "node_modules/")+len("node_modules/"):])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		list = append(list, c)
	}
	return list, nil
}

func (p locked) component(name string) (component, error) {
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-"))
	switch {
	case err != nil || len(sum) != 64:
		return component{}, errors.New("it has no sha512 in package-lock.json")
	case p.Resolved != "" && !strings.HasPrefix(p.Resolved, registry):
		return component{}, errors.New("it comes from elsewhere than " + registry)
	case p.License == "":
		return component{}, errors.New("it states no licence")
	}
	c := component{
		Type: "library", Name: name, Version: p.Version, Licenses: licensed([]string{p.License}),
		Hashes: []hash{{"SHA-512", hex.EncodeToString(sum)}}, PURL: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version,
	}
	if scope, rest, ok := strings.Cut(name, "/"); ok {
		c.Group, c.Name = scope, rest
	}
	c.Ref = c.PURL
	return c, nil
}
