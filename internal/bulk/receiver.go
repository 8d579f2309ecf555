package bulk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/job"
)

// ImportKind is the kind of jobs that a Receiver carries out.
const ImportKind = "import"

// ImportSpec is what an import is asked for. Base is the address that references
// to other records of the import may begin with; "" for none.
type ImportSpec struct {
	Base   string
	Inputs []ImportInput
}

// ImportInput is an NDJSON file of one type, as another server offers it.
type ImportInput struct{ Type, URL string }

// Imported is what an import leaves.
type Imported struct {
	Time   time.Time       `json:"transactionTime"`
	Output []ImportedInput `json:"output"`
}

// ImportedInput says how many records of an input were stored.
type ImportedInput struct {
	Type     string `json:"type"`
	InputURL string `json:"inputUrl"`
	Count    int    `json:"count"`
}

// Receiver files what other servers offer, in the name of whoever asked for it
// ($import of the SMART bulk import proposal). Each unit is committed with a mark,
// so that a kill at any time leaves no unit out and does none twice.
type Receiver struct {
	Filing *Filing
	Clock  clock.Clock
	// Client reaches the sources. It MUST keep to those that may be called.
	Client interface {
		Do(*http.Request) (*http.Response, error)
	}
	// Idle is how long a source may send nothing; 0: a minute.
	Idle time.Duration
}

// maxRefusals bounds the lines of one input that are refused before the rest of
// it is left unread: a file of another kind is not worth a finding for each line.
const maxRefusals = 10_000

// importMark is how far an import is.
type importMark struct {
	Stored []int `json:"stored"` // of each input that is done
}

var _ job.Runner = (*Receiver)(nil)

// Run implements job.Runner.
func (x *Receiver) Run(ctx context.Context, r *job.Run) error {
	e := receiving{Receiver: x, run: r}
	err := r.Spec(&e.spec)
	if err == nil {
		err = r.Mark(&e.mark)
	}
	for err == nil && len(e.mark.Stored) < len(e.spec.Inputs) {
		err = e.input(ctx, len(e.mark.Stored))
	}
	if err != nil {
		return err
	}
	left := Imported{Time: x.Clock.Now(), Output: []ImportedInput{}}
	for i, in := range e.spec.Inputs {
		left.Output = append(left.Output, ImportedInput{Type: in.Type, InputURL: in.URL, Count: e.mark.Stored[i]})
	}
	return r.Finish(left)
}

// receiving is one run of an import.
type receiving struct {
	*Receiver
	run  *job.Run
	spec ImportSpec
	mark importMark

	// Of the input at hand:
	units, stored, refused int
	through                int         // the last line that was settled
	errors                 *job.Writer // nil as long as nothing was refused
}

// input files one input and moves the mark behind it.
func (e *receiving) input(ctx context.Context, i int) error {
	e.units, e.stored, e.refused, e.through, e.errors = 0, 0, 0, 0, nil
	defer func() {
		if e.errors != nil {
			_ = e.errors.Close()
		}
	}()
	var stopped error // by this server: what is wrong with the source is reported
	err := e.fetch(ctx, e.spec.Inputs[i].URL, func(u Unit) error {
		if e.refused >= maxRefusals {
			return errManyRefused
		}
		stopped = e.unit(ctx, i, u)
		return stopped
	})
	switch {
	case stopped != nil:
		return stopped
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		text := "Nothing was stored from line " + strconv.Itoa(e.through+1) + " on: " + cause(err)
		if err := e.refuse(ctx, i, fault.Issue{Severity: "fatal", Code: "incomplete", Text: text}); err != nil {
			return err
		}
	}
	e.mark.Stored = append(e.mark.Stored, e.stored)
	if e.errors == nil {
		return e.run.Save(ctx, e.mark)
	}
	return e.run.Save(ctx, e.mark, e.errors)
}

// unit files a unit with the rights of the moment.
func (e *receiving) unit(ctx context.Context, i int, u Unit) error {
	in := e.spec.Inputs[i]
	actor, err := e.run.Actor(ctx)
	if err == nil {
		err = e.Filing.Chart.MayImport(ctx, actor, in.Type)
	}
	if err != nil {
		return err
	}
	// What a unit refers to by a condition must be there by then: nothing is
	// kept in memory for later.
	u.Type, u.Base, u.Last = in.Type, e.spec.Base, true
	mark := fmt.Sprintf("import/%s/%d/%d/%s", e.run.Job().ID, i, e.units, u.ID())
	report, err := e.Filing.File(ctx, actor, mark, u)
	if err != nil {
		return err
	}
	e.units++
	e.stored += report.Accepted[in.Type]
	if len(u.Numbers) > 0 {
		e.through = u.Numbers[len(u.Numbers)-1]
	}
	for _, r := range report.Refused {
		if err := e.refuse(ctx, i, fault.Issue{Text: r.Place + ": " + r.Reason}); err != nil {
			return err
		}
	}
	e.run.Step(fmt.Sprintf("inputs[%d] %s, %d stored and %d refused so far", i, in.Type, e.stored, e.refused))
	return nil
}

// refuse writes a finding into the file of them.
func (e *receiving) refuse(ctx context.Context, i int, issue fault.Issue) error {
	if e.errors == nil {
		w, err := e.run.Create(ctx, "error", "OperationOutcome")
		if err != nil {
			return err
		}
		e.errors = w
	}
	issue.Text = "inputs[" + strconv.Itoa(i) + "], " + issue.Text
	e.refused++
	e.errors.Count++
	_, err := e.errors.Write(append(fhir.OutcomeOf(issue), '\n'))
	return fault.Wrap(fault.Unavailable, "bulk.refuse", err)
}

var errManyRefused = errors.New("too many lines were refused")
