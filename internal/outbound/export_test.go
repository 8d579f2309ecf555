package outbound

// Reaches reports whether a policy lets an address be connected to.
func (p Policy) Reaches(address string) bool { return p.control("tcp", address, nil) == nil }
