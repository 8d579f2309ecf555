package app

import (
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/rekey"
)

// TestDoctorOfKeys: keys that are too old, versions that stay and replacements that came to
// a stop are told, and nothing else is.
func TestDoctorOfKeys(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	of := func(key string, days int) rekey.Key {
		return rekey.Key{Key: key, Version: 2, Current: true, Made: ago(days)}
	}
	old := rekey.Key{Key: "data", Version: 1, Made: ago(900), Dropped: ago(3)}
	kept := old
	kept.Dropped, kept.Damaged = ago(30), 7
	for name, c := range map[string]struct {
		keys  []rekey.Key
		work  *rekey.UnderWay
		kms   string
		state string
		says  string
	}{
		"young":                  {[]rekey.Key{of("root", 10), of("data", 300)}, nil, "", fine, "none is older"},
		"older than a year":      {[]rekey.Key{of("root", 10), of("blob", 400)}, nil, "", warning, "blob key is 400 days"},
		"older than two":         {[]rekey.Key{of("audit", 800)}, nil, "", failure, "audit key is 800 days"},
		"of the index":           {[]rekey.Key{of("index", 2000)}, nil, "", fine, ""},
		"the root":               {[]rekey.Key{of("root", 800)}, nil, "", failure, "root key"},
		"the root, in a service": {[]rekey.Key{of("root", 800)}, nil, "awskms:///x?region=y", fine, ""},
		"not known how old":      {[]rekey.Key{{Key: "data", Current: true}}, nil, "", fine, ""},
		"replaced of late":       {[]rekey.Key{of("data", 4), old}, nil, "", fine, ""},
		"one that stays":         {[]rekey.Key{of("data", 40), kept}, nil, "", warning, "7 keys do not open"},
		"being replaced":         {nil, &rekey.UnderWay{Key: "data", Begun: now.Add(-time.Hour)}, "", fine, ""},
		"for days":               {nil, &rekey.UnderWay{Key: "data", Begun: ago(3)}, "", failure, "begun on 2026-11-19"},
		"came to a stop":         {nil, &rekey.UnderWay{Key: "data", Begun: now, Problem: "no room"}, "", failure, "no room"},
	} {
		d := &doctor{cfg: config.Config{KMS: c.kms}, clock: clock.NewManual(now), server: &serverState{Keys: &rekey.Status{Keys: c.keys, UnderWay: c.work}}}
		d.keys()
		if len(d.findings) != 1 || d.findings[0].State != c.state || !strings.Contains(d.findings[0].Text, c.says) {
			t.Errorf("%s: %+v", name, d.findings)
		}
	}
	d := &doctor{clock: clock.NewManual(now), server: &serverState{}}
	if d.keys(); len(d.findings) != 1 || d.findings[0].State != warning {
		t.Errorf("nothing is known: %+v", d.findings)
	}
}
