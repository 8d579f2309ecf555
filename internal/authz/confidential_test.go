package authz_test

import (
	"reflect"
	"testing"

	"github.com/wardkeep/wardkeep/internal/authz"
)

// Kinds of care that minors keep to themselves have labels and codes, by all names of
// their system.
func TestCategories(t *testing.T) {
	p, err := authz.New(with(t, "confidential.txt", "system icd: urn:x urn:y\nlabel mental: MH\nicd mental: F32.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := authz.Category{
		Labels: []authz.Coding{{System: authz.SystemActCode, Code: "MH"}},
		Codes:  []authz.Coding{{System: "urn:x", Code: "F32.0"}, {System: "urn:y", Code: "F32.0"}},
	}
	if got := p.Category("mental"); got == nil || !reflect.DeepEqual(*got, want) || p.Category("other") != nil || len(p.Categories()) != 1 {
		t.Errorf("%+v", got)
	}
	if names := load(t).Categories(); len(names) != 6 {
		t.Errorf("%v", names)
	}
}
