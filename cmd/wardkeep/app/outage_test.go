package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestOutage: whatever keeps the log from being written, everybody is told so soon, and
// an emergency opens one chart, to be read, once that is told durably elsewhere. When the
// log can be written again, it has all of it.
func TestOutage(t *testing.T) {
	for name, ill := range ills {
		t.Run(name, func(t *testing.T) {
			dir := clinic(t)
			bob(t, dir)
			d := newSickDisk(ill)
			t.Cleanup(d.heal)
			o := openOuting(t, dir, d)
			o.fallIll(d)
			if err := o.see(o.doctor, "chart: overview", "ann"); !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.NotFound) {
				t.Errorf("a chart that nobody has opened: %v", err)
			}
			o.enter()
			for range 2 {
				if err := o.see(o.doctor, "chart: overview", "ann"); err != nil {
					t.Fatalf("an emergency: %v", err)
				}
			}
			o.refused()
			o.whileDown()
			if name == "a sync hangs" {
				d.heal()
				o.settled()
			} else {
				o.close()
				d.heal()
				o = openOuting(t, dir, nil)
			}
			o.afterwards()
			o.close()
			cfg := config.Default()
			cfg.Dir = dir
			report, err := verifyFiles(context.Background(), cfg, nil, true)
			if err != nil || report.Spooled != 3 || !report.OK {
				t.Errorf("%v, %v", report, err)
			}
		})
	}
}

// refused: nothing else is shown, and nothing is changed.
func (o *outing) refused() {
	o.t.Helper()
	program := identity.System("import", "importer")
	patient, err := fhir.Parse([]byte(`{"resourceType":"Patient","id":"ann","active":true}`))
	if err != nil {
		o.t.Fatal(err)
	}
	for name, try := range map[string]func(ctx context.Context) error{
		"the chart of another": func(ctx context.Context) error {
			_, err := o.Chart.View(ctx, o.doctor, chart.ViewRequest{Name: "chart: overview", Patient: "bob", Searches: []string{"Observation?patient=bob"}})
			return err
		},
		"a list": func(ctx context.Context) error {
			_, err := o.Chart.View(ctx, o.doctor, chart.ViewRequest{Name: "ward list", Searches: []string{"Patient?_id=ann"}})
			return err
		},
		"a search": func(ctx context.Context) error {
			_, err := o.Chart.Search(ctx, o.doctor, chart.SearchRequest{Type: "Observation"})
			return err
		},
		"a record of another": func(ctx context.Context) error {
			_, err := o.Chart.Read(ctx, o.doctor, "Observation", "his", 0)
			return err
		},
		"a record of nobody": func(ctx context.Context) error {
			_, err := o.Chart.Read(ctx, o.doctor, "Location", "east", 0)
			return err
		},
		"a change": func(ctx context.Context) error {
			_, err := o.Chart.Update(ctx, o.doctor, patient, chart.Condition{})
			return err
		},
		"whole numbers": func(ctx context.Context) error {
			_, err := o.Chart.Unmask(ctx, o.doctor, "Patient", "ann", "TREAT")
			return err
		},
		"her own ward, by a nurse": func(ctx context.Context) error {
			_, err := o.Chart.View(ctx, o.nurse, chart.ViewRequest{Name: "chart: overview", Patient: "ann"})
			return err
		},
		"another of her ward, on the page of the one": func(ctx context.Context) error {
			nurse := o.nurse
			nurse.Emergencies = []string{"ann"}
			_, err := o.Chart.View(ctx, nurse, chart.ViewRequest{Name: "chart: overview", Patient: "ann", Searches: []string{"Observation?patient=bob"}})
			return err
		},
		"a program": func(ctx context.Context) error {
			_, err := o.Chart.Read(ctx, program, "Patient", "ann", 0)
			return err
		},
		"a review": func(ctx context.Context) error {
			_, err := o.Book.Reviews(ctx, identity.Actor{Kind: identity.KindPerson, ID: "vera", Roles: []string{"privacy"}, MFA: identity.AssuranceMulti, SessionID: "v"})
			return err
		},
		"an account": func(ctx context.Context) error {
			_, _, err := o.Identity.Provision(ctx, identity.System("x", "operator"), identity.NewPerson{UserName: "new", Given: "N", Family: "W", Roles: []string{"nurse"}}, identity.Credentials{Password: "three quiet herons at noon"})
			return err
		},
	} {
		if err := o.soon(name, try); !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Denied) {
			o.t.Errorf("%s: %v", name, err)
		}
	}
}

// whileDown: the API and pages tell what is wrong.
func (o *outing) whileDown() {
	o.t.Helper()
	w := ask(o.handler, "GET", "/fhir/Patient/ann", "Authorization", "Bearer x")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "OperationOutcome") || !strings.Contains(w.Body.String(), "audit log cannot be written since") {
		o.t.Errorf("the API: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask(o.handler, "GET", "/readyz"); w.Code != http.StatusServiceUnavailable {
		o.t.Errorf("/readyz: %d", w.Code)
	}
}

