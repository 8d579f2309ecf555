package main

import "math/rand/v2"

// thin keeps a sample in which every trick meets every route of its own, every role every
// route and relation, and every trick every role and relation, at least once.
func thin(rng *rand.Rand, all []attempt) []attempt {
	return cover(rng, all, func(a *attempt) [][3]string {
		c := a.cell()
		return [][3]string{
			{"trick, route", c.Trick, c.Route}, {"role, route", c.Role, c.Route}, {"role, relation", c.Role, c.Relation}, {"trick, role", c.Trick, c.Role}, {"trick, relation", c.Trick, c.Relation},
			{"route, type", c.Route, a.Type},
		}
	})
}

// thinner is thin without every role on every route: what guards keep is asked for by so
// many that it would be half of the sample.
func thinner(rng *rand.Rand, all []attempt) []attempt {
	return cover(rng, all, func(a *attempt) [][3]string {
		c := a.cell()
		return [][3]string{{"trick, route", c.Trick, c.Route}, {"role, relation", c.Role, c.Relation}}
	})
}

// cover keeps attempts, in any order, until each pair has been met that one of them makes.
func cover(rng *rand.Rand, all []attempt, pairs func(*attempt) [][3]string) (some []attempt) {
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	met := map[[3]string]bool{}
	for i := range all {
		fresh := false
		for _, pair := range pairs(&all[i]) {
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
