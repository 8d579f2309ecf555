// Package collector sends what is logged to another system while it is being
// logged: audit entries in the order of the tree, and the lines of the request
// log, as syslog (RFC 5424) over TLS (RFC 5425).
package collector

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Severities of RFC 5424 §6.2.1 that are used.
const (
	alert         = 1
	failure       = 3
	warning       = 4
	notice        = 5
	informational = 6
	debug         = 7
)

// Facilities: audit entries go where IHE ATNA (ITI-20) sends its own, to security.
const (
	daemon   = 3
	security = 10
)

// sequences of one sender start at 1 and end here (RFC 5424 §7.3.1).
const lastSequence = 1<<31 - 1

// message is one line to be sent. text is JSON.
type message struct {
	facility, severity int
	time               time.Time
	id                 string // MSGID: audit, checkpoint or line
	sequence           uint64 // of lines, by which a receiver sees what is missing; 0: none
	text               []byte
}

// origin is what stays the same in every message.
type origin struct {
	host, process string
}

// frame appends a message by octet counting (RFC 5425 §4.3).
func (o origin) frame(buf []byte, m message) []byte {
	data := "-"
	if m.sequence > 0 {
		data = fmt.Sprintf(`[meta sequenceId="%d"]`, (m.sequence-1)%lastSequence+1)
	}
	head := fmt.Sprintf("<%d>1 %s %s wardkeep %s %s %s ", m.facility*8+m.severity,
		m.time.UTC().Format("2006-01-02T15:04:05.000000Z"), named(o.host, 255), named(o.process, 128), m.id, data)
	buf = strconv.AppendInt(buf, int64(len(head)+len(m.text)), 10)
	buf = append(append(buf, ' '), head...)
	return append(buf, m.text...)
}

// named is text as a header field takes it: printable ASCII without spaces.
func named(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), most)]
}
