package fhirhttp

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// etag is the weak entity tag of a version (FHIR R4 3.1.0.1.3).
func etag(version uint64) string { return `W/"` + strconv.FormatUint(version, 10) + `"` }

// versionOf reads an entity tag; weak and strong are the same to FHIR.
func versionOf(tag string) (uint64, error) {
	text := strings.TrimPrefix(strings.TrimSpace(tag), "W/")
	text, ok := strings.CutPrefix(text, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseUint(text, 10, 63)
	if !ok || !closed || err != nil || version == 0 {
		return 0, fault.New(fault.Invalid, "fhirhttp.versionOf", `An entity tag looks like W/"3".`)
	}
	return version, nil
}

// writeCondition reads If-Match and If-None-Match of a change.
func writeCondition(h http.Header) (chart.Condition, error) {
	var cond chart.Condition
	if tag := h.Get("If-Match"); tag == "*" {
		cond.MustExist = true
	} else if tag != "" {
		version, err := versionOf(tag)
		if err != nil {
			return cond, err
		}
		cond.IfMatch = version
	}
	switch h.Get("If-None-Match") {
	case "":
	case "*":
		cond.IfNone = true
	default:
		return cond, fault.New(fault.Invalid, "fhirhttp.writeCondition", "A change takes If-None-Match: * only.")
	}
	return cond, nil
}

// unchanged reports whether a read may be answered with 304 (FHIR R4 3.1.0.2.1):
// If-None-Match counts, If-Modified-Since only in its absence.
func unchanged(h http.Header, res chart.Resource) bool {
	if tags := h.Get("If-None-Match"); tags != "" {
		for tag := range strings.SplitSeq(tags, ",") {
			if version, err := versionOf(tag); err == nil && version == res.Version {
				return true
			}
			if strings.TrimSpace(tag) == "*" {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(h.Get("If-Modified-Since"))
	return err == nil && !res.Updated.Truncate(time.Second).After(since)
}
