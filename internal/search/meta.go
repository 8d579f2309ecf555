package search

// MetaOf visits what a card holds of its record's meta: list is profile, tag or
// security, and system is "" for profiles.
func MetaOf(card []byte, visit func(list, system, code string)) error {
	var r cardReader
	if err := r.open(card); err != nil {
		return err
	}
	s := schemaOf(string(r.typ))
	if s == nil {
		return errCard
	}
	for _, list := range [...]string{"profile", "security", "tag"} {
		q := s.params["_"+list]
		if q == nil {
			continue
		}
		for _, src := range q.sources {
			err := r.each(src.id, src.kind, func(v *value) bool {
				visit(list, string(v.system), string(v.code))
				return true
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
