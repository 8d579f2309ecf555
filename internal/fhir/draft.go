package fhir

// Draft reads a resource in the midst of an edit: it may break the rules of its
// type, as long as it is JSON and within the limits. It is there to find elements
// in; it MUST NOT be kept or shown before Parse took its text.
func (l Limits) Draft(src []byte) (*Resource, error) {
	l = l.withDefaults()
	d := &doc{items: make([]item, 1, min(len(src)/24+16, 1<<18))}
	p := parser{src: src, lim: l, d: d}
	if !p.document() || d.items[0].typ == 0 {
		return nil, p.fail()
	}
	d.body = p.compact()
	return &Resource{d: d}, nil
}
