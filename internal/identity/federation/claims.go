package federation

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// claims are those of a verified token.
type claims map[string]any

func readClaims(raw json.RawMessage) (claims, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	c := claims{}
	return c, d.Decode(&c)
}

// at returns the value of a claim, or of a path into objects. Names of claims may
// hold dots themselves, as addresses do, so the longest name counts.
func (c claims) at(path string) any {
	if v, ok := c[path]; ok {
		return v
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' {
			continue
		}
		if inner, ok := c[path[:i]].(map[string]any); ok {
			return claims(inner).at(path[i+1:])
		}
	}
	return nil
}

// texts returns the texts of a claim, which has one or a list of them. Anything
// else is none.
func (c claims) texts(path string) []string {
	switch v := c.at(path).(type) {
	case string:
		return []string{v}
	case bool:
		return []string{map[bool]string{true: "true", false: "false"}[v]}
	case []any:
		var list []string
		for _, one := range v {
			if text, ok := one.(string); ok {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// text returns a claim that is one text, "" for any other.
func (c claims) text(path string) string {
	text, _ := c.at(path).(string)
	return text
}

// roles maps the provider's roles; what is not mapped gives none.
func (p *provider) roles(c claims) []string {
	var list []string
	for _, there := range c.texts(p.Roles.Claim) {
		if here, ok := p.Roles.Map[there]; ok {
			list = append(list, here)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// secondFactor reports whether the token proves one.
func (p *provider) secondFactor(c claims) bool {
	if p.MFA.Assumed {
		return true
	}
	return slices.ContainsFunc(c.texts(p.MFA.Claim), func(v string) bool { return slices.Contains(p.MFA.Values, v) })
}

// belongs reports whether the claims that must have a value have it.
func (p *provider) belongs(c claims) bool {
	for claim, want := range p.Require {
		if got := c.texts(claim); len(got) != 1 || got[0] != want {
			return false
		}
	}
	return true
}

// names returns given and family name as the provider has them.
func (c claims) names() (given, family string) {
	given, family = c.text("given_name"), c.text("family_name")
	if family == "" {
		given, family = "", c.text("name")
	}
	return strings.TrimSpace(given), strings.TrimSpace(family)
}
