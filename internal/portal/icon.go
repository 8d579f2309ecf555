package portal

import (
	"net/http"
	"strings"
)

// iconColours are the colours of tabs, the same as in the style sheet.
var iconColours = map[string]string{
	"wardkeep": "#0b5a75", "teal": "#0f766e", "plum": "#7b2d6b", "ochre": "#9a6700", "moss": "#4d6b1f",
	"slate": "#475569", "brick": "#a8402b", "indigo": "#3f48a8", "rose": "#b0305c",
}

// handleIcon draws the icon of a browser tab in the colour of its chart.
func (p *Portal) handleIcon(w http.ResponseWriter, r *http.Request) {
	colour, ok := iconColours[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte(strings.ReplaceAll(icon, "#000", colour)))
}

// icon is a ward's window with a cross of light.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#000"/><path d="M13 7h6v6h6v6h-6v6h-6v-6H7v-6h6z" fill="#fff"/></svg>`
