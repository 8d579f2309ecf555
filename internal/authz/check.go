package authz

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"
)

// checkWords refuses a rule that names a role, group, type or action nobody
// knows, or one particular asker. The engine's own validator lets unknown
// members of an enumeration pass.
func (p *Policy) checkWords(one *cedar.Policy, groups map[string]bool) error {
	src, err := one.MarshalJSON()
	if err != nil {
		return fmt.Errorf("authz.checkWords: %w", err)
	}
	var tree any
	if err := json.Unmarshal(src, &tree); err != nil {
		return fmt.Errorf("authz.checkWords: %w", err)
	}
	return walk(tree, func(typ, id string) error {
		known := false
		switch typ {
		case entityRole:
			known = p.roles[id]
		case entityGroup:
			known = groups[id]
		case entityType:
			known = p.types[id] != nil
			p.named[id] = true
		case entityAction:
			known = p.words[id]
		case entityPerson, entityClient, entitySystem:
			return errors.New("a rule is about roles, never about one person or program")
		}
		if !known {
			return fmt.Errorf("there is no %s with that name", typ)
		}
		return nil
	})
}

// kindred maps each type to the first of those that no rule can tell from it:
// they are in the same groups, and no rule names one of them.
func (p *Policy) kindred() map[string]string {
	first := map[string]string{}
	out := make(map[string]string, len(p.types))
	for _, typ := range p.Types() {
		groups := strings.Join(p.types[typ], " ")
		if first[groups] == "" && !p.named[typ] {
			first[groups] = typ
		}
		out[typ] = first[groups]
		if p.named[typ] {
			out[typ] = typ
		}
	}
	return out
}

// walk calls visit for every entity in a rule's JSON form.
func walk(tree any, visit func(typ, id string) error) error {
	switch node := tree.(type) {
	case []any:
		for _, child := range node {
			if err := walk(child, visit); err != nil {
				return err
			}
		}
	case map[string]any:
		typ, isType := node["type"].(string)
		id, isID := node["id"].(string)
		if isType && isID {
			return visit(typ, id)
		}
		for _, child := range node {
			if err := walk(child, visit); err != nil {
				return err
			}
		}
	}
	return nil
}
