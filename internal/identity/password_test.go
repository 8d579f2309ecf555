package identity_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestPasswordRules(t *testing.T) {
	w := newWorld(t)
	cases := map[string]bool{
		goodPassword:                      true,
		"ключ под ковриком":               true,
		"correct horse battery":           true,
		"zebra47!walrus":                  true,
		"heronsx":                         false, // 7
		"herons x":                        true,  // 8
		"ünïcödé pass":                    true,  // 12 characters, more bytes
		"password1234":                    false,
		"1qaz2wsx":                        false,
		"brooklyn":                        false,
		"P@ssw0rd2026!!":                  false,
		"passwordpassword":                false,
		"123456789012":                    false,
		"abcdefghijklm":                   false,
		"aaaaaaaaaaaaaaaa":                false,
		"ababababababab":                  false,
		"ana.okafor2026":                  false,
		"OkaforOkafor1!":                  false,
		"Wardkeep-2026":                   false,
		"qwertyuiop123":                   false,
		"Welcome!!!!!!!":                  false,
		"tab\tin the middle of it":        false,
		strings.Repeat("long enough ", 9): true,
		strings.Repeat("x yz", 300):       false, // more than 1024 bytes
		"bad utf8 \xff\xfe here it is":    false,
	}
	i := 0
	for password, ok := range cases {
		i++
		name := "ana.okafor" + strings.Repeat("x", i)
		_, _, err := w.Provision(ctx, operator, identity.NewPerson{UserName: name, Given: "Ana", Family: "Okafor"},
			identity.Credentials{Password: password})
		if (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Error("the error holds the password")
		}
	}
}

// Composed and decomposed letters are one password.
func TestPasswordNormalised(t *testing.T) {
	w := newWorld(t)
	p, e, err := w.Provision(ctx, operator, identity.NewPerson{UserName: "ana", Family: "X"},
		identity.Credentials{Password: "caf\u00e9 in the morning"})
	must(t, err)
	_, err = w.trySignIn(somebody{p, e.Secret}, "cafe\u0301 in the morning", ward)
	must(t, err)
}

func TestArgon2id(t *testing.T) {
	w := newWorld(t)
	w.config.Derive = nil
	w.Service = w.another()
	ana := w.add("ana.okafor", "nurse")
	var stored struct {
		PasswordHash string `json:"passwordHash"`
	}
	doc, err := w.records.Get(ctx, identity.TypeUser, ana.ID)
	must(t, err)
	must(t, json.Unmarshal(doc.Body, &stored))
	if !strings.HasPrefix(stored.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash %.32s", stored.PasswordHash)
	}
	w.signIn(ana)
	_, err = w.trySignIn(ana, goodPassword+" ", ward)
	wantKind(t, err, fault.Unauthenticated)
}

// A change of cost is taken over when a session is unlocked, never at Begin,
// where the extra time would tell that the password was right.
func TestRehash(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	old, _ := w.records.Get(ctx, identity.TypeUser, ana.ID)
	w.config.Cost = identity.Cost{Passes: 3, Memory: 19 * 1024, Threads: 1}
	w.Service = w.another()
	before := w.derived.Load()
	g := w.signIn(ana)
	if n := w.derived.Load() - before; n != 1 {
		t.Fatalf("%d derivations at sign-in", n)
	}
	g, err := w.Unlock(ctx, g.Token, goodPassword, ward)
	must(t, err)
	w.resume(g)
	now, _ := w.records.Get(ctx, identity.TypeUser, ana.ID)
	if !strings.Contains(string(now.Body), "t=3,p=1") || strings.Contains(string(old.Body), "t=3,p=1") {
		t.Fatal("not hashed anew")
	}
	w.signIn(ana)
}

// No more derivations run at once than allowed, and a long queue is refused.
func TestHashingIsLimited(t *testing.T) {
	w := newWorld(t)
	cheap := w.config.Derive
	var running, most atomic.Int64
	open := make(chan struct{})
	w.config.Hashing = 2
	w.config.Derive = func(p, s []byte, c identity.Cost, n uint32) []byte {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		<-open
		return cheap(p, s, c, n)
	}
	s := w.another()
	var wait sync.WaitGroup
	var refused atomic.Int64
	for i := range 160 {
		wait.Go(func() {
			o := identity.Origin{Source: fmt.Sprintf("192.0.2.%d", i)}
			_, err := s.Begin(ctx, "user"+strings.Repeat("x", i%50)+string(rune('a'+i/50)), "x", o)
			if fault.Is(err, fault.Throttled) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	close(open)
	wait.Wait()
	if most.Load() > 2 {
		t.Fatalf("%d at once", most.Load())
	}
}

func BenchmarkArgon2id(b *testing.B) {
	for b.Loop() {
		argon2.IDKey([]byte(goodPassword), make([]byte, 16), 2, 19*1024, 1, 32)
	}
}
