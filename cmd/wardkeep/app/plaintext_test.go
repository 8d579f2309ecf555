package app

import (
	"bytes"
	"context"
	"encoding/hex"
	"testing"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// TestEngineIsHandedNoPlaintext looks at all that the engine keeps, above the
// encrypting file layer: the seals of the records alone must hide every word.
func TestEngineIsHandedNoPlaintext(t *testing.T) {
	const id = "0f4e7a52-5a7c-4a35-9d0e-8f0f8a4f9b11"
	raw, err := hex.DecodeString("0f4e7a525a7c4a359d0e8f0f8a4f9b11")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"Adamson", "adamson", "1961-03-12", "M-4711", "Rosewood", "Patient", id, string(raw)}
	ctx := context.Background()
	house, err := openOn(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	patient := `{"resourceType":"Patient","id":"` + id + `","identifier":[{"value":"M-4711"}],` +
		`"name":[{"family":"Adamson"}],"birthDate":"1961-03-12","address":[{"line":["Rosewood"]}]}`
	if _, err := house.file(ctx, "test", bulk.Unit{Lines: true, Data: []byte(patient + "\n")}); err != nil {
		t.Fatal(err)
	}
	looked := 0
	look := func(b []byte) {
		looked++
		if word := holds(b, words); word != "" {
			t.Errorf("the engine is handed %q", word)
		}
	}
	err = house.Store.History(ctx, store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		look(row.Card)
		look(row.Body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, space := range []record.Space{record.SpaceName, record.SpaceKey, record.SpaceTree, record.SpaceShard,
		record.SpaceContent, record.SpaceShort, record.SpaceJob, record.SpaceMeta} {
		err := house.Store.Scan(ctx, space, nil, nil, func(name, value []byte) error {
			look(name)
			look(value)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 20 {
		t.Errorf("only %d values were looked at", looked)
	}
	if holds([]byte("xx"+string(raw)+"yy"), words) == "" {
		t.Error("negative control: a planted id is not seen")
	}
	if err := house.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func holds(b []byte, words []string) string {
	for _, word := range words {
		if bytes.Contains(b, []byte(word)) {
			return word
		}
	}
	return ""
}
