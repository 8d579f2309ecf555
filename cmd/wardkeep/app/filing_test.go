package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/bulk"
)

// TestRefusalsAreRemembered: an import that is run again tells of the same
// refusals as before; a mark that said "all is stored" would hide a loss.
func TestRefusalsAreRemembered(t *testing.T) {
	ctx := context.Background()
	house, err := openOn(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := house.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	patient := `{"resourceType":"Patient","id":"a","active":true}`
	units := map[string]bulk.Unit{
		"lines": {Source: "a.ndjson", Place: "lines 1-3", Lines: true, Data: []byte(strings.Join([]string{
			patient, patient, `{"resourceType":"Patient","bogus":1}`, "",
		}, "\n"))},
		"batch": {Source: "b.json", Data: []byte(`{"resourceType":"Bundle","type":"batch","entry":[
			{"request":{"method":"DELETE","url":"Patient/a"}},
			{"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}}]}`)},
	}
	for name, want := range map[string][2]int{"lines": {1, 2}, "batch": {1, 1}} {
		first, err := house.file(ctx, "test", units[name])
		if err != nil {
			t.Fatal(err)
		}
		again, err := house.file(ctx, "test", units[name])
		if err != nil {
			t.Fatal(err)
		}
		if first.Accepted["Patient"] != want[0] || len(first.Refused) != want[1] {
			t.Errorf("%s: %+v", name, first)
		}
		if !again.Already || !reflect.DeepEqual(again.Accepted, first.Accepted) || !reflect.DeepEqual(again.Refused, first.Refused) {
			t.Errorf("%s: first %+v, then %+v", name, first, again)
		}
	}
	if _, err := house.file(ctx, "test", bulk.Unit{Data: []byte("x")}); errors.Is(err, bulk.ErrLater) {
		t.Error(err)
	}
}

// TestLinesWaitForOthers: the files of an export come in the order of their
// names, so what a line refers to by a condition may well come after it.
func TestLinesWaitForOthers(t *testing.T) {
	ctx := context.Background()
	house, err := openOn(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := house.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	location := func(id, of string) string {
		return `{"resourceType":"Location","id":"` + id + `","managingOrganization":{"reference":"Organization?identifier=` + of + `"}}`
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Location.ndjson":     location("a", "urn:x|1") + "\n" + location("b", "urn:x|2") + "\n",
		"Late.ndjson":         location("c", "urn:x|1") + "\n" + location("d", "urn:x|never") + "\n",
		"Organization.ndjson": `{"resourceType":"Organization","id":"o1","identifier":[{"system":"urn:x","value":"1"}]}` + "\n" + `{"resourceType":"Organization","id":"o2","identifier":[{"system":"urn:x","value":"2"}]}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := bulk.Sources([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	im := bulk.Importer{Target: &ownDesk{house: house, who: "test"}, Readers: 1, Writers: 1}
	summary, err := im.Run(ctx, files)
	if err != nil || summary.Accepted["Location"] != 3 || summary.Accepted["Organization"] != 2 || summary.NotStored() != 1 {
		t.Errorf("%+v %v", summary, err)
	}
}
