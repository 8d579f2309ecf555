// Package demo makes a synthetic hospital: staff, wards and patients with years
// of linked records, for demonstrations and for tests.
//
// Everything is a pure function of the options. The same options give the same
// bytes, on every machine: no clock, no file, no network and no random source
// but the seed is read. Nothing here describes a real person: names are drawn
// from lists of common names, numbers lie in ranges that are never issued, and
// every patient bears the security label HTEST.
package demo

import (
	"iter"
	"time"

	_ "time/tzdata" // the hospital's zone must not depend on the machine
)

// DefaultPatients is how many patients a hospital has if nobody says otherwise.
const DefaultPatients = 60

// MaxPatients bounds a hospital: the medical record numbers have seven digits
// before the check digit.
const MaxPatients = 900_000

// Options describe a hospital.
type Options struct {
	Seed uint64

	// Patients is the number of patients. 0 gives staff and wards only. The
	// traps belong to the first TrapPatients of them.
	Patients int

	// Now is the hospital's today and MUST be set. Nothing but appointments,
	// tomorrow's orders and ends of courses lies after it.
	Now time.Time
}

// Hospital is what Generate made. It is immutable and safe for concurrent use.
type Hospital struct {
	Staff []Staff

	opt   Options
	world *world
}

// Generate makes a hospital. Patients are made when Bundles is ranged over, one
// at a time, so that memory does not grow with their number.
func Generate(opt Options) *Hospital {
	if opt.Now.IsZero() {
		panic("demo: Options.Now is not set")
	}
	opt.Patients = min(max(opt.Patients, 0), MaxPatients)
	w := newWorld(opt)
	return &Hospital{Staff: staffCopy(), opt: opt, world: w}
}

// Bundles yields transaction bundles as minimal JSON, in the order in which
// they must be put in: organisations, wards and staff, then for each patient
// the record and, if a resource of it was corrected later, one bundle more for
// each further state, so that the history exists. Every entry is a PUT with a
// stable id. A bundle may refer to resources of a later one (a mother and her
// twins). The slices belong to the caller.
func (h *Hospital) Bundles() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !yield(bundle(h.world.infrastructure())) {
			return
		}
		for n := 1; n <= h.opt.Patients; n++ {
			c := h.world.patient(n)
			for _, stage := range c.stages {
				if len(stage) > 0 && !yield(bundle(stage)) {
					return
				}
			}
		}
	}
}

// PatientIDs returns the ids of all patients, in order.
func (h *Hospital) PatientIDs() []string {
	out := make([]string, h.opt.Patients)
	for i := range out {
		out[i] = patientID(i + 1)
	}
	return out
}

// Traps returns the traps that this hospital is large enough to hold.
func (h *Hospital) Traps() []Trap {
	var out []Trap
	for _, t := range Traps() {
		if t.last() <= h.opt.Patients {
			out = append(out, t)
		}
	}
	return out
}

// entry is one resource of a bundle.
type entry struct {
	typ, id string
	body    obj
}

// bundle writes a transaction of PUTs.
func bundle(entries []entry) []byte {
	dst := make([]byte, 0, 1024*len(entries))
	dst = append(dst, `{"resourceType":"Bundle","type":"transaction","entry":[`...)
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		url := e.typ + "/" + e.id
		dst = append(dst, `{"fullUrl":`...)
		dst = quote(dst, baseURL+url)
		dst = append(dst, `,"resource":`...)
		dst = writeObj(dst, e.body)
		dst = append(dst, `,"request":{"method":"PUT","url":`...)
		dst = quote(dst, url)
		dst = append(dst, `}}`...)
	}
	return append(dst, `]}`...)
}
