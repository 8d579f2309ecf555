// Package namehash is the hash by which the R4 tables find a member name. The
// generator searches seeds that make it perfect for each type, so both must use
// exactly this function.
package namehash

import "math/bits"

// Sum digests a name by its length, its first eight bytes and its last eight.
func Sum[T string | []byte](name T) uint64 {
	n := len(name)
	var a, b uint64
	switch {
	case n >= 8:
		a, b = load64(name, 0), load64(name, n-8)
	case n >= 4:
		a, b = load32(name, 0), load32(name, n-4)
	case n > 0:
		a = uint64(name[0]) | uint64(name[n/2])<<8 | uint64(name[n-1])<<16
	}
	return (a^uint64(n)<<59)*0x9E3779B97F4A7C15 ^ bits.RotateLeft64(b*0xC2B2AE3D27D4EB4F, 29)
}

// Slot is the place of a digest in a table of 1<<width slots.
func Slot(sum uint64, seed uint32, width uint8) uint32 {
	return uint32((sum ^ sum>>31) * (uint64(seed)<<32 | 0x85EBCA6B) >> (64 - width))
}

func load64[T string | []byte](s T, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

func load32[T string | []byte](s T, i int) uint64 {
	_ = s[i+3]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24
}
