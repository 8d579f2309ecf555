package verify

import "fmt"

// ActionSpoolDamaged is the action of an entry that tells of a spool which was found
// altered, cut, exchanged or gone.
const ActionSpoolDamaged = "spool-damaged"

// spooled follows the entries that came by spools.
type spooled map[[16]byte]*spoolSeen

type spoolSeen struct {
	last, highest uint64
	numbers       map[uint64]bool
}

// spooled notes an entry. One of a spool may lie in several entries of the log, which
// then follow each other.
func (v *verifier) spooled(a *Account, at Finding) {
	if a.Action == ActionSpoolDamaged {
		v.report.SpoolAlarms++
	}
	if a.Spooled.Number == 0 {
		return
	}
	v.report.Spooled++
	s := v.spools[a.Spooled.Spool]
	if s == nil {
		s = &spoolSeen{numbers: map[uint64]bool{}}
		v.spools[a.Spooled.Spool] = s
	}
	n := a.Spooled.Number
	if s.numbers[n] && n != s.last {
		at.Code, at.Text = CodeSpool, fmt.Sprintf("entry %s of a spool was taken into the log twice", number(n))
		v.find(at)
	}
	s.numbers[n], s.last, s.highest = true, n, max(s.highest, n)
}

// checkSpools tells of entries of spools that never came. What a restore lost is told
// by its successor's declaration.
func (v *verifier) checkSpools() {
	if v.report.Trees > 1 {
		return
	}
	for id, s := range v.spools {
		if missing := s.highest - uint64(len(s.numbers)); missing > 0 {
			v.find(Finding{Code: CodeSpool, Text: fmt.Sprintf("of spool %x, %s entries before the last are not in the log", id, number(missing))})
		}
	}
}
