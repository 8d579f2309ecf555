package seal_test

import (
	"errors"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func TestOpenFailsClosed(t *testing.T) {
	broken := errors.New("broken")
	for name, spoil := range map[string]func(*cells, *seal.Config){
		"another root":   func(_ *cells, conf *seal.Config) { conf.Keyring = local.New([32]byte{9}) },
		"another tenant": func(_ *cells, conf *seal.Config) { conf.Tenant = "south" },
		"failing store":  func(c *cells, _ *seal.Config) { c.err = broken },
		"missing cell":   func(c *cells, _ *seal.Config) { c.set(seal.TenantCell("north", 'a'), nil) },
		"empty cell":     func(c *cells, _ *seal.Config) { c.set(seal.TenantCell("north", 'a'), []byte{1}) },
		"another format": func(c *cells, _ *seal.Config) { c.get(seal.TenantCell("north", 'a'))[0]++ },
		"exchanged cells": func(c *cells, _ *seal.Config) {
			c.set(seal.TenantCell("north", 'a'), c.get(seal.TenantCell("north", 'd')))
		},
		"cut cell": func(c *cells, _ *seal.Config) {
			v := c.get(seal.TenantCell("north", 'i'))
			c.set(seal.TenantCell("north", 'i'), v[:len(v)-1])
		},
		"no tenant":       func(_ *cells, conf *seal.Config) { conf.Tenant = "" },
		"slash in tenant": func(_ *cells, conf *seal.Config) { conf.Tenant = "north/data" },
		"no keyring":      func(_ *cells, conf *seal.Config) { conf.Keyring = nil },
		"wide tokens":     func(_ *cells, conf *seal.Config) { conf.TokenBits = 65 },
	} {
		_, c := open(t)
		conf := config(c)
		spoil(c, &conf)
		if _, err := seal.Open(t.Context(), conf); err == nil || fault.Public(err) == err.Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileKeyCells(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1), key(2)}, "shared", "")
	alone := put(t, s, c, observation, []record.Key{key(1)}, "alone", "")
	one, two := s.SubjectCell(key(1)), s.SubjectCell(key(2))
	good := c.get(one)
	flipped := append([]byte(nil), good...)
	flipped[40] ^= 1
	for name, value := range map[string][]byte{
		"flipped": flipped, "cut": good[:50], "another's": c.get(two), "another format": {9}, "no versions": {1},
	} {
		c.set(one, value)
		s := reopen(t, config(c))
		if _, _, err := read(t, s, observation, alone); err == nil {
			t.Errorf("%s: opens", name)
		}
		if _, body, err := read(t, s, observation, sealed); err != nil || body != "shared" {
			t.Errorf("%s: shared: %v", name, err)
		}
		if _, err := s.Seal(t.Context(), observation, []record.Key{key(1)}, nil, nil); err == nil {
			t.Errorf("%s: a new key replaces a damaged one", name)
		}
	}
}

func TestStoreFails(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1)}, "b", "")
	s.Forget(key(1))
	c.err = errors.New("broken")
	_, errSeal := s.Seal(t.Context(), observation, []record.Key{key(1)}, nil, nil)
	_, errOpen := s.OpenCard(t.Context(), observation, sealed.Card)
	for _, err := range []error{errSeal, errOpen, s.Prefetch(t.Context(), [][]byte{sealed.Card}), s.Batch().Prepare(t.Context(), []record.Key{key(1)})} {
		if !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	}
}

func TestClosed(t *testing.T) {
	s, c := open(t)
	sealed := put(t, s, c, observation, []record.Key{key(1)}, realBody(t), "c")
	o, err := s.OpenCard(t.Context(), observation, sealed.Card)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, errSeal := s.Seal(t.Context(), observation, []record.Key{key(1)}, nil, nil)
	_, errNew := s.Seal(t.Context(), observation, []record.Key{key(3)}, nil, nil)
	_, errOpen := s.OpenCard(t.Context(), observation, sealed.Card)
	_, errBody := o.Body(sealed.Body)
	_, errValue := s.SealValue("page", nil, nil)
	for i, err := range []error{errSeal, errNew, errOpen, errBody, errValue} {
		if !errors.Is(err, seal.ErrClosed) || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d: %v", i, err)
		}
	}
	for name, f := range map[string]func(){
		"Token":      func() { s.Token("x", nil) },
		"Class":      func() { s.Class("x") },
		"Rel":        func() { s.Rel("x") },
		"NameDigest": func() { s.NameDigest("x", "y") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s works when closed", name)
				}
			}()
			f()
		}()
	}
	s.Close()
}

func FuzzKeyCells(f *testing.F) {
	s, c := open(f)
	sealed := put(f, s, c, observation, []record.Key{key(1)}, "body", "card")
	subject, tenant := s.SubjectCell(key(1)), seal.TenantCell("north", 'd')
	goodSubject, goodTenant := c.get(subject), c.get(tenant)
	f.Add(goodSubject, goodTenant)
	f.Add([]byte{1}, []byte{1})
	f.Add(goodSubject[:60], goodTenant[:20])
	f.Fuzz(func(t *testing.T, subjectCell, tenantCell []byte) {
		c.set(subject, subjectCell)
		s.Forget(key(1))
		if o, err := s.OpenCard(context(), observation, sealed.Card); err == nil && string(o.Card) != "card" {
			t.Fatal("a card opens under a key that was not made")
		}
		c.set(tenant, tenantCell)
		if other, err := seal.Open(context(), config(c)); err == nil {
			other.Close()
		}
		c.set(tenant, goodTenant)
	})
}
