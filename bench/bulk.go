package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// declares reports whether the CapabilityStatement names an operation.
func (s *server) declares(ctx context.Context, operation string) (bool, error) {
	body, _, err := s.get(ctx, s.base()+"/metadata", nil)
	if err != nil {
		return false, err
	}
	for _, form := range []string{`"name":"` + operation + `"`, `"name": "` + operation + `"`} {
		if bytes.Contains(body, []byte(form)) {
			return true, nil
		}
	}
	return false, nil
}

func (s *server) base() string { return "https://" + s.address + "/fhir" }

// get fetches an address with the token.
func (s *server) get(ctx context.Context, url string, header http.Header) ([]byte, *http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return body, res, err
}

// everything opens all pages of Patient/$everything of some people.
func (b *bench) everything(ctx context.Context, s *server, people []*person, scale int) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.close()
	var whole latencies
	records, start := 0, time.Now()
	for _, p := range people {
		from, matches := time.Now(), 0
		for path := "Patient/" + p.key + "/$everything"; path != ""; {
			a, err := c.do("GET", path, nil)
			if err != nil {
				return err
			}
			if a.status != 200 {
				return fmt.Errorf("$everything is answered with status %d", a.status)
			}
			matches += bytes.Count(a.body, []byte(`"fullUrl":"`))
			path = nextPage(a.body)
		}
		whole = append(whole, time.Since(from))
		if known := p.size(); matches < known {
			return fmt.Errorf("$everything of a patient has %d records, %d are known", matches, known)
		}
		records += matches
	}
	took := time.Since(start).Seconds()
	slices.Sort(whole)
	b.results.add("bulk", scale, "Patient/$everything", "resources/s", float64(records)/took)
	b.results.add("bulk", scale, "Patient/$everything", "p50 ms", whole.percentile(50))
	b.results.add("bulk", scale, "Patient/$everything", "p95 ms", whole.percentile(95))
	return nil
}

// size is how many records lie in the compartment of a person, at least: he and
// what names him as its subject or patient.
func (p *person) size() int {
	n := 1
	for typ, list := range p.have {
		if typ == "Patient" {
			continue
		}
		for _, s := range list {
			if s.Subject.Reference == "urn:uuid:"+p.ID || s.Patient.Reference == "urn:uuid:"+p.ID {
				n++
			}
		}
	}
	return n
}

const exportWait = 10 * time.Minute

// export takes everything out by the bulk data kick-off, and reads the files.
func (b *bench) export(ctx context.Context, s *server, scale int) error {
	ctx, cancel := context.WithTimeout(ctx, exportWait)
	defer cancel()
	if err := s.renew(ctx); err != nil {
		return err
	}
	start := time.Now()
	_, res, err := s.get(ctx, s.base()+"/$export", http.Header{"Accept": {"application/fhir+json"}, "Prefer": {"respond-async"}})
	if err != nil {
		return err
	}
	status := res.Header.Get("Content-Location")
	if res.StatusCode != http.StatusAccepted || status == "" {
		return fmt.Errorf("$export is answered with status %d", res.StatusCode)
	}
	manifest, err := s.await(ctx, status)
	if err != nil {
		return err
	}
	lines := 0
	for _, file := range manifest.Output {
		body, res, err := s.get(ctx, file.URL, nil)
		if err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("an exported file is answered with status %d", res.StatusCode)
		}
		lines += bytes.Count(body, []byte{'\n'})
	}
	if lines < b.resources {
		return fmt.Errorf("the export has %d records, %d are known", lines, b.resources)
	}
	b.results.add("bulk", scale, "$export", "resources/s", float64(lines)/time.Since(start).Seconds())
	return nil
}

type manifest struct {
	Output []struct{ Type, URL string }
}

// pollEvery is a little more than the server asks for.
const pollEvery = 600 * time.Millisecond

func (s *server) await(ctx context.Context, status string) (manifest, error) {
	var m manifest
	last := time.Now()
	for {
		if time.Since(last) > 2*time.Minute { // tokens live for five
			if err := s.renew(ctx); err != nil {
				return m, err
			}
			last = time.Now()
		}
		body, res, err := s.get(ctx, status, nil)
		switch {
		case err != nil:
			return m, err
		case res.StatusCode == http.StatusOK:
			return m, json.Unmarshal(body, &m)
		case res.StatusCode != http.StatusAccepted:
			return m, fmt.Errorf("an export under way is answered with status %d", res.StatusCode)
		}
		select {
		case <-ctx.Done():
			return m, errors.New("the export did not end in time")
		case <-time.After(pollEvery):
		}
	}
}
