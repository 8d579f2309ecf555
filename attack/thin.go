package main

import "math/rand/v2"

// thin keeps a sample in which every trick meets every route of its own, every role every
// route and relation, and every trick every role and relation, at least once.
func thin(rng *rand.Rand, all []attempt) (some []attempt) {
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	met := map[[3]string]bool{}
	for i := range all {
		c, fresh := all[i].cell(), false
		for _, pair := range [][3]string{
			{"trick, route", c.Trick, c.Route}, {"role, route", c.Role, c.Route}, {"role, relation", c.Role, c.Relation}, {"trick, role", c.Trick, c.Role}, {"trick, relation", c.Trick, c.Relation},
			{"route, type", c.Route, all[i].Type},
		} {
			if !met[pair] {
				met[pair], fresh = true, true
			}
		}
		if fresh {
			some = append(some, all[i])
		}
	}
	return some
}
