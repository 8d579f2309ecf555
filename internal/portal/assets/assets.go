// Package assets holds the scripts and styles of the portal as the build leaves
// them in dist: bundled, and named after their content, so that a browser may
// keep them for ever and never shows an old one.
package assets

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// Files are the built assets. The zero Files has none.
type Files struct {
	fs    fs.FS
	names map[string]string // "app.css" → "app-3KX2….css"
}

// Load reads the manifest of the build. Without a build it returns Files that
// has none: pages then work, unstyled.
func Load() (*Files, error) {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	f := &Files{fs: root, names: map[string]string{}}
	manifest, err := fs.ReadFile(root, "manifest.json")
	if err != nil {
		return f, nil
	}
	return f, json.Unmarshal(manifest, &f.names)
}

// Built reports whether there is a build at all.
func (f *Files) Built() bool { return len(f.names) > 0 }

// Path returns the address of an asset below /assets/, "" if it was not built.
func (f *Files) Path(name string) string {
	if hashed, ok := f.names[name]; ok {
		return "/assets/" + hashed
	}
	return ""
}

// Handler serves the assets below /assets/. Only names of the manifest exist.
func (f *Files) Handler() http.Handler {
	known := map[string]bool{}
	for _, hashed := range f.names {
		known[hashed] = true
	}
	files := http.FileServerFS(f.fs)
	return http.StripPrefix("/assets/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known[r.URL.Path] {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		if strings.HasSuffix(r.URL.Path, ".css") {
			w.Header().Set("Content-Type", "text/css; charset=utf-8")
		}
		files.ServeHTTP(w, r)
	}))
}
