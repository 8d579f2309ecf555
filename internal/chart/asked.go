package chart

import (
	"maps"
	"slices"
	"strings"
)

// maxAsked bounds what the audit log keeps of a transaction's text.
const maxAsked = 16 << 10

// asked is what the audit log keeps of the entries: the conditions that were put,
// and all addresses of a transaction that was refused.
func (t *transaction) asked(all bool) string {
	var b strings.Builder
	for _, e := range t.entries {
		conditional := e.IfNoneExist != "" || strings.Contains(e.URL, "?")
		if !all && !conditional {
			continue
		}
		if b.Len() > maxAsked {
			break
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Method + " " + e.URL)
		if e.IfNoneExist != "" {
			b.WriteString(" if none exist " + e.IfNoneExist)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(t.found)) {
		if b.Len() <= maxAsked {
			b.WriteString("\nreference " + ref)
		}
	}
	return b.String()
}
