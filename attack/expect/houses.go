package expect

// apart: organisations on one server share nothing. What is of one house is nobody's of
// another, whoever he is there.
func apart(c Caller, t Target) Answer {
	if c.House != t.House {
		return Forbidden
	}
	return Allowed
}
