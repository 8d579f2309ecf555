package r4

// Codes is a code list that is known in full.
type Codes uint16

type codeSet struct {
	url, system string
	first, end  uint16
}

// Binding returns the list the member's code must be from, 0 if it is free or
// the list cannot be enumerated (testdata/uncompiled.golden names those).
func (m MemberID) Binding() Codes { return Codes(members[m].binding) }

// URL returns the value set's canonical address.
func (c Codes) URL() string { return codeSets[c].url }

// System returns the code system of all codes, "" if they come from several.
func (c Codes) System() string { return codeSets[c].system }

// All returns the codes in the order of their bytes. It MUST NOT be changed.
func (c Codes) All() []string { return codes[codeSets[c].first:codeSets[c].end] }

// Has reports whether code is in the list.
func Has[T string | []byte](c Codes, code T) bool {
	lo, hi := int(codeSets[c].first), int(codeSets[c].end)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch {
		case codes[mid] == string(code):
			return true
		case codes[mid] < string(code):
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}
