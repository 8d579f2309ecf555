package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// search is one drawn query, and what is known of its answer.
type search struct {
	shape *shape
	path  string
	want  int          // matches, or unknown
	found atomic.Int64 // matches over all pages, as last seen; -1: not run yet
}

// drawSearches draws n searches of each shape that the server serves.
func drawSearches(shapes []shape, cat *catalogue, c *conn, n, copies int, r *results) ([]*search, error) {
	rng := rand.New(rand.NewPCG(7, uint64(len(shapes))))
	var drawn []*search
	for i := range shapes {
		sh := &shapes[i]
		var some []*search
		for try := 0; try < 20*n && len(some) < n; try++ {
			d := draw{person: cat.people[rng.IntN(len(cat.people))], cat: cat, rng: rng}
			path, want := sh.make(d)
			if path == "" {
				continue
			}
			switch {
			case want == unknown || sh.selective:
			case cat.partial:
				want = unknown
			default:
				want *= copies
			}
			s := &search{shape: sh, path: path, want: want}
			s.found.Store(unknown)
			some = append(some, s)
		}
		if len(some) == 0 {
			return nil, fmt.Errorf("the data has no values for the search %q", sh.name)
		}
		a, err := c.do("GET", some[0].path, nil)
		switch {
		case err != nil:
			return nil, err
		case a.status == 400:
			r.note("the server does not serve the search “%s”; it was left out", sh.name)
		case a.status != 200:
			return nil, fmt.Errorf("the search %q is answered with status %d", sh.name, a.status)
		default:
			drawn = append(drawn, some...)
		}
	}
	rng.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn, nil
}

// pages opens every page of a search and returns how many matches they held.
func (c *conn) pages(path string, each func(time.Duration)) (int, error) {
	matches := 0
	for path != "" {
		start := time.Now()
		a, err := c.do("GET", path, nil)
		each(time.Since(start))
		if err != nil {
			return 0, err
		}
		if a.status != 200 {
			return 0, fmt.Errorf("a page is answered with status %d", a.status)
		}
		matches += bytes.Count(a.body, []byte(`"search":{"mode":"match"`))
		path = nextPage(a.body)
	}
	return matches, nil
}

// nextPage returns where the following page is, "" if this was the last. Links stand
// in front of the entries.
func nextPage(body []byte) string {
	_, rest, ok := bytes.Cut(body[:min(len(body), 4096)], []byte(`{"relation":"next","url":"`))
	if !ok {
		return ""
	}
	url, _, _ := bytes.Cut(rest, []byte{'"'})
	text := strings.NewReplacer(`\u0026`, "&", `\/`, "/").Replace(string(url))
	_, path, _ := strings.Cut(text, "/fhir")
	return strings.TrimPrefix(path, "/")
}

// searchRun runs searches for a time and notes the latencies of pages by shape.
func (b *bench) searchRun(ctx context.Context, s *server, searches []*search, lasts time.Duration, scale int) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	var next atomic.Int64
	times := make([]map[*shape]latencies, b.searchers)
	group, ctx := errgroup.WithContext(ctx)
	cpu, start := s.cpu(), time.Now()
	for w := range b.searchers {
		times[w] = map[*shape]latencies{}
		group.Go(func() error {
			c, err := s.dial()
			if err != nil {
				return err
			}
			defer c.close()
			for ctx.Err() == nil && time.Since(start) < lasts {
				q := searches[int(next.Add(1)-1)%len(searches)]
				n, err := c.pages(q.path+"&_count=20", func(d time.Duration) {
					times[w][q.shape] = append(times[w][q.shape], d)
				})
				if err != nil {
					return fmt.Errorf("%s: %w", q.shape.name, err)
				}
				if before := q.found.Swap(int64(n)); before != unknown && before != int64(n) || q.want != unknown && q.want != n {
					return fmt.Errorf("%s: %d matches, but %d before and %d known", q.shape.name, n, before, q.want)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	took := time.Since(start)
	b.noteSearches(times, scale, int(next.Load()), took, s.cpu()-cpu)
	return nil
}

func (b *bench) noteSearches(times []map[*shape]latencies, scale, searches int, took, cpu time.Duration) {
	byShape := map[*shape]latencies{}
	var all, selective latencies
	for _, m := range times {
		for sh, list := range m {
			byShape[sh] = append(byShape[sh], list...)
			all = append(all, list...)
			if sh.selective {
				selective = append(selective, list...)
			}
		}
	}
	note := func(row string, list latencies, points ...float64) {
		slices.Sort(list)
		for _, p := range points {
			b.results.add("search", scale, row, fmt.Sprintf("p%g ms", p), list.percentile(p))
		}
	}
	b.results.add("search", scale, "all", "searches/s", float64(searches)/took.Seconds())
	b.results.add("search", scale, "all", "pages/s", float64(len(all))/took.Seconds())
	b.results.add("search", scale, "all", "server µs/page", float64(cpu.Microseconds())/float64(len(all)))
	note("all", all, 50, 95, 99)
	note("selective", selective, 50, 95, 99)
	for sh, list := range byShape {
		note(sh.name, list, 50, 95)
	}
}

// confirm compares what the pages held with what the server counts.
func confirm(c *conn, searches []*search) error {
	for _, q := range searches {
		if q.found.Load() == unknown {
			continue
		}
		n, err := c.count(q.path + "&_summary=count")
		if err != nil {
			return err
		}
		if int64(n) != q.found.Load() {
			return fmt.Errorf("%s: the pages held %d matches, the server counts %d", q.shape.name, q.found.Load(), n)
		}
	}
	return nil
}

var errNoTotal = errors.New("a count without a total")

// count returns the total of an answer.
func (c *conn) count(path string) (int, error) {
	a, err := c.do("GET", path, nil)
	if err != nil {
		return 0, err
	}
	if a.status != 200 {
		return 0, fmt.Errorf("a count is answered with status %d", a.status)
	}
	_, rest, ok := bytes.Cut(a.body, []byte(`"total":`))
	if !ok {
		return 0, errNoTotal
	}
	digits := bytes.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		return 0, errNoTotal
	}
	return strconv.Atoi(string(rest[:digits]))
}

// countRun counts every set once.
func (b *bench) countRun(ctx context.Context, s *server, counts []*search, scale int) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.close()
	var all latencies
	for i, q := range counts {
		// The two ways to ask for an exact count, by turns.
		how := "&_summary=count"
		if i%2 == 1 {
			how = "&_total=accurate&_count=1"
		}
		start := time.Now()
		n, err := c.count(q.path + how)
		took := time.Since(start)
		if err != nil {
			return fmt.Errorf("%s: %w", q.shape.name, err)
		}
		if before := q.found.Swap(int64(n)); before != unknown && before != int64(n) {
			return fmt.Errorf("%s: %d counted, %d before", q.shape.name, n, before)
		}
		b.results.add("count", scale, q.shape.name, "ms", milliseconds(took))
		all = append(all, took)
	}
	slices.Sort(all)
	b.results.add("count", scale, "all", "p50 ms", all.percentile(50))
	b.results.add("count", scale, "all", "max ms", all.percentile(100))
	return nil
}
