package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TestRenew: a renewed folder answers every question as before, verifies by the key and
// the checkpoint kept of the old one, and is the only one that a server starts on then.
func TestRenew(t *testing.T) {
	_, one, _ := fakeService(t)
	for name, setting := range map[string]string{"file": config.KMSLocal, "service": one} {
		t.Run(name, func(t *testing.T) {
			cfg := hospital(t, setting)
			was, size := answers(t, cfg, 0)
			if len(was) < 5e4 || strings.Count(was, "history ") < 5 || !strings.Contains(was, "located 1") || !strings.Contains(was, "access p-ann") || !strings.Contains(was, "a second chief: true") {
				t.Fatal("the questions find too little", len(was))
			}
			kept, err := readPinned(cfg.CheckpointOut)
			must(t, err)
			old, keys := reads(t, cfg)
			names := cellsOf(t, old, record.SpaceName)
			r := renewing(t, cfg)
			r.from.CheckpointOut, r.to.CheckpointOut = cfg.CheckpointOut, cfg.CheckpointOut
			old.close()
			must(t, r.run(t.Context()))
			fresh, freshKeys := reads(t, r.to)
			if n := len(cellsOf(t, fresh, record.SpaceName)); n != len(names) {
				t.Errorf("%d names of %d", n, len(names))
			}
			fresh.close()
			if keys.Public().Equal(freshKeys.Public()) {
				t.Error("the same key signs")
			}
			is, _ := answers(t, r.to, size)
			sealedAnew(t, cfg, r.to)
			differ(t, was, is)
			verified(t, r.to, keys.Public(), kept.checkpoint)
			if _, err := opened(t, cfg, Options{}); err == nil || !strings.Contains(err.Error(), "the one before") {
				t.Errorf("a server starts on the old folder once the new one is in force: %v", err)
			}
		})
	}
}

// sealedAnew: a secret of the folder opens by the new keys, and no more by the old ones.
func sealedAnew(t *testing.T, from, to config.Config) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(to.Dir, secretsDir, "entra"))
	must(t, err)
	was, err := openSafe(t.Context(), from)
	must(t, err)
	is, err := openSafe(t.Context(), to)
	must(t, err)
	about := seal.AboutSecret("entra")
	if text, err := is.Open(about, file); err != nil || string(text) != "the provider's word" {
		t.Errorf("the secret is %q: %v", text, err)
	}
	if _, err := was.Open(about, file); err == nil {
		t.Error("the old keys open the new secret")
	}
}

// TestRenewedKeys: nothing of the old keys is in the new store: what is found by the old
// index key in the old one is not in the new one, and no record opens by the old keys.
func TestRenewedKeys(t *testing.T) {
	cfg := hospital(t, config.KMSLocal)
	r := renewing(t, cfg)
	must(t, r.run(t.Context()))
	old, _ := reads(t, r.from)
	defer old.close()
	fresh, _ := reads(t, r.to)
	defer fresh.close()
	ctx := t.Context()
	exprs := map[string]store.Expr{"class": store.All{Class: old.sealer.Class("Observation")}}
	rec, err := old.vault.Get(ctx, vault.TypeID{Type: "Observation", ID: "k"})
	must(t, err)
	now, err := old.store.Get(ctx, []store.Ref{{Key: rec.Key}}, store.WantCard|store.WantBody)
	must(t, err)
	words, edges, err := old.vault.Deep(docTypes...).Index(ctx, now[0])
	must(t, err)
	for i, w := range words {
		exprs[fmt.Sprint("token ", i)] = store.Has{Token: w}
	}
	for i, e := range edges {
		exprs[fmt.Sprint("edge ", i)] = store.To{Rel: e.Rel, Keys: []record.Key{e.To}}
	}
	for name, expr := range exprs {
		before, err := old.store.Find(ctx, store.Find{Expr: expr, CountOnly: true}, nil)
		must(t, err)
		after, err := fresh.store.Find(ctx, store.Find{Expr: expr, CountOnly: true}, nil)
		must(t, err)
		if before.Count == 0 || after.Count != 0 {
			t.Errorf("%s: found %d before and %d after", name, before.Count, after.Count)
		}
	}
	if len(words) < 2 || len(edges) < 2 {
		t.Errorf("%d words and %d edges", len(words), len(edges))
	}
	for _, space := range []record.Space{record.SpaceName, record.SpaceJob, record.SpaceShort} {
		after := cellsOf(t, fresh, space)
		for name := range cellsOf(t, old, space) {
			if after[name] && !strings.HasPrefix(name, "audit-cursor/") {
				t.Errorf("space %c: a name of the old index key is still there", space)
			}
		}
	}
	tokens := 0
	must(t, old.store.Scan(ctx, record.SpaceTree, nil, nil, func(name, value []byte) error {
		if verify.OfIndex(name) {
			_ = verify.ParsePostings(name, value, func(p verify.Posting) {
				tokens++
				must(t, fresh.store.Scan(ctx, record.SpaceTree, verify.StepPrefix(1), nil, func(name, value []byte) error {
					return verify.ParsePostings(name, value, func(q verify.Posting) {
						if p.Token == q.Token {
							t.Error("a token of the old index key is in the index of entries")
						}
					})
				}))
			})
			return store.ErrStop
		}
		return nil
	}))
	if tokens == 0 {
		t.Error("the old index of entries has no tokens")
	}
	versions := 0
	must(t, fresh.store.History(ctx, store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		versions++
		for typ := range r4.Resources {
			ref := seal.Ref{Type: typ.String(), Key: row.Key, Version: row.Version, Deleted: row.Deleted}
			if row.Class != fresh.sealer.Class(typ.String()) {
				continue
			}
			if _, err := old.sealer.OpenCard(ctx, ref, row.Card); err == nil {
				t.Error("a card of the new store opens by the old keys")
			}
			if _, err := fresh.sealer.OpenCard(ctx, ref, row.Card); err != nil {
				t.Error("and does not by the new ones:", err)
			}
		}
		return nil
	}))
	if versions < 50 {
		t.Errorf("%d versions", versions)
	}
	for _, name := range []string{rootKeyFile, fileKeyFile} {
		a, err1 := os.ReadFile(filepath.Join(r.from.Dir, name))
		b, err2 := os.ReadFile(filepath.Join(r.to.Dir, name))
		if errors.Join(err1, err2) != nil || bytes.Equal(a, b) {
			t.Errorf("%s is the same: %v %v", name, err1, err2)
		}
	}
}

