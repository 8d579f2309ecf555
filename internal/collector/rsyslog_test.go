package collector_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rsyslog is a real receiver: TLS by GnuTLS, certificates of both sides verified.
type rsyslog struct {
	t       *testing.T
	program string
	conf    string
	out     string
	address string
	running *exec.Cmd
}

func newRsyslog(w *world) *rsyslog {
	w.t.Helper()
	program, err := exec.LookPath("rsyslogd")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/rsyslogd") // not on everybody's PATH
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			w.t.Fatal("rsyslogd is not installed: scripts/test-deps.sh")
		}
		w.t.Skip("rsyslogd is not installed: make deps")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	cert, key, _ := w.files("rsyslog", nil)
	ca := w.write("ca.pem", "CERTIFICATE", w.ca.Raw)
	r := &rsyslog{t: w.t, program: program, conf: filepath.Join(w.dir, "rsyslog.conf"), out: filepath.Join(w.dir, "received"), address: "127.0.0.1:" + port}
	text := fmt.Sprintf(`global(workDirectory="%s" maxMessageSize="8k" DefaultNetstreamDriver="gtls"
  DefaultNetstreamDriverCAFile="%s" DefaultNetstreamDriverCertFile="%s" DefaultNetstreamDriverKeyFile="%s")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["localhost"])
template(name="whole" type="string" string="%%rawmsg-after-pri%%\n")
ruleset(name="received") { action(type="omfile" file="%s" template="whole") }
input(type="imtcp" address="127.0.0.1" port="%s" ruleset="received")
`, w.dir, ca, cert, key, r.out, port)
	if err := os.WriteFile(r.conf, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(r.kill)
	return r
}

func (r *rsyslog) start() {
	r.t.Helper()
	r.running = exec.CommandContext(context.WithoutCancel(r.t.Context()), r.program, "-n", "-f", r.conf, "-i", r.conf+".pid")
	if err := r.running.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rsyslog) kill() {
	if r.running != nil {
		_ = r.running.Process.Kill()
		_ = r.running.Wait()
		_ = os.Remove(r.conf + ".pid")
		r.running = nil
	}
}

func (r *rsyslog) received() []received {
	text, err := os.ReadFile(r.out)
	if err != nil {
		return nil
	}
	var list []received
	for line := range strings.Lines(string(text)) {
		if strings.HasSuffix(line, "}\n") && strings.HasPrefix(line, "1 ") {
			list = append(list, parsed(r.t, "<0>"+strings.TrimSuffix(line, "\n")))
		}
	}
	return list
}

func (r *rsyslog) indexes() (list []uint64) {
	for _, m := range r.received() {
		if m.id == "audit" {
			list = append(list, *m.entry.Index)
		}
	}
	return list
}

// TestRsyslog: a real receiver has every entry, also after it was killed while entries
// came, and takes nothing from whom it does not know.
func TestRsyslog(t *testing.T) {
	w := newWorld(t)
	r := newRsyslog(w)
	unknown := w.config(r.address)
	s, stop := start(t, unknown)
	r.start()
	w.look(10)
	until(t, "a refusal of who shows no certificate", func() bool {
		st := s.State()
		return !st.Connected && !strings.Contains(st.Problem, "cannot be reached")
	})
	stop()
	if got := r.received(); len(got) > 0 {
		t.Fatalf("%d messages are taken from a stranger", len(got))
	}
	c := w.config(r.address)
	_, _, own := w.files("client", nil)
	c.TLS.Certificates = []tls.Certificate{own}
	s, stop = start(t, c)
	w.slog.Info("a line")
	until(t, "entries at rsyslog", func() bool { return whole(r.indexes(), w.log.Size()) })
	r.kill()
	w.look(20)
	until(t, "the loss is seen", func() bool { return !s.State().Connected })
	r.start()
	w.look(20)
	until(t, "all entries at rsyslog", func() bool { return whole(r.indexes(), w.log.Size()) })
	stop()
	lines := 0
	for _, m := range r.received() {
		if m.id == "line" && strings.Contains(m.text, `"a line"`) {
			lines++
		}
	}
	if lines == 0 {
		t.Error("the line did not arrive")
	}
}
