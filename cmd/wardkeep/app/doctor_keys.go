package app

import (
	"fmt"
	"time"

	"github.com/wardkeep/wardkeep/internal/rekey"
)

// How long keys are used (docs/controls.md, of SP 800-57), and how long replacing one
// takes at most, with all that may wait.
const (
	keyLife, longestKeyLife = 366 * day, 2 * 366 * day
	rotationTime            = day
	keptAfter               = 14 * day // an old version, once it may be dropped
)

// keys finds out whether a key is older than it should be, and whether replacing one came
// to a stop. A running server tells: the doctor opens nothing.
func (d *doctor) keys() {
	const name = "keys"
	if d.server == nil {
		return
	}
	if d.server.Keys == nil {
		d.add(name, warning, "the server cannot read how old they are", "wardkeep keys status")
		return
	}
	before := len(d.findings)
	now := d.clock.Now()
	for _, k := range d.server.Keys.Keys {
		age := now.Sub(k.Made)
		text := fmt.Sprintf("the %s key is %d days old", k.Key, age/day)
		remedy := "wardkeep keys rotate " + k.Key + " --dir " + d.cfg.Dir + " --reason …"
		switch {
		case !k.Current && !k.Dropped.IsZero() && now.After(k.Dropped.Add(keptAfter)):
			d.add(name, warning, fmt.Sprintf("version %d of the %s key is still needed, long after it was replaced: %d keys do not open", k.Version, k.Key, k.Damaged), "wardkeep audit verify --deep; wardkeep keys status tells what is sealed under it")
		case !k.Current || k.Made.IsZero() || !d.replaces(k.Key):
		case age > longestKeyLife:
			d.add(name, failure, text+": two years are the most", remedy)
		case age > keyLife:
			d.add(name, warning, text, remedy+", once a year")
		}
	}
	if w := d.server.Keys.UnderWay; w != nil && (w.Problem != "" || now.Sub(w.Begun) > rotationTime) {
		text := "replacing the " + w.Key + " key, begun on " + w.Begun.UTC().Format(time.DateOnly) + ", is not done"
		if w.Problem != "" {
			text += ": " + w.Problem
		}
		d.add(name, failure, text, "look at the server's log; wardkeep keys resume")
	}
	if len(d.findings) == before {
		d.add(name, fine, "none is older than a year, and none is being replaced for long", "")
	}
}

// replaces reports whether wardkeep keys rotate makes a key anew: that of the index it
// cannot, and a root in a service ages there.
func (d *doctor) replaces(key string) bool {
	return key != "index" && (key != rekey.KeyRoot || d.cfg.KMS == "")
}
