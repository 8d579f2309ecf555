package smart_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/smart"
)

func TestKeySetsAreCached(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC))
	header := http.Header{}
	var calls int
	var body io.Reader
	var status int
	var fail error
	sets := &smart.KeySets{Clock: c, Do: func(r *http.Request) (*http.Response, error) {
		calls++
		if fail != nil {
			return nil, fail
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body)}, nil
	}}
	get := func(fresh bool, wantCalls int) error {
		t.Helper()
		body, status = strings.NewReader("{}"), http.StatusOK
		before := calls
		_, err := sets.KeySet(context.Background(), "https://app.example/keys", fresh)
		if calls-before != wantCalls {
			t.Errorf("%d requests, not %d", calls-before, wantCalls)
		}
		return err
	}
	for _, control := range []string{"", "no-store", "no-cache, max-age=60", "max-age=0", "max-age=x", "private"} {
		header.Set("Cache-Control", control)
		_ = get(false, 1)
		_ = get(false, 1)
	}
	header.Set("Cache-Control", "public, Max-Age=60")
	_ = get(false, 1)
	_ = get(false, 0)
	_ = get(true, 0) // just looked
	c.Advance(11 * time.Second)
	_ = get(true, 1)
	c.Advance(59 * time.Second)
	_ = get(false, 0)
	c.Advance(2 * time.Second)
	_ = get(false, 1)
	header.Set("Age", "50")
	c.Advance(time.Minute)
	_ = get(false, 1)
	c.Advance(11 * time.Second)
	_ = get(false, 1)

	c.Advance(time.Hour)
	fail = errors.New("unreachable")
	if err := get(false, 1); !fault.Is(err, fault.Unavailable) {
		t.Error("an old set was believed:", err)
	}
	fail = nil
	for name, answer := range map[string]func(){
		"too large": func() { body = strings.NewReader(strings.Repeat("x", 300<<10)) },
		"not there": func() { status = http.StatusNotFound },
	} {
		body, status = strings.NewReader("{}"), http.StatusOK
		answer()
		if _, err := sets.KeySet(context.Background(), "https://app.example/other", false); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
