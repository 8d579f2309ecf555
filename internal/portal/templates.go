package portal

import (
	"embed"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
)

//go:embed templates
var templateFiles embed.FS

// templates are the parsed pages. A page is a file of templates/pages; files of
// templates/parts are known to every page. There is no function map, and no
// built-in function that formats may be used: see the lint test.
type templates struct {
	pages map[string]*template.Template
}

func parseTemplates() (*templates, error) {
	base, err := template.New("").Option("missingkey=error").ParseFS(templateFiles, "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templateFiles, "templates/pages/*.html")
	if err != nil {
		return nil, err
	}
	t := &templates{pages: map[string]*template.Template{}}
	for _, file := range files {
		page, err := template.Must(base.Clone()).ParseFS(templateFiles, file)
		if err != nil {
			return nil, err
		}
		t.pages[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return t, nil
}

// execute renders a page; a name that is no page is a part, for scripts that
// ask for a piece of one.
func (t *templates) execute(w io.Writer, name string, data any) error {
	if page, ok := t.pages[name]; ok {
		return page.ExecuteTemplate(w, "page", data)
	}
	return t.pages["home"].ExecuteTemplate(w, name, data)
}
