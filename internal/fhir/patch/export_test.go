package patch

var ApplyJSON = applyJSON

// Same reports whether two texts are the same JSON, whatever the order of members.
func Same(a, b []byte) bool {
	x, errX := readTree(a)
	y, errY := readTree(b)
	return errX == nil && errY == nil && equal(x, y)
}
