package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

func callers(rates web.Rates) (*web.Callers, *clock.Manual) {
	c := clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	return web.NewCallers(rates, c, func(r *http.Request) string { return r.RemoteAddr }), c
}

// admitted counts how many of a caller's requests are let in, one after the other.
func admitted(t *testing.T, c *web.Callers, actor identity.Actor, of int) (n int) {
	t.Helper()
	for range of {
		leave, err := c.Admit(actor)
		if err == nil {
			n++
			leave()
		} else if !fault.Is(err, fault.Throttled) {
			t.Fatal(err)
		}
	}
	return n
}

// TestCallers: each has his own rate; sessions of one person share it, her apps do not.
func TestCallers(t *testing.T) {
	c, now := callers(web.Rates{Person: 5, Program: 50, Programs: map[string]int{"lab": 1, "feed": 0}})
	nurse := identity.Actor{Kind: identity.KindPerson, ID: "ann", SessionID: "one"}
	other, app := nurse, nurse
	other.SessionID, app.ClientID = "two", "app"
	client := func(id string) identity.Actor { return identity.Actor{Kind: identity.KindClient, ID: id} }
	for _, s := range []struct {
		who  identity.Actor
		want int
	}{
		{nurse, 20}, {other, 0}, {app, 20}, {identity.Actor{Kind: identity.KindPerson, ID: "bob"}, 20},
		{client("ann"), 200}, {client("lab"), 4}, {client("feed"), 300}, {identity.System("importer"), 300},
	} {
		if got := admitted(t, c, s.who, 300); got != s.want {
			t.Errorf("%+v: %d of 300, want %d", s.who, got, s.want)
		}
	}
	now.Advance(time.Second)
	if got := admitted(t, c, other, 300); got != 5 {
		t.Errorf("a second later: %d", got)
	}
	var nobody *web.Callers
	if admitted(t, nobody, nurse, 300) != 300 || nobody.AdmitStranger(nil) != nil {
		t.Error("without bounds there are some")
	}
}

func TestCallersAtOnce(t *testing.T) {
	c, _ := callers(web.Rates{AtOnce: 2})
	lab := identity.Actor{Kind: identity.KindClient, ID: "lab"}
	leave, err := c.Admit(lab)
	_, also := c.Admit(lab)
	_, third := c.Admit(lab)
	if err != nil || also != nil || !fault.Is(third, fault.Throttled) {
		t.Fatal(err, also, third)
	}
	leave()
	if _, err := c.Admit(lab); err != nil {
		t.Error("one has ended:", err)
	}
}

func TestStrangers(t *testing.T) {
	c, _ := callers(web.Rates{Address: 2})
	for _, s := range []struct {
		address string
		want    int
	}{{"192.0.2.7", 8}, {"192.0.2.8", 8}, {"2001:db8::1", 8}, {"2001:db8::2", 0}, {"2001:db8:0:1::2", 8}, {"::ffff:192.0.2.7", 0}} {
		n := 0
		for range 20 {
			r := httptest.NewRequest("GET", "/", nil)
			if r.RemoteAddr = s.address; c.AdmitStranger(r) == nil {
				n++
			}
		}
		if n != s.want {
			t.Errorf("%s: %d of 20, want %d", s.address, n, s.want)
		}
	}
}
