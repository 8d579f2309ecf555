package bulk

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/job"
	"github.com/wardkeep/wardkeep/internal/search"
)

// ExportKind is the kind of jobs that an Exporter carries out.
const ExportKind = "export"

// ExportSpec is what an export is asked for; package chart has planned it.
type ExportSpec struct {
	Types       []string
	Filters     map[string][][]search.Param
	Elements    []string
	Since       time.Time
	Compartment bool
	Group       string
	Patients    []string
}

// Exported is what an export leaves.
type Exported struct {
	Time time.Time `json:"transactionTime"`
}

// Exporter writes the records of one instant into files, in parts (Bulk Data
// Access 2.0, $export). A part and the mark that it is done are kept at once, so
// that a kill at any time repeats a part and never half of one.
type Exporter struct {
	Chart *chart.Chart
	// PartRecords and PartBytes bound one part, which is one file; 0: 50,000 and
	// 256 MiB.
	PartRecords int
	PartBytes   int64
}

const (
	partRecords    = 50_000
	partBytes      = 256 << 20
	deletionsAtOne = 500
)

// exportMark is how far an export is.
type exportMark struct {
	Snapshot chart.Snapshot `json:"snapshot"`
	Group    uint64         `json:"group,omitempty"` // version of the Group
	Type     int            `json:"type"`            // place of the type at hand
	Deleted  bool           `json:"deleted,omitempty"`
	After    uint64         `json:"after,omitempty"`
	Legs     []chart.Leg    `json:"legs,omitempty"` // of the type at hand
}

var _ job.Runner = (*Exporter)(nil)

// Run implements job.Runner.
func (x *Exporter) Run(ctx context.Context, r *job.Run) error {
	e := exporting{Exporter: x, run: r}
	err := r.Spec(&e.spec)
	if err == nil {
		err = r.Mark(&e.mark)
	}
	if err == nil {
		err = e.begin(ctx)
	}
	for err == nil && e.mark.Type < len(e.spec.Types) {
		err = e.part(ctx)
	}
	if err == nil {
		err = r.Finish(Exported{Time: e.mark.Snapshot.Time})
	}
	return err
}

// exporting is one run of an export.
type exporting struct {
	*Exporter
	run      *job.Run
	spec     ExportSpec
	mark     exportMark
	patients []string // nil: not confined to any
	total    int
}

func (e *exporting) begin(ctx context.Context) error {
	actor, err := e.run.Actor(ctx)
	if err != nil {
		return err
	}
	fresh := e.mark.Snapshot.Time.IsZero()
	if fresh {
		if e.mark.Snapshot, err = e.Chart.Snapshot(ctx); err != nil {
			return err
		}
	}
	if e.patients = e.spec.Patients; e.spec.Group != "" {
		members, version, err := e.Chart.GroupPatients(ctx, actor, e.spec.Group, e.mark.Group)
		if err != nil {
			return err
		}
		e.mark.Group = version
		if e.patients == nil {
			e.patients = members
		}
	}
	for _, f := range e.run.Job().Files {
		e.total += f.Count
	}
	if !fresh {
		return nil
	}
	return e.run.Save(ctx, e.mark)
}

// part writes the next part and the mark behind it.
func (e *exporting) part(ctx context.Context) error {
	actor, err := e.run.Actor(ctx) // his rights are those of the moment
	if err != nil {
		return err
	}
	if err := e.run.Vouch(ctx, actor); err != nil {
		return err
	}
	typ := e.spec.Types[e.mark.Type]
	e.run.Step(typ + ", " + strconv.Itoa(e.total) + " records so far")
	extent := chart.Extent{
		Type: typ, Filters: e.spec.Filters[typ], Since: e.spec.Since,
		Compartments: e.spec.Compartment, Patients: e.patients,
	}
	kind, of := "output", typ
	if e.mark.Deleted {
		kind, of = "deleted", "Bundle"
	}
	w, err := e.run.Create(ctx, kind, of)
	if err != nil {
		return err
	}
	defer w.Close()
	p := part{Writer: w, elements: e.spec.Elements, most: or(e.PartBytes, partBytes)}
	if e.mark.Deleted {
		err = e.deletions(ctx, actor, extent, &p)
	} else {
		err = e.records(ctx, actor, extent, &p)
	}
	if err == nil {
		err = p.flush()
	}
	if err != nil {
		return err
	}
	e.total += w.Count
	if w.Count == 0 {
		return e.run.Save(ctx, e.mark)
	}
	return e.run.Save(ctx, e.mark, w)
}

func or[T int | int64 | time.Duration](given, otherwise T) T {
	if given == 0 {
		return otherwise
	}
	return given
}

func (e *exporting) records(ctx context.Context, actor chart.Actor, x chart.Extent, p *part) error {
	leg, more, err := e.Chart.ExportLeg(ctx, actor, x, e.mark.Snapshot, e.mark.After, or(e.PartRecords, partRecords), p.lines)
	if err != nil {
		return err
	}
	e.mark.Legs, e.mark.After = append(e.mark.Legs, leg), leg.To
	if more {
		return nil
	}
	p.most = 0
	if err := e.Chart.ExportChanged(ctx, actor, x, e.mark.Snapshot, e.mark.Legs, p.lines); err != nil {
		return err
	}
	e.next()
	return nil
}

// next goes on to the deletions of a type, or to the next type.
func (e *exporting) next() {
	if !e.mark.Deleted && !e.spec.Since.IsZero() {
		e.mark.Deleted = true
	} else {
		e.mark.Deleted = false
		e.mark.Type++
	}
	e.mark.After, e.mark.Legs = 0, nil
}

func (e *exporting) deletions(ctx context.Context, actor chart.Actor, x chart.Extent, p *part) error {
	last, more, err := e.Chart.ExportDeleted(ctx, actor, x, e.mark.Snapshot, e.mark.After, or(e.PartRecords, partRecords), p.deletions)
	if e.mark.After = last; err == nil && !more {
		e.next()
	}
	return err
}

// part is a file that is being written.
type part struct {
	*job.Writer
	elements []string
	most     int64 // bytes after which the part ends; 0: none
	buf      bytes.Buffer
}

// lines writes records as NDJSON.
func (p *part) lines(list []chart.Resource) error {
	for _, res := range list {
		if len(p.elements) > 0 {
			p.buf.Write(res.Subset(fhir.Subset{Elements: p.elements}))
		} else {
			p.buf.Write(res.JSON())
		}
		p.buf.WriteByte('\n')
	}
	p.Count += len(list)
	if err := p.flush(); err != nil {
		return err
	}
	if p.most > 0 && p.Size >= p.most {
		return chart.ErrEnough
	}
	return nil
}

// deletions writes what is gone as Bundles of deletions, a line each.
func (p *part) deletions(list []chart.Resource) error {
	for run := range slices.Chunk(list, deletionsAtOne) {
		b := fhir.NewBundleWriter(&p.buf, fhir.BundleHead{Type: "transaction", Total: -1})
		for _, res := range run {
			b.Entry(fhir.EntryHead{Method: "DELETE", URL: res.TypeID.Type + "/" + res.TypeID.ID}, nil)
		}
		if err := b.Close(); err != nil {
			return err
		}
		p.buf.WriteByte('\n')
		p.Count++
	}
	return nil
}

func (p *part) flush() error {
	_, err := p.buf.WriteTo(p.Writer)
	return fault.Wrap(fault.Unavailable, "bulk.flush", err)
}