// TestRenewCutShort: wherever it is cut, the old folder is in force and the new one is
// refused; said again, it ends.
func TestRenewCutShort(t *testing.T) {
	cfg := hospital(t, config.KMSLocal)
	r := renewing(t, cfg)
	died := errors.New("died")
	var met []string
	stride := 3
	if os.Getenv("WARDKEEP_PROVE") != "" {
		stride = 1
	}
	for n := 0; ; n += stride {
		left := n
		r.step = func(name string) error {
			if left--; left < 0 {
				if !slices.Contains(met, name) {
					met = append(met, name)
				}
				return died
			}
			return nil
		}
		err := r.run(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, died) {
			t.Fatalf("cut at %v: %v", met, err)
		}
		if n > 0 {
			if h, err := opened(t, r.to, Options{}); err == nil || !strings.Contains(err.Error(), "is not whole") {
				t.Errorf("cut at %s: the new folder opens: %v", met[len(met)-1], err)
				_ = h.Close(t.Context())
			}
		}
		if n%(4*stride) == 0 {
			report, err := verifyFiles(t.Context(), cfg, nil, false)
			if err != nil || !report.OK {
				t.Fatalf("cut at %s: the old folder: %v %v", met[len(met)-1], err, report)
			}
		}
	}
	if len(met) < 12/stride {
		t.Errorf("it was cut at %v", met)
	}
	h, err := opened(t, r.to, Options{})
	must(t, err)
	must(t, h.Close(t.Context()))
}

// TestRenewRefused: what would lose something, or bless what was altered, is refused
// with words, and leaves the new folder unusable.
func TestRenewRefused(t *testing.T) {
	cfg := hospital(t, config.KMSLocal)
	full := t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "x"), nil, 0o600))
	for name, c := range map[string]struct {
		into, says string
		before     func(h *House) error
	}{
		"into itself":      {into: filepath.Join(cfg.Dir, "new"), says: "outside the old"},
		"into another one": {into: full, says: "not there yet"},
		"a key is being replaced": {says: "is being replaced", before: func(h *House) error {
			return h.Keys.Rotate(t.Context(), "me", "data", "why")
		}},
	} {
		r := renewing(t, cfg)
		if c.into != "" {
			r.to.Dir = c.into
		}
		if c.before != nil {
			h, err := opened(t, cfg, Options{})
			must(t, err)
			must(t, errors.Join(c.before(h), h.Close(t.Context())))
		}
		if err := r.run(t.Context()); err == nil || !strings.Contains(errorText(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, err := opened(t, cfg, Options{})
	must(t, err)
	if err := renewing(t, cfg).run(t.Context()); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("while a server has it: %v", err)
	}
	must(t, errors.Join(h.Keys.Carry(t.Context()), h.Close(t.Context())))
	desk := renewing(t, cfg)
	altered(t, cfg)
	if err := desk.run(t.Context()); err == nil || !strings.Contains(err.Error(), "not what its audit log says") {
		t.Errorf("a version that was altered is sealed anew: %v", err)
	}
	if _, err := opened(t, desk.to, Options{}); err == nil {
		t.Error("and the folder opens")
	}
}
