package config

import "fmt"

// Minors says until when parents act for a patient, and what is hidden from who acts
// for a minor. State law says both.
type Minors struct {
	// AdultAge is when a patient comes of age: from 18 in most states, 19 in some, and
	// 21 at most.
	AdultAge int `koanf:"adult_age"`
	// Confidential are the categories of policies/confidential.txt that a minor keeps
	// to herself, each from an age on. A list in a file replaces the whole list.
	Confidential []Confidential `koanf:"confidential"`
}

// Confidential is one category.
type Confidential struct {
	Category string `koanf:"category"`
	FromAge  int    `koanf:"from_age"`
}

// commonMinors is what holds in most states: to these kinds of care minors consent
// alone from twelve to fourteen years on.
func commonMinors() Minors {
	m := Minors{AdultAge: 18, Confidential: []Confidential{{"violence", 0}}}
	for _, category := range []string{"reproductive", "infection", "hiv", "substances", "mental"} {
		m.Confidential = append(m.Confidential, Confidential{category, 12})
	}
	return m
}

func (m Minors) check() error {
	if m.AdultAge < 18 || m.AdultAge > 21 {
		return fmt.Errorf("minors.adult_age must be 18 to 21")
	}
	seen := map[string]bool{}
	for i, one := range m.Confidential {
		if one.Category == "" || seen[one.Category] || one.FromAge < 0 || one.FromAge >= m.AdultAge {
			return fmt.Errorf("minors.confidential[%d] must have a category that no other has, and a from_age of 0 to %d", i, m.AdultAge-1)
		}
		seen[one.Category] = true
	}
	return nil
}
