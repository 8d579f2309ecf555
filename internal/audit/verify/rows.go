package verify

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// rows holds every version in the store against the entry that names it, both
// ways. Entries and versions are walked side by side, because they were
// committed together: what is remembered is only what is out of step.
type rows struct {
	*verifier
	pull    func() (version, error, bool)
	stop    func()
	ended   bool
	cut     bool            // before the end
	open    map[Ref]naming  // named by an entry, not met yet
	unnamed map[Ref]version // met, not named yet
	wrong   []mismatch
	amended map[Ref]naming // the last entry that sealed a version anew
	current []version      // waiting to be checked in one read
	deep    *deepCheck
}

// version is what is kept of a row.
type version struct {
	Ref
	position record.Position
	time     time.Time
	current  bool
	deleted  bool
	content  [32]byte
	index    [32]byte // if re-derived
	derived  bool
}

// naming is an entry's word on a version.
type naming struct {
	Written
	at time.Time // of the entry
}

type mismatch struct {
	version
	want Written
}

func newRows(v *verifier) *rows {
	r := &rows{verifier: v, open: map[Ref]naming{}, unnamed: map[Ref]version{}, amended: map[Ref]naming{}}
	if v.Deep != nil {
		r.deep = newDeepCheck(v)
	}
	r.pull, r.stop = iter.Pull2(r.all)
	return r
}

// maxHoles bounds how many places in a row that the engine cannot read are
// stepped over before the walk is given up.
const maxHoles = 4096

// all walks every version in the order of their commits. Positions are dense,
// so a place that the engine cannot read is stepped over.
func (r *rows) all(yield func(version, error) bool) {
	stopped := false
	after, holes := record.Position(0), 0
	for {
		err := r.Store.History(r.ctx, store.Span{After: after, Want: store.WantCard | store.WantBody}, func(row record.Row) error {
			after, holes = row.Position, 0
			if !yield(r.version(row), nil) {
				stopped = true
				return store.ErrStop
			}
			return nil
		})
		switch {
		case stopped || err == nil:
			return
		case errors.Is(err, store.ErrCorrupt) && holes < maxHoles:
			after++
			if holes++; holes == 1 {
				r.find(Finding{Code: CodeRowUnreadable, Position: uint64(after), Text: "the engine finds a version missing or damaged"})
			}
		default:
			yield(version{}, fmt.Errorf("walk the versions: %w", err))
			return
		}
	}
}

func (r *rows) version(row record.Row) version {
	v := version{
		Ref: Ref{row.Key, row.Version}, position: row.Position, time: row.Time, current: row.Current, deleted: row.Deleted,
		content: record.ContentDigest(row.Class, row.Deleted, row.Body, row.Card),
	}
	if r.deep != nil {
		v.index, v.derived = r.deep.row(row)
	}
	return v
}

// named takes in the versions that an entry says were written with it.
func (r *rows) named(written []Written, e *Entry) {
	for _, w := range written {
		r.report.Written++
		said := naming{w, e.Time}
		if met, ok := r.unnamed[w.Ref]; ok {
			delete(r.unnamed, w.Ref)
			r.compare(met, said)
		} else if _, twice := r.open[w.Ref]; twice {
			r.find(Finding{Code: CodeRowTwice, Record: w.Key.String(), Version: w.Version, Shard: shardName(e.Shard), Counter: e.Counter,
				Text: "two entries name the same version as written"})
		} else {
			r.open[w.Ref] = said
		}
		r.advance()
	}
}

// sealedAnew takes in the versions that an entry says were amended. What counts
// in the end is what the last such entry says, so all are kept until then.
func (r *rows) sealedAnew(amended []Written, e *Entry) {
	for _, w := range amended {
		if last, ok := r.amended[w.Ref]; !ok || !e.Time.Before(last.at) {
			r.amended[w.Ref] = naming{w, e.Time}
		}
	}
}

// advance takes in one version of the store; false at the end, or if the store
// cannot be read on.
func (r *rows) advance() bool {
	if r.ended {
		return false
	}
	v, err, ok := r.pull()
	if !ok || err != nil {
		r.ended = true
		if err != nil {
			r.cut = true
			r.find(Finding{Code: CodeRowUnreadable, Text: "the versions in the store cannot be read to the end: " + err.Error()})
		}
		return false
	}
	r.report.Rows++
	if w, ok := r.open[v.Ref]; ok {
		delete(r.open, v.Ref)
		r.compare(v, w)
	} else if _, twice := r.unnamed[v.Ref]; twice {
		r.findRow(CodeRowExtra, v, "the version is in the store twice")
	} else {
		r.unnamed[v.Ref] = v
	}
	r.current = append(r.current, v)
	if len(r.current) == tileWidth {
		r.checkCurrent()
	}
	return true
}

// maxApart is how far a version's time may lie from its entry's: the batch's
// time may lag behind its commit.
const maxApart = 2 * record.MaxSkew

