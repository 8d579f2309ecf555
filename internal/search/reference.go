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

// typeOf returns the resource type that a literal reference names, "" if it
// names none: the word before the id.
func typeOf(url string) string {
	url, _, _ = strings.Cut(url, "/_history/")
	rest, id, ok := cutLast(url, "/")
	if !ok || !validID(id) {
		return ""
	}
	if _, last, ok := cutLast(rest, "/"); ok {
		rest = last
	}
	if schemaOf(rest) == nil {
		return ""
	}
	return rest
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
