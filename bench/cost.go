package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// costPatients make a store that is large enough for the mix of changes.
const costPatients = 24

// costs measures what encryption and the audit log take: the same load, by turns,
// on the program as released and on variants that lack one of them.
func (b *bench) costs(ctx context.Context) error {
	var stands []*stand
	defer func() {
		for _, s := range stands {
			_ = s.server.stop() // a failure is reported by what it broke
		}
	}()
	files := slices.Concat(b.corpus.shared, b.corpus.patients[:min(costPatients, len(b.corpus.patients))])
	for _, v := range []variant{asReleased, nullCipher, noAudit} {
		s, err := b.raise(ctx, v, files)
		if err != nil {
			return err
		}
		stands = append(stands, s)
	}
	plain, err := b.raisePlain(ctx, stands[0])
	if err != nil {
		return err
	}
	stands = append(stands, plain)
	for run := range b.runs {
		for _, s := range stands {
			if err := b.costRun(ctx, s, run); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	b.compare()
	return nil
}

// stand is a server of one variant with data in it.
type stand struct {
	name   string
	server *server
	conn   *conn
	stock  stock
}

func (b *bench) raise(ctx context.Context, v variant, files []string) (*stand, error) {
	binary, err := v.build(ctx, b.source, b.work)
	if err != nil {
		return nil, err
	}
	own := *b
	own.rig = &rig{binary: binary, work: b.work}
	dir, err := own.rig.init(ctx, "cost-"+filepath.Base(binary))
	if err != nil {
		return nil, err
	}
	if _, _, err := own.load(ctx, dir, files); err != nil {
		return nil, err
	}
	s := &stand{name: v.name}
	if s.server, err = own.rig.serve(ctx, dir); err != nil {
		return nil, err
	}
	if s.conn, err = s.server.dial(); err == nil {
		s.stock, err = readStock(s.conn, 300)
	}
	if err != nil {
		return nil, errors.Join(err, s.server.stop())
	}
	return s, nil
}

// costRun loads one stand with 64 workers, and then asks it one read after
// another, to see the time that an idle server takes.
func (b *bench) costRun(ctx context.Context, s *stand, run int) error {
	one := &bench{options: b.options, results: &results{}}
	if err := one.crudRun(ctx, s.server, s.stock, run, b.lasts(), 1); err != nil {
		return err
	}
	for _, column := range []string{"requests/s", "p50 ms", "p95 ms", "server µs/request"} {
		b.results.add("cost", 1, s.name, column, one.results.value("crud", 1, "all", column))
	}
	const reads = 300
	c, err := s.server.dial()
	if err != nil {
		return err
	}
	defer c.close()
	list := s.stock["Observation"]
	var times latencies
	for range reads {
		start := time.Now()
		a, err := c.do("GET", list[rand.IntN(len(list))].path, nil)
		times = append(times, time.Since(start))
		if err != nil {
			return err
		}
		if a.status != 200 {
			return fmt.Errorf("a read is answered with status %d", a.status)
		}
	}
	slices.Sort(times)
	b.results.add("cost", 1, s.name, "idle read p50 ms", times.percentile(50))
	syncs, err := syncTimes(b.work, reads)
	if err != nil {
		return err
	}
	b.results.add("cost", 1, "one sync of the device", "idle read p50 ms", syncs.percentile(50))
	return nil
}

// compare says in per cent what the released program takes beyond the others. The
// ratio is taken run by run, since those lie close together in time.
func (b *bench) compare() {
	released := func(column string) []float64 { return b.results.find("cost", 1, asReleased.name, column).Runs }
	for _, other := range []string{nullCipher.name, noAudit.name, plainName} {
		row := "beyond " + other
		for i := range released("requests/s") {
			b.results.add("cost", 1, row, "throughput lost %", 100*(1-released("requests/s")[i]/b.results.find("cost", 1, other, "requests/s").Runs[i]))
			b.results.add("cost", 1, row, "processor more %", 100*(released("server µs/request")[i]/b.results.find("cost", 1, other, "server µs/request").Runs[i]-1))
		}
	}
	idle := func(row string) float64 { return b.results.value("cost", 1, row, "idle read p50 ms") }
	b.results.add("cost", 1, "beyond "+noAudit.name, "idle: more than a sync, µs",
		1000*(idle(asReleased.name)-idle(noAudit.name)-idle("one sync of the device")))
}

// plainName is an ordered index without any of it: the same documents and words
// in the same kind of tree, over TLS, synced, and nothing else.
const plainName = "plain ordered index"

func (b *bench) raisePlain(ctx context.Context, from *stand) (*stand, error) {
	dir := filepath.Join(b.work, "cost-plain")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := startPlain(ctx, b.source, dir)
	if err != nil {
		return nil, err
	}
	c, err := s.dial()
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	for _, list := range from.stock {
		for _, record := range list {
			if a, err := c.do("PUT", record.path, record.bodies[0]); err != nil || a.status != 200 {
				return nil, errors.Join(fmt.Errorf("the plain index takes no record: status %d", a.status), err, s.stop())
			}
		}
	}
	return &stand{name: plainName, server: s, conn: c, stock: from.stock}, nil
}
