package seal_test

import (
	gocontext "context"
	"errors"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// rotate commits a change to tenant keys and uses it.
func (c *cells) rotate(t *testing.T, r seal.Rotation, err error) {
	t.Helper()
	if err == nil {
		err = c.commit(r.Cells, r.Guards)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Use()
}

// sweep rewraps all owners' cells, and returns how many needed it.
func (c *cells) sweep(t *testing.T, s *seal.Sealer) (n int) {
	t.Helper()
	for name, value := range c.data {
		if name[0] != byte(record.SpaceKey) {
			continue
		}
		cell, guard, needed, err := s.RewrapOwner([]byte(name[1:]), value)
		if err != nil {
			t.Fatal(err)
		}
		if !needed {
			continue
		}
		n++
		if err := c.commit([]record.Cell{cell}, []record.Guard{guard}); err != nil {
			t.Fatal(err)
		}
		s.ForgetOwner(cell.Name)
	}
	return n
}

func TestRotateTenantKey(t *testing.T) {
	s, c := open(t)
	old := put(t, s, c, observation, []record.Key{key(1), key(2)}, "old", "")
	typed := put(t, s, c, frozenTyped, nil, "typed", "")
	value, err := s.SealValue("page", nil, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	r, version, err := s.NewVersion(t.Context(), "data")
	if version != 2 {
		t.Errorf("version %d", version)
	}
	c.rotate(t, r, err)
	if err := c.commit(r.Cells, r.Guards); !errors.Is(err, errGuard) {
		t.Error("a rotation can be committed twice")
	}
	if n := c.sweep(t, s); n != 3 {
		t.Errorf("%d owners were rewrapped", n)
	}
	if n := c.sweep(t, s); n != 0 {
		t.Errorf("%d owners were rewrapped twice", n)
	}
	fresh := put(t, s, c, observation, []record.Key{key(1)}, "fresh", "")
	if u, _ := seal.ValueUnder(value); u != 1 {
		t.Errorf("the value says it is under version %d", u)
	}
	// With the old version gone, all but the value opens, also elsewhere.
	dropped, err := s.DropVersion(t.Context(), "data", 1)
	c.rotate(t, dropped, err)
	for _, s := range []*seal.Sealer{s, reopen(t, config(c))} {
		for want, sealed := range map[string]seal.Sealed{"old": old, "fresh": fresh} {
			if _, body, err := read(t, s, observation, sealed); err != nil || body != want {
				t.Errorf("%s: %v", want, err)
			}
		}
		if _, body, err := read(t, s, frozenTyped, typed); err != nil || body != "typed" {
			t.Error(err)
		}
		if _, err := s.OpenValue("page", nil, value); !errors.Is(err, seal.ErrNoKey) {
			t.Errorf("a value under the dropped version: %v", err)
		}
	}
	if _, err := s.DropVersion(t.Context(), "data", 2); err == nil {
		t.Error("the newest version can be dropped")
	}
	if _, _, err := s.NewVersion(t.Context(), "nonsense"); err == nil {
		t.Error("a key that is none was rotated")
	}
}

// TestPendingKeyAcrossRotation: a key of a patient that was made and not committed
// when the tenant key changed is good if it comes first, and made anew if not.
func TestPendingKeyAcrossRotation(t *testing.T) {
	for _, late := range []bool{false, true} {
		s, c := open(t)
		under, err := s.Seal(t.Context(), observation, []record.Key{key(1)}, []byte("under way"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := s.NewVersion(t.Context(), "data")
		c.rotate(t, r, err)
		if late {
			put(t, s, c, observation, []record.Key{key(1)}, "first", "")
			cell := s.SubjectCell(key(1))
			if o, _ := s.LookAtOwner(cell.Name, c.get(cell)); o.Purpose != "data" || len(o.Under) != 1 || o.Under[0] != 2 {
				t.Errorf("a key made after the rotation is wrapped so: %+v", o)
			}
		}
		if err := c.commit(under.Cells, under.Guards); (err != nil) != late {
			t.Fatalf("late %v: %v", late, err)
		}
		c.sweep(t, s)
		dropped, err := s.DropVersion(t.Context(), "data", 1)
		c.rotate(t, dropped, err)
		if _, body, err := read(t, s, observation, under); !late && (err != nil || body != "under way") {
			t.Errorf("what was under way: %v", err)
		}
	}
}

// TestShredWinsOverRewrap: the cell of a patient who is shredded meanwhile does not
// come back.
func TestShredWinsOverRewrap(t *testing.T) {
	s, c := open(t)
	put(t, s, c, observation, []record.Key{key(1)}, "b", "")
	name := s.SubjectCell(key(1))
	r, _, err := s.NewVersion(t.Context(), "data")
	c.rotate(t, r, err)
	cell, guard, needed, err := s.RewrapOwner(name.Name, c.get(name))
	if err != nil || !needed {
		t.Fatal(needed, err)
	}
	if err := c.commit([]record.Cell{s.Shred(key(1))}, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.commit([]record.Cell{cell}, []record.Guard{guard}); !errors.Is(err, errGuard) {
		t.Error("a shredded patient's key comes back")
	}
}

func TestRewrapRoot(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1)}, "b", "")
	other := local.New([32]byte{7})
	if err := s.CheckRoot(t.Context(), other); err == nil {
		t.Error("another root opens the keys before they are rewrapped")
	}
	conf := config(c)
	conf.Keyring = both{other, conf.Keyring.(*local.Keyring)}
	moved := reopen(t, conf)
	r, err := moved.Rewrap(t.Context())
	c.rotate(t, r, err)
	if err := moved.CheckRoot(t.Context(), other); err != nil {
		t.Error(err)
	}
	conf.Keyring = other
	if _, body, err := read(t, reopen(t, conf), observation, sealed); err != nil || body != "b" {
		t.Error(err)
	}
	if _, err := seal.Open(t.Context(), config(c)); err == nil {
		t.Error("the old root still opens the keys")
	}
}

// both wraps by one root and unwraps by either.
type both struct {
	*local.Keyring
	old *local.Keyring
}

func (b both) Unwrap(ctx gocontext.Context, about string, wrapped []byte) ([]byte, error) {
	if key, err := b.Keyring.Unwrap(ctx, about, wrapped); err == nil {
		return key, nil
	}
	return b.old.Unwrap(ctx, about, wrapped)
}

// TestUnknownFormat: bytes of a later release are told from forged ones, and are
// refused all the same.
func TestUnknownFormat(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1)}, "b", "c")
	value, err := s.SealValue("page", nil, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	thing, err := s.SealFor(t.Context(), "page", []record.Key{key(1)}, nil, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	later := func(b []byte) []byte { return append([]byte{2}, b[1:]...) }
	for name, open := range map[string]func(change func([]byte) []byte) error{
		"card": func(f func([]byte) []byte) error {
			_, err := s.OpenCard(t.Context(), observation, f(sealed.Card))
			return err
		},
		"value": func(f func([]byte) []byte) error { _, err := s.OpenValue("page", nil, f(value)); return err },
		"thing": func(f func([]byte) []byte) error {
			_, err := s.OpenFor(t.Context(), "page", nil, f(thing.Body))
			return err
		},
		"key of an owner": func(f func([]byte) []byte) error {
			cell := s.SubjectCell(key(1))
			good := c.get(cell)
			c.set(cell, f(good))
			defer c.set(cell, good)
			_, err := reopen(t, config(c)).Seal(t.Context(), observation, []record.Key{key(1)}, nil, nil)
			return err
		},
		"key of a tenant": func(f func([]byte) []byte) error {
			cell := seal.TenantCell("north", 'd')
			good := c.get(cell)
			c.set(cell, f(good))
			defer c.set(cell, good)
			_, err := seal.Open(t.Context(), config(c))
			return err
		},
	} {
		if err := open(func(b []byte) []byte { return b }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := open(later); !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%s of a later format: %v", name, err)
		}
	}
	forged := append([]byte{1}, value[1:]...)
	forged[20] ^= 1
	if _, err := s.OpenValue("page", nil, forged); errors.Is(err, seal.ErrFormat) || !errors.Is(err, seal.ErrForged) {
		t.Errorf("forged bytes are called a later format: %v", err)
	}
}
