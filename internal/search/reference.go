package search

import "strings"

// cutLocal splits "Type/id" or "Type/id/_history/v"; typ is "" if s is neither.
func cutLocal(s string) (typ, id, version string) {
	typ, rest, ok := strings.Cut(s, "/")
	if !ok || !isTypeName(typ) {
		return "", "", ""
	}
	id, version, versioned := strings.Cut(rest, "/_history/")
	if !validID(id) || versioned && !validID(version) {
		return "", "", ""
	}
	return typ, id, version
}

// validID reports whether s has the form of a FHIR id.
func validID(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func isTypeName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && s[0] >= 'A' && s[0] <= 'Z'
}

// absolute reports whether s names something by URL or URN.
func absolute(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return ok && scheme != "" && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") == ""
}
