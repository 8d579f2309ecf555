package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sys/unix"
)

// fileLimit is less than the store's log has by the time it is set, and more than the
// emergencies of a test take in the spool: as on a full disk, files cannot grow, and what
// has its size can still be written.
const fileLimit = 64 << 10

// fills has the server's disk be full.
func (s *server) fills() {
	s.t.Helper()
	full := unix.Rlimit{Cur: fileLimit, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &full, nil); err != nil {
		s.t.Fatal(err)
	}
}

// TestOutageInBrowser is a nurse whose server's disk is full: she is told at once, opens
// the chart of the patient in front of her, and reads it; her colleagues and programs are
// refused. After a restart on a disk that has room the log has all of it, and the officer
// is told.
func TestOutageInBrowser(t *testing.T) {
	w := openWard(t, "12", "WARDKEEP_STEP_UP_LIFE=30s")
	program := w.s.client("system/Patient.rs")
	officer := w.beside()
	officer.signIn("privacy")
	if _, err := w.b.Authenticator(); err != nil {
		t.Fatal(err)
	}
	w.joins("a.lind", "nurse", "ward-maternity")
	w.open("/", "#q")
	time.Sleep(31 * time.Second) // the sign-in is no fresh proof any more
	w.s.fills()

	began := time.Now()
	w.open("/chart/"+critical, "#gate-title")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("she was told after %s", took)
	}
	if got := w.text("main"); !strings.Contains(got, "access log cannot be written") || !strings.Contains(got, "Since") || !strings.Contains(got, "Open this chart in an emergency") {
		t.Errorf("she is told %q", got)
	}
	w.b.Complaints() // the browser tells of the 503
	w.accessible("outage refused")
	w.look("outage-refused")
	if got := program.do(http.MethodGet, "/fhir/Patient/"+critical, nil); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.json(t)["resourceType"] != "OperationOutcome" {
		t.Errorf("a program: %d %v %s", got.status, got.header, got.body)
	}

	w.do(chromedp.Click(`a[href="/emergency/`+critical+`"]`), chromedp.WaitVisible(".opening"))
	if got := w.text("main"); !strings.Contains(got, "to be read") || strings.Contains(got, "Look for the patient") {
		t.Errorf("the form says %q", got)
	}
	w.accessible("outage opening")
	w.look("outage-opening")
	if !w.holds("data-for=\"session\"") {
		t.Error("she is not asked to prove who she is")
	}
	w.do(chromedp.Click(`button[value="treatment"]`), chromedp.WaitVisible(".emergency"))
	if got := w.path(); got != "/chart/"+critical {
		t.Fatalf("opened %s", got)
	}
	if got := w.text(".outage"); !strings.Contains(got, "access log is down") || !strings.Contains(got, "Nothing can be saved") {
		t.Errorf("the chart says %q", got)
	}
	w.accessible("outage chart")
	w.look("outage-chart")
	w.open("/chart/"+critical+"/results", ".emergency")
	w.open("/ward", "#gate-title")
	w.b.Complaints()
	w.look("outage-ward")
	w.open("/chart/p002", "#gate-title")
	w.b.Complaints()
	officer.open("/emergencies", "#gate-title")
	officer.b.Complaints()

	w.s.kill()
	again := start(t, w.s.dir, w.s.base, w.s.cmd.Args[1:])
	officer.s, w.s = again, again
	officer.open("/", "#q")
	if got := officer.text(".appbar .waiting"); got != "1" {
		t.Errorf("the officer is told of %q", got)
	}
	officer.do(chromedp.Click(`.appbar a[href="/emergencies"]`), chromedp.WaitVisible(".people"))
	if got := officer.text(".people"); !strings.Contains(got, "Astrid Lind") || !strings.Contains(strings.ToLower(got), "access log was down") {
		t.Errorf("the reviews say %q", got)
	}
	officer.accessible("outage reviews")
	officer.look("outage-reviews")
	officer.do(chromedp.Click(".people a"), chromedp.WaitVisible("#finding-title"))
	if got := officer.text(".seen"); !strings.Contains(got, "chart: overview") || !strings.Contains(got, "chart: results") {
		t.Errorf("what she opened: %q", got)
	}
	officer.look("outage-review")
	w.open("/", "#user") // her session ended with the process it was proven in

	var report struct {
		OK       bool              `json:"ok"`
		Spooled  int               `json:"spooled"`
		Findings []json.RawMessage `json:"findings"`
	}
	out := must(t, "audit", "verify", "--dir", w.s.dir, "--deep", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.OK || report.Spooled < 4 {
		t.Errorf("%v %s", err, out)
	}
}
