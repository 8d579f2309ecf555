package posting

// Few is few for tests.
const Few = few

// KeepIn is keepIn for tests.
func (s *Set) KeepIn(b []byte) error { return s.keepIn(b) }
