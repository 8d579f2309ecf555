package audit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// The cell that says which spool is in use and how many of its entries have been taken
// in. It is advanced in the batch that takes one, so that none is taken twice.
const spoolName = "spool"

// SpoolState is what that cell says.
type SpoolState struct {
	Spool  [16]byte // zero: there was none yet
	Taken  uint64   // entries taken in
	Before [16]byte // the spool before, all of which was taken in; zero: there was none
}

const spoolFormat = 1

func (s SpoolState) cell() record.Cell {
	value := append([]byte{spoolFormat}, s.Spool[:]...)
	value = binary.BigEndian.AppendUint64(value, s.Taken)
	return record.Cell{Space: record.SpaceTree, Name: []byte(spoolName), Value: append(value, s.Before[:]...)}
}

var errSpoolState = errors.New("the state of the audit spool is malformed")

// SpoolState reads it.
func (l *Log) SpoolState(ctx context.Context) (s SpoolState, err error) {
	value, err := l.cell(ctx, record.SpaceTree, []byte(spoolName))
	if err != nil || value == nil {
		return s, err
	}
	if len(value) != 41 || value[0] != spoolFormat {
		return s, fault.Wrap(fault.Internal, "audit.SpoolState", errSpoolState)
	}
	copy(s.Spool[:], value[1:17])
	copy(s.Before[:], value[25:])
	s.Taken = binary.BigEndian.Uint64(value[17:25])
	return s, nil
}

// SetSpool puts one state in the place of another, if that is still what it is.
func (l *Log) SetSpool(ctx context.Context, was, next SpoolState) error {
	const op = "audit.SetSpool"
	if err := l.usable(TakingIn(ctx, Intake{}), op); err != nil {
		return err
	}
	b := record.Batch{Time: l.cfg.Clock.Now()}
	advance(&b, was, next)
	receipt, err := l.commit(ctx, op, b, nil)
	if err != nil {
		return err
	}
	return receipt.Wait()
}

// Intake is an entry of a spool on its way into the log.
type Intake struct {
	Spooled
	Time time.Time // when it was kept in the spool
}

type intakeKey struct{}

// TakingIn returns a context under which what is logged comes by the spool. Its
// events bear the mark of it and their own time, and ErrTaken says that they are in the
// log already. With the zero Intake it only passes Hold.
func TakingIn(ctx context.Context, i Intake) context.Context {
	return context.WithValue(ctx, intakeKey{}, &i)
}

func takingIn(ctx context.Context) *Intake {
	i, _ := ctx.Value(intakeKey{}).(*Intake)
	return i
}

// ErrTaken says that an entry of a spool is in the log already.
var ErrTaken = errors.New("the entry of the spool has been taken in before")

var errNotNext = errors.New("an entry of a spool is not the next one to be taken in")

// takeIn marks the events of an entry of a spool, and has the batch count it.
func (l *Log) takeIn(ctx context.Context, b *record.Batch, events []Event) error {
	const op = "audit.takeIn"
	i := takingIn(ctx)
	if i == nil || i.Number == 0 {
		return nil
	}
	state, err := l.SpoolState(ctx)
	switch {
	case err != nil:
		return err
	case state.Spool == i.Spool && i.Number <= state.Taken:
		return ErrTaken
	case state.Spool != i.Spool || i.Number != state.Taken+1:
		return fault.Wrap(fault.Internal, op, errNotNext)
	}
	for n := range events {
		events[n].Time, events[n].Spooled = i.Time, i.Spooled
	}
	next := state
	next.Taken++
	advance(b, state, next)
	return nil
}

// advance has the batch put one state in the place of another, or fail.
func advance(b *record.Batch, was, next SpoolState) {
	before := was.cell()
	if was == (SpoolState{}) {
		before.Value = nil
	}
	b.Cells = append(slices.Clip(b.Cells), next.cell())
	b.Guards = append(slices.Clip(b.Guards), record.Guard{Cell: &before})
}

// AppendEvent appends the bytes of an event: those of its accountability part and of
// its content part, each behind its length (docs/formats/spool.md).
func AppendEvent(buf []byte, e Event) []byte {
	e.Items = slices.Clone(e.Items)
	account, content := e.account(e.Patients, e.Items), e.content(e.Items)
	for _, part := range [][]byte{account.Append(nil), content.Append(nil)} {
		buf = append(binary.BigEndian.AppendUint32(buf, uint32(len(part))), part...)
	}
	return buf
}

var errEvent = errors.New("malformed event")

// ParseEvent reads what AppendEvent wrote, and returns what follows it.
func ParseEvent(src []byte) (e Event, rest []byte, err error) {
	var parts [2][]byte
	for i := range parts {
		if len(src) < 4 || int64(binary.BigEndian.Uint32(src)) > int64(len(src)-4) {
			return e, nil, errEvent
		}
		end := 4 + int(binary.BigEndian.Uint32(src))
		parts[i], src = src[4:end], src[end:]
	}
	account, err := verify.ParseAccount(parts[0])
	if err != nil {
		return e, nil, fmt.Errorf("audit.ParseEvent: %w", err)
	}
	e = eventOf(account)
	if len(parts[1]) == 0 {
		return e, src, nil
	}
	content, err := verify.ParseContent(parts[1])
	if err != nil {
		return e, nil, fmt.Errorf("audit.ParseEvent: %w", err)
	}
	e.fill(content)
	return e, src, nil
}