// settled ends an outage as a running server does.
func (o *outing) settled() {
	o.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := o.settle(context.Background()); err != nil {
			o.t.Fatal(err)
		}
		if _, down := o.Log.Down(); !down {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatal("the outage does not end")
		}
	}
}

// afterwards: the log has what happened, once, and its officer sees it.
func (o *outing) afterwards() {
	o.t.Helper()
	if err := o.see(o.nurse, "chart: overview", "ann"); err != nil {
		o.t.Errorf("charts are open again: %v", err)
	}
	if actions, numbers := o.spooled(); actions != "break-glass view view " || len(numbers) != 3 || numbers[0] != 1 || numbers[2] != 3 {
		o.t.Errorf("the log has %q %v", actions, numbers)
	}
	vera := identity.Actor{Kind: identity.KindPerson, ID: "vera", Roles: []string{"privacy"}, MFA: identity.AssuranceMulti, SessionID: "v"}
	waiting, err := o.Book.Reviews(o.t.Context(), vera)
	if err != nil || len(waiting) != 1 || !waiting[0].Outage || waiting[0].Person != "eve" {
		o.t.Fatalf("%+v, %v", waiting, err)
	}
	_, seen, err := o.Book.Review(o.t.Context(), vera, waiting[0].ID)
	if err != nil || len(seen) != 2 {
		o.t.Errorf("seen: %+v, %v", seen, err)
	}
	o.again() // it lasts its hours
	if err := o.see(o.doctor, "chart: overview", "ann"); err != nil {
		o.t.Errorf("the grant: %v", err)
	}
	if o.Spool.Waits() {
		o.t.Error("the spool was not emptied")
	}
}

// TestNoSpoolNoAnswer is the negative control of what an emergency opens: where the
// spool cannot be written, nothing is.
func TestNoSpoolNoAnswer(t *testing.T) {
	dir := clinic(t)
	d := newSickDisk(ills["a sync fails"])
	t.Cleanup(d.heal)
	o := openOuting(t, dir, d)
	o.fallIll(d)
	o.enter()
	if err := o.Spool.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.see(o.doctor, "chart: overview", "ann"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("shown, and told nowhere: %v", err)
	}
	err := o.soon("the glass", func(ctx context.Context) error {
		_, err := o.Chart.BreakGlass(ctx, o.doctor, "ann", emergency.Treatment, "")
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("opened, and told nowhere: %v", err)
	}
}

// TestSpoolAlarms: a spool that was cut to nothing, altered, exchanged or taken away
// while no server ran is told by the log, and what there is of it kept.
func TestSpoolAlarms(t *testing.T) {
	path := func(dir string) string { return filepath.Join(dir, spoolFile) }
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		taken  int
		told   string
		kept   bool
	}{
		"altered": {func(t *testing.T, dir string) {
			f, err := os.OpenFile(path(dir), os.O_RDWR, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{1}, 900)
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}, -1, "no entry", true},
		"taken away": {func(t *testing.T, dir string) {
			if err := os.Remove(path(dir)); err != nil {
				t.Fatal(err)
			}
		}, 0, "is gone", false},
		"exchanged": {func(t *testing.T, dir string) {
			text, err := os.ReadFile(path(dir))
			if err == nil {
				clear(text[32:])
				text[20] ^= 1
				err = os.WriteFile(path(dir), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, 0, "not the one", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := clinic(t)
			d := newSickDisk(ills["a sync fails"])
			t.Cleanup(d.heal)
			o := openOuting(t, dir, d)
			o.fallIll(d)
			o.enter()
			for range 3 {
				if err := o.see(o.doctor, "chart: overview", "ann"); err != nil {
					t.Fatal(err)
				}
			}
			o.close()
			d.heal()
			c.change(t, dir)
			o = openOuting(t, dir, nil)
			if _, numbers := o.spooled(); c.taken >= 0 && len(numbers) != c.taken || c.taken < 0 && (len(numbers) == 0 || len(numbers) == 4) {
				t.Errorf("taken: %v", numbers)
			}
			found, err := o.Log.Find(t.Context(), audit.Filter{Action: audit.ActionSpool})
			if err != nil || len(found) != 1 {
				t.Fatalf("%d alarms, %v", len(found), err)
			}
			if r, err := o.Log.Read(t.Context(), found[0]); err != nil || !strings.Contains(r.Detail, c.told) {
				t.Errorf("%+v, %v", r, err)
			}
			aside, _ := filepath.Glob(path(dir) + ".damaged-*")
			if (len(aside) == 1) != c.kept {
				t.Errorf("kept aside: %v", aside)
			}
			if err := o.see(o.nurse, "chart: overview", "ann"); err != nil {
				t.Error(err)
			}
			o.close()
			o = openOuting(t, dir, nil) // told once
			if found, err := o.Log.Find(t.Context(), audit.Filter{Action: audit.ActionSpool}); err != nil || len(found) != 1 {
				t.Errorf("%d alarms after another start, %v", len(found), err)
			}
		})
	}
}
