package terminology

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// ExpandRequest asks for the codes of a value set (FHIR R4 ValueSet/$expand).
type ExpandRequest struct {
	ValueSet string         // canonical address, perhaps with |version; or
	Resource *fhir.Resource // the ValueSet itself

	Filter         string // words, each of which stands in the display or the code
	Offset, Count  int    // Count < 0: no limit is asked for
	Nested         bool   // codes stand within others; there are no pages then, but Count 0 counts
	Designations   bool
	DesignationsOf []Use // only these; none: all
	ActiveOnly     bool
	SelectableOnly bool // without abstract codes
	Language       string
	ExcludeSystems []string // code systems: url or url|version
	Versions       Versions
}

// Use is a use or a language of designations, as the token system|code. System ""
// is any. Languages are of the system urn:ietf:bcp:47.
type Use struct{ System, Code string }

// Expansion is an answer.
type Expansion struct {
	ValueSet  *fhir.Resource // nil of an implicit value set
	URL       string
	Timestamp time.Time
	Total     int      // of all pages
	Used      []string // code systems: url|version
	Contains  []Contained
}

// Contained is one code of an expansion.
type Contained struct {
	Member
	Within       int // place in Contains, from 1, of the code it stands in; 0: in none
	Designations []Designation
}

// Designation is a name of a code.
type Designation struct {
	Language string
	Use      fhir.Node // Coding, absent if there is none
	Value    string
}

// Expand lists the codes of a value set. A value set that is not loaded is
// NotFound; one whose codes cannot all be listed, because it draws on something
// that is not loaded, is NotSupported and says on what; more than 10,000 codes
// that are not asked for in pages are TooCostly. None of these is ever an empty
// success.
func (s *Service) Expand(ctx context.Context, req ExpandRequest) (Expansion, error) {
	if !req.Versions.none() {
		s = &Service{cfg: s.cfg, pins: req.Versions, kept: map[canonical]kept{}}
	}
	if req.Nested {
		req.Offset = 0
		if req.Count > 0 {
			req.Count = -1
		}
	}
	v, err := s.listed(ctx, req.ValueSet, req.Resource)
	if err != nil {
		return Expansion{}, err
	}
	out := Expansion{ValueSet: v.res, URL: v.url, Timestamp: s.cfg.Clock.Now(), Used: v.used}
	words := strings.Fields(strings.ToLower(req.Filter))
	for i := range v.list {
		m := &v.list[i]
		if req.ActiveOnly && m.Inactive || req.SelectableOnly && m.Abstract {
			continue
		}
		if out, err := excluded(m, req.ExcludeSystems); out || err != nil {
			if err != nil {
				return Expansion{}, err
			}
			continue
		}
		display := m.in(req.Language)
		if !spoken(words, display, m.Code) {
			continue
		}
		out.Total++
		switch {
		case out.Total <= req.Offset || req.Count >= 0 && len(out.Contains) >= req.Count:
			continue
		case len(out.Contains) >= maxAnswer:
			return Expansion{}, fault.New(fault.TooCostly, "terminology.Expand",
				"The value set has too many codes for one answer. Ask for pages with count and offset, or narrow it with filter.")
		}
		c := Contained{Member: *m}
		c.Display = display
		if req.Designations || len(req.DesignationsOf) > 0 {
			c.Designations = designated(m, req.DesignationsOf)
		}
		out.Contains = append(out.Contains, c)
	}
	if req.Nested {
		err = nest(out.Contains)
	}
	return out, err
}

// designated returns the designations of a code that are of one of the uses.
func designated(m *Member, uses []Use) []Designation {
	var out []Designation
	for d := range m.designations() {
		if len(uses) == 0 || slices.ContainsFunc(uses, d.is) {
			out = append(out, d)
		}
	}
	return out
}

// LanguageSystem is the system of languages as codes (BCP 47).
const LanguageSystem = "urn:ietf:bcp:47"

func (d Designation) is(u Use) bool {
	use := d.Use.Get("code").Text() == u.Code && (u.System == "" || d.Use.Get("system").Text() == u.System)
	return use || (u.System == "" || u.System == LanguageSystem) && speaks(d.Language, u.Code)
}

// excluded reports whether a member is of a code system that is left out.
func excluded(m *Member, systems []string) (bool, error) {
	for _, canonical := range systems {
		url, version := split(canonical)
		switch {
		case m.System != url:
		case version == "" || m.Version == version:
			return true, nil
		case m.Version == "":
			return false, wrong("excluded", "Leaving out one version takes the version of every code, and of some it is not known here.")
		}
	}
	return false, nil
}

// listed returns a value set all of whose members are known.
func (s *Service) listed(ctx context.Context, address string, given *fhir.Resource) (*set, error) {
	v, err := s.named(ctx, address, given)
	if err != nil {
		return nil, err
	}
	if v.codes == nil {
		return nil, v.why
	}
	return v, nil
}

// named returns the value set of a request.
func (s *Service) named(ctx context.Context, address string, given *fhir.Resource) (*set, error) {
	if given != nil {
		var above stack
		if url := given.Root().Get("url").Text(); url != "" {
			above = stack{url}
		}
		return s.compileSet(ctx, given, above)
	}
	v, err := s.set(ctx, address, nil)
	if err == nil && v == nil {
		err = notFound("named", "The value set is not loaded here.")
	}
	return v, err
}

// Members calls add with every code of a value set. Its errors are those of
// Expand.
func (s *Service) Members(ctx context.Context, valueSet string, add func(system, code string)) error {
	v, err := s.listed(ctx, valueSet, nil)
	if err != nil {
		return err
	}
	for i := range v.list {
		add(v.list[i].System, v.list[i].Code)
	}
	return nil
}

// spoken reports whether every word stands in one of the texts.
func spoken(words []string, texts ...string) bool {
	for _, w := range words {
		if !slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), w) }) {
			return false
		}
	}
	return true
}

// in returns the display in a language, if there is one, else the usual one.
func (m *Member) in(language string) string {
	if language != "" {
		for d := range m.designations() {
			if speaks(d.Language, language) {
				return d.Value
			}
		}
	}
	return m.Display
}

// speaks reports whether a text in one language serves who asked for another:
// de serves de-CH, and de-CH serves de.
func speaks(have, want string) bool {
	have, want = strings.ToLower(have), strings.ToLower(want)
	return have != "" && (have == want || strings.HasPrefix(have, want+"-") || strings.HasPrefix(want, have+"-"))
}

func (m *Member) designations() iter.Seq[Designation] { return designationsOf(m.nodes) }

func designationsOf(nodes []fhir.Node) iter.Seq[Designation] {
	return func(yield func(Designation) bool) {
		for _, n := range nodes {
			for d := range n.All("designation") {
				if !yield(Designation{d.Get("language").Text(), d.Get("use"), d.Get("value").Text()}) {
					return
				}
			}
		}
	}
}
