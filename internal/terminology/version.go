package terminology

// Versions are the versions of code systems that a request asks for, by the
// systems' addresses (FHIR R4 ValueSet/$expand: system-version,
// check-system-version, force-system-version).
type Versions struct{ Default, Check, Force map[string]string }

func (v Versions) none() bool { return len(v.Default)+len(v.Check)+len(v.Force) == 0 }

// of returns the version of a system to use where a definition names one, or "",
// and whether it is one that was asked for.
func (v Versions) of(url, named string) (version string, pinned bool, err error) {
	if forced := v.Force[url]; forced != "" {
		return forced, true, nil
	}
	if checked := v.Check[url]; checked != "" {
		if named != "" && named != checked {
			return "", false, wrong("Versions", "The value set names another version of a code system than the one to check for.")
		}
		return checked, true, nil
	}
	if named == "" && v.Default[url] != "" {
		return v.Default[url], true, nil
	}
	return named, false, nil
}
