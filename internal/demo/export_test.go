package demo

import "strings"

// MRN gives tests the number of the nth patient.
func MRN(n int) string { return mrn(n) }

// CheckDigit gives tests the Luhn digit of a string of digits.
func CheckDigit(digits string) byte { return luhn(digits) }

// Names counts the given and family names that can occur.
func Names() (given, family int) {
	g, f := map[string]bool{}, map[string]bool{}
	for _, h := range heritages {
		for _, n := range append(strings.Fields(h.female), strings.Fields(h.male)...) {
			g[n] = true
		}
		for _, n := range strings.Fields(h.family) {
			f[n] = true
		}
	}
	return len(g), len(f)
}
