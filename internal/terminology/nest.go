package terminology

// maxNest bounds how deep codes stand within each other in an answer, and how far
// up a hierarchy is looked for the code that one stands in.
const maxNest = 100

// nest sets Within of each code: the nearest code above it in its code system, or
// in a stored expansion, that is in the list too. A code with several such parents
// stands in the first one only, so that every code is there once.
func nest(list []Contained) error {
	places := make(map[key]int, len(list))
	for i, c := range list {
		places[key{c.System, c.Code}] = i + 1
	}
	work := 0
	for i := range list {
		above, steps := list[i].above(places)
		if work += steps; work > maxWork {
			return tooCostly()
		}
		if above != i+1 && standsIn(list, i, above) {
			list[i].Within = above
		}
	}
	return nil
}

// above returns the place of the nearest code above a member, 0 if there is none,
// and how many codes it looked at.
func (m *Member) above(places map[key]int) (place, steps int) {
	for _, k := range m.within {
		if p := places[k]; p > 0 {
			return p, 1
		}
	}
	if m.of == nil || m.of.grammar != nil {
		return 0, 1
	}
	seen := map[int32]bool{m.at: true}
	level := []int32{m.at}
	for range maxNest {
		var next []int32
		for _, at := range level {
			for _, parent := range m.of.concepts[at].parents {
				if p := places[key{m.System, m.of.concepts[parent].code}]; p > 0 {
					return p, len(seen)
				}
				if !seen[parent] {
					seen[parent] = true
					next = append(next, parent)
				}
			}
		}
		level = next
	}
	return 0, len(seen)
}

// standsIn reports whether the code at i can stand in the one at a place: hierarchies
// by property may run in circles.
func standsIn(list []Contained, i, place int) bool {
	for range maxNest {
		if place == 0 {
			return true
		}
		if place == i+1 {
			return false
		}
		place = list[place-1].Within
	}
	return false
}
