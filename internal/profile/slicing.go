package profile

import "github.com/wardkeep/wardkeep/internal/fhir"

// sliced allots the items of a list to its slices by the discriminators, and
// checks each slice (FHIR R4 5.1.0.12).
func (w *walk) sliced(n fhir.Node, e *element, found []fhir.Node, p *Profile) {
	members := make([][]fhir.Node, len(e.slices))
	undecided := make([]bool, len(e.slices))
	last, unmatched := -1, false
	for _, item := range found {
		slot := w.slot(item, e, p, undecided)
		if slot < 0 {
			unmatched = true
			w.outside(item, e, p)
			continue
		}
		members[slot] = append(members[slot], item)
		if e.slicing != nil && e.slicing.atEnd && unmatched {
			w.report(issueError, "structure", item, p.URL, "What is in no slice must come after all that is.")
		}
		if e.slicing != nil && e.slicing.ordered && slot < last {
			w.report(issueError, "structure", item, p.URL, "The slices must come in the order of the profile.")
		}
		last = max(last, slot)
	}
	for i, s := range e.slices {
		if undecided[i] {
			if len(found) > 0 {
				w.note("slice "+p.URL+" "+s.path+":"+s.slice, n, p.URL, "incomplete",
					"Which items belong to the slice "+s.slice+" cannot be told with what is loaded; the slice was not checked.")
			}
			continue
		}
		w.count(n, s, len(members[i]), p)
		for _, item := range members[i] {
			w.element(item, s, p)
		}
		if len(s.slices) > 0 {
			if s.slicing == nil { // reslicing goes by what slices the whole, unless it says otherwise
				again := *s
				again.slicing = e.slicing
				w.sliced(n, &again, members[i], p)
			} else {
				w.sliced(n, s, members[i], p)
			}
		}
	}
}

// slot returns the slice an item belongs to, -1 if to none.
func (w *walk) slot(item fhir.Node, e *element, p *Profile, undecided []bool) int {
	byDefault := -1
	for i, s := range e.slices {
		if s.slice == "@default" {
			byDefault = i
			continue
		}
		switch w.inSlice(item, e, s, p) {
		case Valid:
			return i
		case Unknown:
			undecided[i] = true
		}
	}
	return byDefault
}

// outside reports an item of no slice where all must be in one.
func (w *walk) outside(item fhir.Node, e *element, p *Profile) {
	if e.slicing == nil || !e.slicing.closed {
		return
	}
	for _, s := range e.slices {
		if w.inSlice(item, e, s, p) == Unknown {
			return
		}
	}
	w.report(issueError, "structure", item, p.URL, "The item is in none of the slices that the profile allows.")
}

// inSlice tells by the discriminators whether an item belongs to a slice.
func (w *walk) inSlice(item fhir.Node, e, s *element, p *Profile) Verdict {
	if e.slicing == nil || len(e.slicing.by) == 0 {
		return w.withoutDiscriminator(item, s, p)
	}
	verdict := Valid
	for _, d := range e.slicing.by {
		switch w.discriminate(item, s, d, p) {
		case Invalid:
			return Invalid
		case Unknown:
			verdict = Unknown
		}
	}
	return verdict
}

// withoutDiscriminator: the slices differ by their content as a whole.
func (w *walk) withoutDiscriminator(item fhir.Node, s *element, p *Profile) Verdict {
	if w.try(func() { w.element(item, s, p) }) {
		return Valid
	}
	return Invalid
}

// discriminate applies one discriminator (ElementDefinition.slicing.discriminator).
func (w *walk) discriminate(item fhir.Node, s *element, d discriminator, p *Profile) Verdict {
	steps, ok := pathSteps(d.path)
	if !ok {
		return Unknown
	}
	sites, known := w.follow(site{[]fhir.Node{item}, []*element{s}}, steps)
	if !known {
		return Unknown
	}
	switch d.kind {
	case "exists":
		return exists(sites)
	case "type":
		return sites.ofType(w)
	case "profile":
		return w.ofProfile(sites)
	}
	return w.ofValue(sites, p, 0)
}

// exists: the slice wants the element, or wants it not to be there.
func exists(at site) Verdict {
	for _, e := range at.rules {
		switch {
		case e.max == 0:
			return verdictOf(len(at.nodes) == 0)
		case e.min > 0:
			return verdictOf(len(at.nodes) > 0)
		}
	}
	return Unknown
}

func verdictOf(ok bool) Verdict {
	if ok {
		return Valid
	}
	return Invalid
}

