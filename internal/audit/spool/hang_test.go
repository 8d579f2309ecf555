package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/spool"
)

// TestRenewFails: a spool whose entries are taken but that could not be replaced takes no
// others: they would never be looked for.
func TestRenewFails(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	add(t, s, "one")
	dir := filepath.Dir(c.Path)
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Renew(spool.NewID(), 1); done || err == nil {
		t.Fatalf("%t, %v", done, err)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append([]byte("two")); err == nil || s.Idle() {
		t.Error("an entry was kept in a spool that was taken")
	}
	if done, err := s.Renew(spool.NewID(), 1); !done || err != nil {
		t.Fatalf("again: %t, %v", done, err)
	}
	add(t, s, "three")
}

// TestHangs: nobody waits for a device that hangs, whatever it was asked for; and what it
// does late does not undo what comes after.
func TestHangs(t *testing.T) {
	for name, ask := range map[string]func(*spool.Spool) error{
		"to read":  func(s *spool.Spool) error { _, err := s.Read(); return err },
		"to renew": func(s *spool.Spool) error { _, err := s.Renew(spool.ID{7}, s.Last()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			var hang atomic.Pointer[chan struct{}]
			answered := make(chan struct{}, 1)
			wait := func() {
				if c := hang.Load(); c != nil {
					<-*c
					defer func() { answered <- struct{}{} }()
				}
			}
			c := config(t)
			c.Patience = 50 * time.Millisecond
			c.Read = func(path string) ([]byte, error) { wait(); return os.ReadFile(path) }
			c.Open = func(path string) (spool.File, error) { wait(); return os.OpenFile(path, os.O_WRONLY, 0) }
			s := begun(t, c)
			add(t, s, "one")
			until := make(chan struct{})
			hang.Store(&until)
			for range 2 { // the second is not asked for before the first has been
				told := make(chan error, 1)
				go func() { told <- ask(s) }()
				select {
				case err := <-told:
					if err == nil {
						t.Error("done by a device that hangs")
					}
				case <-time.After(20 * time.Second): // the machine may be busy
					t.Fatal("no answer")
				}
			}
			hang.Store(nil)
			close(until)
			<-answered
			for done := false; !done; time.Sleep(time.Millisecond) { // what the device still does is over soon
				done, _ = s.Renew(spool.ID{8}, 1)
			}
			add(t, s, "two")
			if entries, err := s.Read(); err != nil || texts(entries) != "1=two " {
				t.Errorf("%s, %v", texts(entries), err)
			}
		})
	}
}

// TestCutShort: a file that lost its end, or grew, is told although all that is left opens.
func TestCutShort(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	add(t, s, "one", "two")
	whole := read(t, c.Path)
	for name, text := range map[string][]byte{"cut": whole[:endsOf(whole)[0]], "grown": append(bytes.Clone(whole), 0)} {
		if err := os.WriteFile(c.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *spool.DamagedError
		if _, entries, err := spool.Open(c); !errors.As(err, &damaged) || len(entries) == 0 {
			t.Errorf("%s: %s, %v", name, texts(entries), err)
		}
	}
}
