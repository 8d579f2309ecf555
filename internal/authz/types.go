package authz

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
)

// Words of the schema that this package fills in.
const (
	entityRole   = "Role"
	entityGroup  = "Group"
	entityType   = "Type"
	entityAction = "Action"
	entityPerson = "Person"
	entityClient = "Client"
	entitySystem = "System"
)

var errTypes = errors.New("the list of types is not well formed")

// parseTypes reads types.txt: for each type, the family it is in and every
// union of families. groups are the names the schema knows.
func parseTypes(src []byte, groups map[string]bool) (map[string][]string, error) {
	family := map[string]string{}
	unions := map[string][]string{} // family → unions
	scan := bufio.NewScanner(bytes.NewReader(src))
	for number := 1; scan.Scan(); number++ {
		line, _, _ := strings.Cut(scan.Text(), "#")
		head, tail, ok := strings.Cut(line, ":")
		words := strings.Fields(head)
		switch {
		case strings.TrimSpace(line) == "":
			continue
		case !ok || len(words) != 2 || !groups[words[1]] || len(strings.Fields(tail)) == 0:
			return nil, fmt.Errorf("line %d: %w", number, errTypes)
		}
		for _, name := range strings.Fields(tail) {
			switch {
			case words[0] == "family" && family[name] == "":
				family[name] = words[1]
			case words[0] == "union" && groups[name] && !slices.Contains(unions[name], words[1]):
				unions[name] = append(unions[name], words[1])
			default:
				return nil, fmt.Errorf("line %d: %w", number, errTypes)
			}
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("authz.parseTypes: %w", err)
	}
	out := make(map[string][]string, len(family))
	for name, of := range family {
		out[name] = append([]string{of}, unions[of]...)
	}
	return out, nil
}

// typeEntities makes the Cedar entities of the types.
func typeEntities(groups map[string][]string) types.EntityMap {
	out := make(types.EntityMap, len(groups))
	for name, in := range groups {
		parents := make([]types.EntityUID, len(in))
		for i, g := range in {
			parents[i] = types.NewEntityUID(entityGroup, types.String(g))
		}
		uid := types.NewEntityUID(entityType, types.String(name))
		out[uid] = types.Entity{UID: uid, Parents: types.NewEntityUIDSet(parents...)}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