func (r *rows) compare(v version, w naming) {
	if apart := v.time.Sub(w.at).Abs(); apart > maxApart {
		r.findRow(CodeRowTime, v, "the version's time is not that of the entry that was committed with it")
	}
	switch {
	case v.content != w.Content:
		r.wrong = append(r.wrong, mismatch{v, w.Written})
	case v.derived && v.index != w.Index:
		r.findRow(CodeIndex, v, "the tokens or edges that were written do not follow from the version's content")
	}
}

func (r *rows) findRow(code Code, v version, text string) {
	r.find(Finding{Code: code, Record: v.Key.String(), Version: v.Version, Position: uint64(v.position), Text: text})
}

// checkCurrent checks that the engine calls a version current exactly if no
// later one exists: an old version passed off as current is authentic in itself.
func (r *rows) checkCurrent() {
	refs := make([]store.Ref, 0, 2*len(r.current))
	for _, v := range r.current {
		refs = append(refs, store.Ref{Key: v.Key, Version: v.Version + 1}, store.Ref{Key: v.Key})
	}
	if len(refs) == 0 {
		return
	}
	got, err := r.Store.Get(r.ctx, refs, 0)
	if err != nil || len(got) != len(refs) {
		r.find(Finding{Code: CodeRowUnreadable, Text: "versions cannot be read by their keys"})
		r.current = r.current[:0]
		return
	}
	for i, v := range r.current {
		later, now := got[2*i].Version != 0, got[2*i+1]
		if v.current == later || now.Version < v.Version || v.current && (now.Version != v.Version || now.Position != v.position) {
			r.findRow(CodeRowCurrent, v, "the engine does not call the last version of this record its current one")
		}
	}
	r.current = r.current[:0]
}

// finish walks what is left and tells what found no partner.
func (r *rows) finish() error {
	for r.advance() {
		if err := r.ctx.Err(); err != nil {
			return err
		}
	}
	r.checkCurrent()
	r.checkAmended()
	r.tellWrong()
	for _, v := range sorted(r.unnamed) {
		r.findRow(CodeRowExtra, v, "no entry says that this version was written")
	}
	for _, w := range byKey(r.open) {
		if err := r.tellOpen(w); err != nil {
			return err
		}
	}
	if r.deep != nil {
		return r.deep.finish()
	}
	return nil
}

// checkAmended holds amended versions against the entries that say so: whoever
// puts back what was there before would take the version out of the index.
func (r *rows) checkAmended() {
	left := r.wrong[:0]
	for _, m := range r.wrong {
		a, ok := r.amended[m.Ref]
		delete(r.amended, m.Ref)
		switch {
		case !ok:
			left = append(left, m)
		case m.content != a.Content:
			left = append(left, mismatch{m.version, a.Written})
		case m.derived && m.index != a.Index:
			r.findRow(CodeIndex, m.version, "the tokens or edges that were added do not follow from the version's content")
		}
	}
	r.wrong = left
	for _, a := range byKey(r.amended) {
		if _, missing := r.open[a.Ref]; !missing {
			r.find(Finding{Code: CodeRowSwapped, Record: a.Key.String(), Version: a.Version, Text: "what was there before the version was amended was put back in its place"})
		}
	}
}

// tellOpen tells why a version that an entry names was not met.
func (r *rows) tellOpen(w naming) error {
	f := Finding{Code: CodeRowMissing, Record: w.Key.String(), Version: w.Version, Text: "a version that was written is gone"}
	got, err := r.Store.Get(r.ctx, []store.Ref{{Key: w.Key, Version: w.Version}}, store.WantCard|store.WantBody)
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		return fmt.Errorf("read a version: %w", err)
	}
	if err == nil && len(got) == 1 && got[0].Version == w.Version {
		if r.cut {
			return nil // the walk did not get there, which has been said
		}
		f.Code, f.Text = CodeRowTwice, "two entries name the same version as written"
	}
	r.find(f)
	return nil
}

// tellWrong names the versions that hold something else, and what it is where
// it can be told.
func (r *rows) tellWrong() {
	wanted := map[[32]byte]Ref{}
	for _, m := range r.wrong {
		wanted[m.want.Content] = m.Ref
	}
	for _, m := range r.wrong {
		if other, ok := wanted[m.content]; ok {
			r.findRow(CodeRowSwapped, m.version, fmt.Sprintf("the version holds what was written as record %s version %d", other.Key, other.Version))
		} else if old := r.earlier(m.version); old > 0 {
			r.findRow(CodeRowSwapped, m.version, fmt.Sprintf("version %d of the record was put back in its place", old))
		} else {
			r.findRow(CodeRowAltered, m.version, "the version does not hold what was written")
		}
	}
}

// earlier returns the other version of the record that holds the same, or 0.
func (r *rows) earlier(v version) (found uint64) {
	_ = r.Store.History(r.ctx, store.Span{Key: &v.Key, Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		if row.Version != v.Version && record.ContentDigest(row.Class, row.Deleted, row.Body, row.Card) == v.content {
			found = row.Version
			return store.ErrStop
		}
		return nil
	})
	return found
}
