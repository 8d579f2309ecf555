package fhirhttp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

// counted is a body that tells how much of it was read.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

// TestLargeBodiesTakePlaces: while as many large bodies are held as there may be,
// another is not read beyond its first part, whether or not its length was said.
// Small ones go on.
func TestLargeBodiesTakePlaces(t *testing.T) {
	r := newRig(t)
	free, err := fhirhttp.New(r.config)
	check(t, err)
	laden := fhirhttp.Laden(r.config)
	small := `{"resourceType":"Basic","code":{"text":"x"}}`
	large := strings.Replace(small, `"code"`, strings.Repeat(" ", 3<<20)+`"code"`, 1)
	for name, c := range map[string]struct {
		api      http.Handler
		body     string
		said     bool // its length
		want     int
		mostRead int
	}{
		"small":                 {laden, small, true, 201, len(small)},
		"small, length unsaid":  {laden, small, false, 201, len(small)},
		"large":                 {laden, large, true, 503, 1 << 20},
		"large, length unsaid":  {laden, large, false, 503, 1 << 20},
		"large, there is place": {free, large, false, 201, len(large)},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if c.want == 503 {
				time.AfterFunc(300*time.Millisecond, cancel)
			}
			sent := &counted{Reader: strings.NewReader(c.body)}
			req := httptest.NewRequestWithContext(ctx, "POST", "/fhir/Basic", sent)
			if req.ContentLength = -1; c.said {
				req.ContentLength = int64(len(c.body))
			}
			req.Header.Set("Content-Type", "application/fhir+json")
			req.Header.Set("Authorization", "Bearer program")
			w := httptest.NewRecorder()
			c.api.ServeHTTP(w, req)
			if w.Code != c.want || sent.read > c.mostRead {
				t.Errorf("%d, want %d; read %d, want at most %d: %.200s", w.Code, c.want, sent.read, c.mostRead, w.Body)
			}
		})
	}
	// A place is given back: more come after one another than there are places.
	for range 10 {
		req := httptest.NewRequest("POST", "/fhir/Basic", strings.NewReader(large))
		req.Header.Set("Content-Type", "application/fhir+json")
		req.Header.Set("Authorization", "Bearer program")
		w := httptest.NewRecorder()
		if free.ServeHTTP(w, req); w.Code != 201 {
			t.Fatalf("one after another: %d", w.Code)
		}
	}
}
