package vault_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/vault"
)

// TestPagesOfLargeRecords: a page carries what fits, and the next one goes on
// behind it, in every order.
func TestPagesOfLargeRecords(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	const n, big = 7, 15 << 20
	for i := range n {
		put(t, r.Vault, fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","gender":"female","name":[{"family":"F%d"}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">%s</div>"}}`, i, n-i, strings.Repeat("x", big)))
	}
	for name, sort := range map[string][]string{"commit order": nil, "sorted": {"_sort", "family"}, "sorted down": {"_sort", "-family"}} {
		seen, after := map[string]bool{}, vault.Cursor{}
		pages := 0
		for range 2 * n {
			result, err := r.Search(ctx, vault.SearchRequest{Query: query(t, "Patient", sort...), Limit: 100, After: after})
			check(t, err)
			size := 0
			for _, rec := range result.Records {
				size += len(rec.Body)
				if seen[rec.ID] {
					t.Errorf("%s: %s comes twice", name, rec.ID)
				}
				seen[rec.ID] = true
			}
			pages++
			if size > 65<<20 {
				t.Errorf("%s: a page of %d bytes", name, size)
			}
			if result.Next == nil {
				break
			}
			after = *result.Next
		}
		if len(seen) != n || pages != 2 {
			t.Errorf("%s: %d of %d on %d pages", name, len(seen), n, pages)
		}
	}
}
