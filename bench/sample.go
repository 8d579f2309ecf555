package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// source is what the benchmark knows of a resource from the files it comes from.
type source struct {
	Type       string `json:"resourceType"`
	ID         string `json:"id"`
	Status     string `json:"status"`
	Identifier []struct {
		System, Value string
	} `json:"identifier"`
	Code             concept  `json:"code"`
	VaccineCode      concept  `json:"vaccineCode"`
	Category         any      `json:"category"`
	Subject, Patient literal  //
	Encounter        literal  `json:"encounter"`
	Effective        string   `json:"effectiveDateTime"`
	Occurrence       string   `json:"occurrenceDateTime"`
	Onset            string   `json:"onsetDateTime"`
	Authored         string   `json:"authoredOn"`
	Created          string   `json:"created"`
	Period           interval `json:"period"`
	Performed        interval `json:"performedPeriod"`
	Value            struct {
		Value json.Number
		Code  string
	} `json:"valueQuantity"`

	Gender    string `json:"gender"`
	BirthDate string `json:"birthDate"`
	Name      []struct {
		Family string
		Given  []string
	} `json:"name"`
	Address []struct{ City, PostalCode string } `json:"address"`
}

type concept struct {
	Coding []struct{ System, Code string }
	Text   string
}

type literal struct{ Reference string }

type interval struct{ Start, End string }

// token is the first coding as it is searched for: system|code.
func (c concept) token() string {
	if len(c.Coding) == 0 {
		return ""
	}
	return c.Coding[0].System + "|" + c.Coding[0].Code
}

// day is when a resource says that it happened, "" if it does not.
func (s *source) day() string {
	for _, text := range []string{s.Effective, s.Occurrence, s.Onset, s.Authored, s.Period.Start, s.Performed.Start, s.Created} {
		if len(text) >= 10 {
			return text[:10]
		}
	}
	return ""
}

// person is a patient of the original data with all that is known of him.
type person struct {
	*source
	key  string // his id on the server
	have map[string][]*source
}

// catalogue is what searches take their values from.
type catalogue struct {
	people []*person
	counts map[string]int // "Type", and "Type|system|code" for coded ones
	codes  map[string][]string
	// partial: the server has more than these people, so that nothing is known of
	// answers about all.
	partial bool
}

const syntheaSystem = "https://github.com/synthetichealth/synthea"

func readCatalogue(c *corpus) (*catalogue, error) {
	cat := &catalogue{counts: map[string]int{}, codes: map[string][]string{}}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for _, path := range c.patients {
		group.Go(func() error {
			text, err := readBundle(path)
			if err != nil {
				return err
			}
			var bundle struct {
				Entry []struct{ Resource json.RawMessage }
			}
			if err := json.Unmarshal(text, &bundle); err != nil {
				return fmt.Errorf("the data cannot be read: %w", err)
			}
			p := &person{have: map[string][]*source{}}
			for _, e := range bundle.Entry {
				s := &source{}
				// A field of another form than these types have it in stays empty.
				_ = json.Unmarshal(e.Resource, s)
				p.have[s.Type] = append(p.have[s.Type], s)
			}
			mu.Lock()
			defer mu.Unlock()
			cat.take(p)
			return nil
		})
	}
	err := group.Wait()
	slices.SortFunc(cat.people, func(a, b *person) int { return strings.Compare(a.ID, b.ID) })
	for _, list := range cat.codes {
		slices.Sort(list)
	}
	return cat, err
}

func (cat *catalogue) take(p *person) {
	for typ, list := range p.have {
		cat.counts[typ] += len(list)
		for _, s := range list {
			token := s.Code.token()
			if typ == "Immunization" {
				token = s.VaccineCode.token()
			}
			if token == "" {
				continue
			}
			if cat.counts[typ+"|"+token]++; cat.counts[typ+"|"+token] == 1 {
				cat.codes[typ] = append(cat.codes[typ], token)
			}
		}
	}
	if list := p.have["Patient"]; len(list) == 1 {
		p.source = list[0]
		cat.people = append(cat.people, p)
	}
}

// rare returns a code of a type that so few bear that all pages can be opened.
func (cat *catalogue) rare(rng *rand.Rand, typ string, most int) string {
	for range 100 {
		token := cat.codes[typ][rng.IntN(len(cat.codes[typ]))]
		if cat.counts[typ+"|"+token] <= most {
			return token
		}
	}
	return ""
}

// resolve looks up the ids that the server gave to the people.
func (cat *catalogue) resolve(c *conn) error {
	for _, p := range cat.people {
		id, err := c.idOf("Patient?identifier=" + query(syntheaSystem+"|"+p.ID))
		if err != nil {
			return err
		}
		p.key = id
	}
	return nil
}

// idOf returns the id of the one record that a search finds.
func (c *conn) idOf(search string) (string, error) {
	a, err := c.do("GET", search, nil)
	if err != nil {
		return "", err
	}
	var found struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal(a.body, &found); err != nil || a.status != 200 || len(found.Entry) != 1 {
		return "", fmt.Errorf("a search for one record is answered with status %d and %d records", a.status, len(found.Entry))
	}
	return found.Entry[0].Resource.ID, nil
}
