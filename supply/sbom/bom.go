package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The part of CycloneDX 1.6 that is written.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp,omitempty"`
	Component component `json:"component"`
}

type component struct {
	Type       string      `json:"type"`
	Ref        string      `json:"bom-ref"`
	Group      string      `json:"group,omitempty"`
	Name       string      `json:"name"`
	Version    string      `json:"version,omitempty"`
	Hashes     []hash      `json:"hashes,omitempty"`
	Licenses   []license   `json:"licenses,omitempty"`
	PURL       string      `json:"purl,omitempty"`
	Components []component `json:"components,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

func licensed(ids []string) []license {
	var list []license
	for _, id := range ids {
		l := license{}
		l.License.ID = id
		list = append(list, l)
	}
	return list
}

// newBOM makes the same bytes of the same programs. Its serial number is made of them.
func newBOM(version, at string, programs []string, components []component) (*bom, error) {
	slices.SortFunc(components, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	whole := component{
		Type: "application", Name: "wardkeep", Version: version, Licenses: licensed([]string{"Apache-2.0"}),
		PURL: "pkg:golang/" + product + "@" + version,
	}
	whole.Ref = whole.PURL
	all := sha256.New()
	for _, program := range programs {
		text, err := os.ReadFile(program)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		all.Write(sum[:])
		name := filepath.Base(program)
		whole.Components = append(whole.Components, component{
			Type: "file", Ref: "file:" + name, Name: name, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
		})
	}
	rest, err := json.Marshal(components)
	if err != nil {
		return nil, err
	}
	all.Write(rest)
	b := &bom{
		Format: "CycloneDX", Spec: "1.6", Serial: serial(all.Sum(nil)), Version: 1,
		Metadata: metadata{at, whole}, Components: components, Dependencies: []dependency{{Ref: whole.Ref}},
	}
	for _, c := range components {
		b.Dependencies[0].DependsOn = append(b.Dependencies[0].DependsOn, c.Ref)
		b.Dependencies = append(b.Dependencies, dependency{Ref: c.Ref})
	}
	return b, nil
}

// serial is a UUID of version 8 (RFC 9562).
func serial(sum []byte) string {
	u := slices.Clone(sum[:16])
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
