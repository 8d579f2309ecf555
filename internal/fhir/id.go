package fhir

import "github.com/wardkeep/wardkeep/internal/fhir/r4"

// ValidID reports whether s can be the id of a resource: 1 to 64 letters,
// digits, hyphens and dots.
func ValidID(s string) bool { return isID(s) }

// IsResource reports whether R4 has a resource type of that name.
func IsResource(name string) bool { return r4.ResourceByName(name) != 0 }
