package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// ills are what a device may do to the store's log.
var ills = map[string]func(*sickDisk, errorfs.Op) error{
	"the disk is full": func(_ *sickDisk, op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite {
			return syscall.ENOSPC
		}
		return nil
	},
	"a sync fails": func(_ *sickDisk, op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSync {
			return syscall.EIO
		}
		return nil
	},
	"a sync hangs": func(d *sickDisk, op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSync {
			<-d.heals
		}
		return nil
	},
}

// sickDisk is a disk that falls ill.
type sickDisk struct {
	vfs.FS
	ill   *errorfs.Toggle
	heals chan struct{}
	once  sync.Once
}

func newSickDisk(ill func(*sickDisk, errorfs.Op) error) *sickDisk {
	d := &sickDisk{heals: make(chan struct{})}
	d.ill = &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !strings.HasSuffix(op.Path, ".log") {
			return nil
		}
		return ill(d, op)
	})}
	d.FS = errorfs.Wrap(vfs.Default, d.ill)
	return d
}

func (d *sickDisk) heal() {
	d.ill.Off()
	d.once.Do(func() { close(d.heals) })
}

// outing is a clinic with two patients on a device, and people in it.
type outing struct {
	*House
	t             *testing.T
	dir           string
	handler       http.Handler
	doctor, nurse identity.Actor
}

func openOuting(t *testing.T, dir string, d *sickDisk) *outing {
	t.Helper()
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB = dir, 8
	var opt Options
	if d != nil {
		opt.FS = d
	}
	h, err := OpenHouse(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), nil)), opt)
	if err != nil {
		t.Fatal(err)
	}
	o := &outing{House: h, t: t, dir: dir}
	t.Cleanup(o.close)
	if err := h.wantSpool(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o.handler, _, err = (&Server{House: h, Version: "test"}).handler(); err != nil {
		t.Fatal(err)
	}
	o.doctor = identity.Actor{Kind: identity.KindPerson, ID: "eve", Name: "Eve", Roles: []string{"doctor"}, MFA: identity.AssuranceMulti, SessionID: "s", AuthTime: h.Clock.Now(), Purpose: "TREAT"}
	o.nurse = identity.Actor{Kind: identity.KindPerson, ID: "nora", Roles: []string{"nurse"}, WardIDs: []string{"east"}, MFA: identity.AssuranceMulti, SessionID: "n", Purpose: "TREAT"}
	return o
}

func (o *outing) close() {
	if o.House != nil {
		_ = o.House.Close(context.Background())
		o.House = nil
	}
}

// soon is the context of a request, and fails a test that takes longer than anybody
// may have to wait.
func (o *outing) soon(what string, do func(ctx context.Context) error) error {
	o.t.Helper()
	done := make(chan error, 1)
	go func() { done <- do(audit.Hurry(context.Background(), answerWithin)) }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second): // not 2 s: the machine may be busy
		o.t.Fatalf("%s: no answer", what)
		return nil
	}
}

func (o *outing) see(a identity.Actor, page, patient string) error {
	o.t.Helper()
	return o.soon("a page", func(ctx context.Context) error {
		search := "Observation?patient=" + patient
		if patient == "" {
			search = "Patient?_id=ann"
		}
		_, err := o.Chart.View(ctx, a, chart.ViewRequest{Name: page, Patient: patient, Searches: []string{search}})
		return err
	})
}

// fallIll has the device fail, until the house knows.
func (o *outing) fallIll(d *sickDisk) {
	o.t.Helper()
	if err := o.see(o.nurse, "chart: overview", "ann"); err != nil {
		o.t.Fatal(err)
	}
	d.ill.On()
	if err := o.see(o.nurse, "chart: overview", "ann"); !fault.Is(err, fault.Unavailable) || errors.Is(err, audit.ErrDown) {
		o.t.Fatalf("the first page: %v", err)
	}
	if _, down := o.Log.Down(); !down {
		o.t.Fatal("the house does not know")
	}
	if err := o.see(o.nurse, "chart: overview", "ann"); !fault.Is(err, fault.Unavailable) || !errors.Is(err, audit.ErrDown) {
		o.t.Fatalf("the next page: %v", err)
	}
}

// enter opens ann's chart to the doctor.
func (o *outing) enter() emergency.Grant {
	o.t.Helper()
	var grant emergency.Grant
	err := o.soon("the glass", func(ctx context.Context) (err error) {
		grant, err = o.Chart.BreakGlass(ctx, o.doctor, "ann", emergency.Treatment, "chest pain")
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.again()
	return grant
}

// again is the doctor as her next request finds her.
func (o *outing) again() {
	o.t.Helper()
	open, err := o.Book.Open(o.t.Context(), o.doctor.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	o.doctor.Emergencies = nil
	for _, g := range open {
		o.doctor.Emergencies = append(o.doctor.Emergencies, g.Patient)
	}
}

// spooled returns what the log says that came by a spool.
func (o *outing) spooled() (actions string, numbers []uint64) {
	o.t.Helper()
	if err := o.Log.Integrate(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	err := o.Log.Search(o.t.Context(), audit.Filter{}, func(r *audit.Record) error {
		if r.Spooled.Number > 0 {
			actions += r.Action + " "
			numbers = append(numbers, r.Spooled.Number)
			if r.Purpose != audit.PurposeEmergency || r.Actor != o.doctor.ID || r.Time.After(time.Now()) {
				o.t.Errorf("%+v", r.Event)
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return actions, numbers
}

// bob is another patient, of the nurse's ward, whom nobody has opened.
func bob(t *testing.T, dir string) {
	t.Helper()
	h, err := openOn(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{"resourceType":"Patient","id":"bob"}`,
		`{"resourceType":"Encounter","id":"bed","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/bob"},"location":[{"location":{"reference":"Location/east"}}]}`,
		`{"resourceType":"Observation","id":"his","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bob"}}`,
	} {
		res, err := fhir.Parse([]byte(text))
		if err == nil {
			_, err = h.Chart.Update(t.Context(), identity.System("import", "importer"), res, chart.Condition{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
