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
