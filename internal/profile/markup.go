package profile

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// active are the elements of HTML that do something by themselves once a text
// that holds them is shown as a page.
var active = map[string]bool{
	"script": true, "iframe": true, "object": true, "embed": true, "applet": true, "frame": true, "frameset": true,
	"link": true, "meta": true, "base": true, "form": true, "svg": true,
}

// markup looks for active HTML in plain texts (FHIR R4 6.1.0.1: what is received
// may be an injection, and whoever shows it must not run it). Markdown and
// narratives have rules of their own, and are not looked at.
func (w *walk) markup(n fhir.Node) {
	if n.IsPrimitive() {
		if n.TypeID() == r4.String && hasActive(n.Text()) {
			w.report(issueError, "value", n, "", "A plain text holds active HTML, such as a script; texts are not pages.")
		}
		return
	}
	for c := range n.Children() {
		w.markup(c)
	}
}

func hasActive(text string) bool {
	for {
		_, rest, found := strings.Cut(text, "<")
		if !found {
			return false
		}
		name := rest
		if i := strings.IndexAny(rest, " \t\r\n/>"); i >= 0 {
			name = rest[:i]
		}
		if len(name) < len(rest) && active[strings.ToLower(name)] {
			return true
		}
		text = rest
	}
}
