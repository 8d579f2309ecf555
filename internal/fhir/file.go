package fhir

import (
	"iter"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Files yields every Attachment and every Binary of the resource, those of contained
// resources, of entries and of extensions too.
func (r *Resource) Files() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		attachment := r4.TypeByName("Attachment")
		for i := r.root; i < r.d.items[r.root].next; i++ {
			if t := r.d.items[i].typ; (t == attachment || t == r4.Binary) && !yield(Node{r.d, i, r.root}) {
				return
			}
		}
	}
}

// WithoutData returns the resource without the data of some of its files, each with the
// reason in its place (a code of data-absent-reason), and the tag SUBSETTED.
func (r *Resource) WithoutData(reasons map[Node]string) (*Resource, error) {
	e := splicer{r: r}
	for file, reason := range reasons {
		data := file.Get("data")
		e.splice(e.key(data.i), data.item().end, []byte(`"_data":{"extension":[{"url":"`+urlAbsent+`","valueCode":"`+reason+`"}]}`))
		if ext := data.item().ext; ext != 0 {
			e.remove(ext)
		}
	}
	e.tag()
	return Parse(e.text())
}

// AbsentData returns the reason for which the data of a file is not there, "" if there
// is data, or no reason.
func AbsentData(file Node) string {
	data := file.Get("data")
	if data.Text() != "" {
		return ""
	}
	for x := range data.All("extension") {
		if x.Get("url").Text() == urlAbsent {
			return x.Get("value").Text()
		}
	}
	return ""
}
