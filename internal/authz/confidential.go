package authz

import (
	"fmt"
	"slices"
)

const confidentialFile = "confidential.txt"

// Category is a kind of care that a minor may keep to herself: what bears one of the
// security labels or of the codes belongs to it.
type Category struct{ Labels, Codes []Coding }

// Category returns the category of that name, nil if there is none.
func (p *Policy) Category(name string) *Category { return p.confided[name] }

// Categories returns the names of all, sorted.
func (p *Policy) Categories() []string { return sortedKeys(p.confided) }

// readConfidential reads the categories: "system NAME: URI …", "label CATEGORY: CODE …"
// of v3-ActCode, and "NAME CATEGORY: CODE …" of the systems of that name.
func (p *Policy) readConfidential(read func(string) ([]byte, error)) error {
	p.confided = map[string]*Category{}
	systems := map[string][]string{}
	src, err := read(confidentialFile)
	if err == nil {
		err = eachLine(src, func(head, tail []string) error { return p.confidentialLine(systems, head, tail) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", confidentialFile, err)
	}
	return nil
}

func (p *Policy) confidentialLine(systems map[string][]string, head, tail []string) error {
	if len(head) != 2 {
		return errFields
	}
	kind, name := head[0], head[1]
	if kind == "system" {
		if systems[name] != nil || name == "system" || name == "label" {
			return errFields
		}
		systems[name] = tail
		return nil
	}
	category := p.confided[name]
	if category == nil {
		category = &Category{}
		p.confided[name] = category
	}
	if kind == "label" {
		return category.addLabels(tail)
	}
	for _, system := range systems[kind] {
		for _, code := range tail {
			one := Coding{system, code}
			if system == systemLOINC && !isLOINC(code) || slices.Contains(category.Codes, one) {
				return fmt.Errorf("%w: %s is no code, or is named twice", errFields, code)
			}
			category.Codes = append(category.Codes, one)
		}
	}
	if systems[kind] == nil {
		return fmt.Errorf("%w: there is no such system", errFields)
	}
	return nil
}

func (c *Category) addLabels(codes []string) error {
	for _, code := range codes {
		if _, ok := LabelOf(SystemActCode, code); !ok {
			return fmt.Errorf("%w: there is no such security label", errFields)
		}
		c.Labels = append(c.Labels, Coding{SystemActCode, code})
	}
	return nil
}
