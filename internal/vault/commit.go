package vault

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Change is one new version of one record.
type Change struct {
	TypeID
	// Expect is the version the caller decided on; 0: none existed. The commit
	// fails with fault.Conflict if the record has another by then.
	Expect uint64
	// Resource becomes version Expect+1, stamped with its id, version and time.
	// Nil makes a tombstone.
	Resource *fhir.Resource
	// Patients are whose compartment a tombstone belongs to: those of the
	// version it hides. Resources say it themselves.
	Patients []record.Key
	Posted   bool // it is created by POST

	doc *document // an internal record instead of a resource
}

// Absent demands that nothing committed after After bears any of the tokens,
// and that nobody else took the Turn meanwhile. Tokens stop every new match, but
// some conditions rest on none; a Turn stops whoever puts the same condition.
type Absent struct {
	Tokens []record.Token
	After  record.Position
	Turn   Turn
}

// Turn is a place in the queue of those who commit on one condition. It MUST be
// taken before the condition is looked into. The zero Turn stops nobody.
type Turn struct{ name, last []byte }

// Turn takes a place in the queue of a condition, which is kept as a digest.
func (v *Vault) Turn(ctx context.Context, condition string) (Turn, error) {
	name := v.sealer.ShortDigest("turn", condition)
	values, err := v.store.Cells(ctx, record.SpaceShort, [][]byte{name})
	if err != nil {
		return Turn{}, v.storeFault("vault.Turn", err)
	}
	return Turn{name: name, last: bytes.Clone(values[0])}, nil
}

// turnLife is how long a turn that was taken is remembered: far longer than
// anybody who read the queue before may still be about to commit.
const turnLife = time.Hour

// Tx is a set of changes that happen together, with the events that tell of
// them, or not at all. A record may be changed once.
type Tx struct {
	Changes []Change
	Docs    []DocWrite // internal records that change together with them
	Absent  []Absent
	Jobs    []Job
	// Event tells of the changes. Its Time is set, and the versions written and
	// the patients concerned are added.
	Event audit.Event
	// Emergency are patients whose charts are open by an emergency: the event of a
	// change that concerns one of them has the purpose audit.PurposeEmergency.
	Emergency PatientSet
}

// Job is a mark of progress that is committed with the changes it counts.
type Job struct{ Name, Value string }

// maxTries bounds how often a commit is prepared anew after losing a race for
// a name or a patient's key, which any later attempt finds settled.
const maxTries = 16

// Commit makes the changes durable and returns the new versions of Changes in
// order. It returns once they, and their audit entry, are on the device.
func (v *Vault) Commit(ctx context.Context, tx Tx) ([]Record, error) {
	own := len(tx.Changes)
	tx, err := v.withDocs(ctx, tx)
	if err != nil {
		return nil, err
	}
	var lost error
	for range maxTries {
		records, receipt, err := v.tryCommit(ctx, tx)
		if err == nil {
			if err := receipt.Wait(); err != nil {
				return nil, v.storeFault("vault.Commit", err)
			}
			place(records, receipt.Last())
			return records[:own], nil
		}
		lost = err
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if !errors.Is(err, store.ErrGuard) {
			return nil, v.storeFault("vault.Commit", err)
		}
		if err := v.checkExpected(ctx, tx); err != nil {
			return nil, err
		}
		if len(tx.Absent) > 0 {
			return nil, fault.Wrap(fault.Conflict, "vault.Commit", err)
		}
	}
	return nil, v.storeFault("vault.Commit", lost) // a clock that stays behind is no conflict
}

func (v *Vault) tryCommit(ctx context.Context, tx Tx) ([]Record, store.Receipt, error) {
	v.catalog.writing.RLock()
	defer v.catalog.writing.RUnlock()
	now := v.clock.Now().Truncate(time.Millisecond)
	p := preparation{vault: v, now: now, batch: record.Batch{Time: now}}
	records, err := p.prepare(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	event := tx.Event
	event.Time, event.Items = now, append(slices.Clone(event.Items), p.items...)
	event.Patients = p.patients(event.Patients...)
	if tx.Emergency.HasAny(event.Patients) {
		event.Purpose = audit.PurposeEmergency
	}
	receipt, err := v.log.Commit(ctx, p.batch, event)
	if err != nil {
		return nil, nil, err
	}
	v.names.put(p.names)
	v.counters.add(&p, records)
	return records, receipt, nil
}

// checkExpected tells a lost race for a record from one for a name or key.
func (v *Vault) checkExpected(ctx context.Context, tx Tx) error {
	refs := make([]Ref, len(tx.Changes))
	for i, c := range tx.Changes {
		refs[i].TypeID = c.TypeID
	}
	current, err := v.Read(ctx, refs)
	if err != nil {
		return err
	}
	for i, c := range tx.Changes {
		if current[i].Version != c.Expect {
			return fault.New(fault.Conflict, "vault.Commit", "")
		}
		if c.doc != nil {
			if err := v.checkUnique(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// place fills in the positions, which are known only after the commit.
func place(records []Record, last record.Position) {
	first := last - record.Position(len(records)) + 1
	for i := range records {
		records[i].Position = first + record.Position(i)
	}
}

// sortedKeys returns the distinct keys of a set in order.
func sortedKeys(set map[record.Key]struct{}) []record.Key {
	keys := make([]record.Key, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b record.Key) int { return slices.Compare(a[:], b[:]) })
	return keys
}
