package portal_test

import (
	"bytes"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

const newPassword = "four plain words here"

// enrol takes the first step as the person who is new.
func (v *visitor) enrol() *visitor {
	v.t.Helper()
	a := v.post("/enrol", "user", portaltest.NewUser, "code", portaltest.NewCode, "password", newPassword, "again", newPassword)
	if a.StatusCode != 303 || a.Header.Get("Location") != "/enrol/authenticator" {
		v.t.Fatalf("first step: %d", a.StatusCode)
	}
	if cookie := a.Header.Get("Set-Cookie"); !strings.Contains(cookie, "__Host-wk-enrol=") || !strings.Contains(cookie, "HttpOnly") || strings.Contains(cookie, portaltest.NewSecret) {
		v.t.Error("the cookie of the enrolment is not as it must be")
	}
	return v
}

func TestEnrol(t *testing.T) {
	v := visit(t)
	if a := v.get("/sign-in"); !strings.Contains(a.body, `href="/enrol"`) {
		t.Error("signing in does not lead to enrolling")
	}
	v.enrol()
	page := v.get("/enrol/authenticator")
	if page.StatusCode != 200 || !strings.Contains(page.body, "JBSW Y3DP EHPK 3PXP") || page.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("second step: %d", page.StatusCode)
	}
	picture := v.get("/enrol/picture")
	if img, err := png.Decode(bytes.NewReader([]byte(picture.body))); err != nil || img.Bounds().Dx() < 200 || picture.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("picture: %d, %v", picture.StatusCode, err)
	}
	if a := v.post("/enrol/authenticator", "code", "000000"); a.StatusCode != 401 || !strings.Contains(a.body, "JBSW") {
		t.Errorf("wrong code: %d", a.StatusCode)
	}
	done := v.post("/enrol/authenticator", "code", "123 456")
	if done.StatusCode != 200 || !strings.Contains(done.body, portaltest.Recovery) || strings.Contains(done.body, "JBSW") {
		t.Fatalf("last step: %d", done.StatusCode)
	}
	if a := v.get("/enrol/picture"); a.StatusCode != 404 {
		t.Errorf("the picture outlives the enrolment: %d", a.StatusCode)
	}
	if a := v.post("/enrol/authenticator", "code", portaltest.Code); strings.Contains(a.body, portaltest.Recovery) {
		t.Error("the recovery codes are shown twice")
	}
}

func TestEnrolTellsNothingApart(t *testing.T) {
	v := visit(t)
	wrongName := v.post("/enrol", "user", "nobody", "code", portaltest.NewCode, "password", newPassword, "again", newPassword)
	wrongCode := v.post("/enrol", "user", portaltest.NewUser, "code", "xxxx", "password", newPassword, "again", newPassword)
	if wrongName.StatusCode != 401 || wrongName.StatusCode != wrongCode.StatusCode || wrongName.body != wrongCode.body {
		t.Errorf("a wrong name (%d) and a wrong code (%d) can be told apart", wrongName.StatusCode, wrongCode.StatusCode)
	}
	for _, c := range []struct{ name, again, says string }{
		{"two passwords", "another one altogether", "not the same"}, {"short", "tiny pass", "too short"},
	} {
		first := newPassword
		if c.name == "short" {
			first = c.again
		}
		a := v.post("/enrol", "user", portaltest.NewUser, "code", portaltest.NewCode, "password", first, "again", c.again)
		if a.StatusCode != 422 || !strings.Contains(a.body, c.says) || strings.Contains(a.body, first) {
			t.Errorf("%s: %d", c.name, a.StatusCode)
		}
	}
}

// TestEnrolEnds holds that the secret is shown to the browser that began, and
// no longer than the enrolment lasts.
func TestEnrolEnds(t *testing.T) {
	v := visit(t)
	for _, path := range []string{"/enrol/authenticator", "/enrol/picture"} {
		if a := v.get(path); a.StatusCode == 200 {
			t.Errorf("%s without a code", path)
		}
	}
	v.enrol()
	v.stage.Clock.Advance(15 * time.Minute)
	if a := v.get("/enrol/authenticator"); a.StatusCode != 410 || strings.Contains(a.body, "JBSW") || !strings.Contains(a.body, "Start again") {
		t.Errorf("too late: %d", a.StatusCode)
	}
	if a := v.get("/enrol/picture"); a.StatusCode != 404 {
		t.Errorf("picture, too late: %d", a.StatusCode)
	}
}

func TestRecoveryCodeIsTold(t *testing.T) {
	v := visit(t)
	v.post("/sign-in", "user", portaltest.User, "password", portaltest.Password)
	if a := v.post("/sign-in/code", "code", portaltest.Recovery); a.StatusCode != 200 || !strings.Contains(a.body, "4 recovery codes left") {
		t.Errorf("%d", a.StatusCode)
	}
	if a := v.get("/ward"); a.StatusCode != 200 {
		t.Errorf("signed in: %d", a.StatusCode)
	}
}
