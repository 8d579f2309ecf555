package e2e_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// shownPin is the pin (RFC 7469 §2.4) of what a handshake with the server shows.
func (s *server) shownPin() string {
	s.t.Helper()
	config := s.http.Transport.(*http.Transport).TLSClientConfig.Clone()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.base, "https://"), config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// TestDoctorAndPins: the doctor finds a demo well, and the pins it prints are those
// of real handshakes before and after a rotation, and after a restart.
func TestDoctorAndPins(t *testing.T) {
	s := startDemo(t, "", "--patients", "0")
	pins := func() (p struct{ Current, Next string }) {
		if err := json.Unmarshal([]byte(must(t, "doctor", "--dir", s.dir, "--pins", "--json")), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var report struct {
		OK     bool
		Checks []struct{ Check, State, Text string }
	}
	if err := json.Unmarshal([]byte(must(t, "doctor", "--dir", s.dir, "--json")), &report); err != nil || !report.OK || len(report.Checks) < 10 {
		t.Errorf("%v %+v", err, report)
	}
	first := pins()
	if first.Current != s.shownPin() || first.Next == first.Current {
		t.Errorf("%+v, shown %s", first, s.shownPin())
	}
	must(t, "tls", "rotate", "--dir", s.dir)
	second := pins()
	if s.shownPin() != first.Next || second.Current != first.Next || second.Next == first.Next || second.Next == first.Current {
		t.Errorf("rotated from %+v to %+v, shown %s", first, second, s.shownPin())
	}
	s.stop()
	if _, _, code := run(t, "doctor", "--dir", s.dir); code != 0 {
		t.Errorf("of a server that stands still: exit %d", code)
	}
	must(t, "tls", "rotate", "--dir", s.dir)
	s = start(t, s.dir, s.base, s.cmd.Args[1:])
	if third := pins(); third.Current != second.Next || s.shownPin() != second.Next {
		t.Errorf("after a rotation without a server: %+v, shown %s", third, s.shownPin())
	}
	for format, text := range map[string]string{"text": `pin-sha256="`, "android": `<pin digest="SHA-256">`, "ios": "<key>NSPinnedLeafIdentities</key>"} {
		if out := must(t, "doctor", "--dir", s.dir, "--pins", "--format", format); !strings.Contains(out, text) || !strings.Contains(out, pins().Next) {
			t.Errorf("%s: %s", format, out)
		}
	}
}