// ofType: one of the nodes is of a type that the slice allows.
func (at site) ofType(w *walk) Verdict {
	verdict := Invalid
	for _, e := range at.rules {
		if len(e.types) == 0 { // the root of a definition: it is of its own type
			for _, n := range at.nodes {
				if isA(n, e.path) {
					return Valid
				}
			}
			continue
		}
		for _, t := range e.types {
			for _, n := range at.nodes {
				if isA(n, t.code) {
					return Valid
				}
			}
		}
	}
	return verdict
}

// ofProfile: one of the nodes conforms to a profile that the slice names.
func (w *walk) ofProfile(at site) Verdict {
	verdict := Invalid
	named := false
	for _, e := range at.rules {
		if e.profile != nil { // what was resolved to the root of a profile
			named = true
			for _, n := range at.nodes {
				if w.conformsWithin(n, e.profile) {
					return Valid
				}
			}
		}
		for _, t := range e.types {
			for _, canonical := range t.profiles {
				named = true
				p, err := w.v.load(w.ctx, canonical, 0)
				if err != nil || p == nil {
					verdict = Unknown
					continue
				}
				for _, n := range at.nodes {
					if w.conformsWithin(n, p) {
						return Valid
					}
				}
			}
		}
	}
	if !named {
		return Unknown
	}
	return verdict
}

func (w *walk) conformsWithin(n fhir.Node, p *Profile) (ok bool) {
	w.within(n, func() { ok = w.conforms(n, p) })
	return ok
}

// maxValueDepth bounds how deep the values are sought by which a slice is known.
const maxValueDepth = 6

// ofValue: one of the nodes has the value that the slice fixes, or the shape of
// its pattern, or a code of its required binding, there or in its children.
func (w *walk) ofValue(at site, p *Profile, depth int) Verdict {
	told := false
	for _, e := range at.rules {
		if !w.step() {
			return Unknown
		}
		if e.max == 0 {
			told = true
			if len(at.nodes) == 0 {
				return Valid
			}
			continue
		}
		verdict, says := w.hasValue(at.nodes, e, p, depth)
		if says && verdict != Invalid {
			return verdict
		}
		told = told || says
	}
	if !told {
		return Unknown
	}
	return Invalid
}

// hasValue tells whether one of the nodes has the values of e; says is false if
// e tells none.
func (w *walk) hasValue(nodes []fhir.Node, e *element, p *Profile, depth int) (verdict Verdict, says bool) {
	if !e.tellsValue(depth) {
		return Unknown, false
	}
	verdict = Invalid
	for _, n := range nodes {
		switch w.valueFits(n, e, p, depth) {
		case Valid:
			return Valid, true
		case Unknown:
			verdict = Unknown
		}
	}
	return verdict, true
}

// tellsValue reports whether e or a child says a value.
func (e *element) tellsValue(depth int) bool {
	if e.fixed.Exists() || e.pattern.Exists() || e.binding != nil && e.binding.strength == "required" {
		return true
	}
	if depth >= maxValueDepth {
		return false
	}
	for _, c := range e.children {
		if c.min > 0 && c.tellsValue(depth+1) {
			return true
		}
	}
	return false
}

func (w *walk) valueFits(n fhir.Node, e *element, p *Profile, depth int) Verdict {
	if e.fixed.Exists() {
		return verdictOf(equal(n, e.fixed))
	}
	if e.pattern.Exists() {
		return verdictOf(matches(n, e.pattern))
	}
	verdict := Valid
	if e.binding != nil && e.binding.strength == "required" {
		if verdict = w.anyIn(codesOf(n), e.binding.valueSet); verdict == Invalid {
			return Invalid
		}
	}
	if depth >= maxValueDepth {
		return verdict
	}
	for _, c := range e.children {
		if c.min == 0 || !c.tellsValue(depth+1) {
			continue
		}
		var found []fhir.Node
		for child := range n.All(c.name) {
			found = append(found, child)
		}
		switch v, _ := w.hasValue(found, c, p, depth+1); v {
		case Invalid:
			return Invalid
		case Unknown:
			verdict = Unknown
		}
	}
	return verdict
}

// anyIn tells whether one of the codes is in a value set.
func (w *walk) anyIn(codes []Code, valueSet string) Verdict {
	verdict := Invalid
	for _, c := range codes {
		v, err := w.v.cfg.Codes.InValueSet(w.ctx, valueSet, c)
		if err != nil {
			w.stop(err)
			return Unknown
		}
		if v == Valid {
			return Valid
		}
		if v == Unknown {
			verdict = Unknown
		}
	}
	return verdict
}
