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

// costPatients make a store that is large enough for 64 workers, of whom each has
// a record of each type to himself.
const costPatients = 72

// costTurn is how long one server works before it is the next one's turn: a machine's
// moods last longer, and so fall on all alike. What a server still does for its
// requests afterwards, a few per cent of a turn, is in its processor time and in
// nobody's throughput.
const costTurn = time.Second

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
		if err := b.costRun(ctx, stands, run); err != nil {
			return err
		}
		if err := b.idleRun(stands); err != nil {
			return err
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

	crew crew
	cpu  time.Duration // used when the run began
	took time.Duration // of its turns
	idle latencies
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
	c, err := s.server.dial()
	if err == nil {
		defer c.close()
		s.stock, err = readStock(c, 300)
	}
	if err != nil {
		return nil, errors.Join(err, s.server.stop())
	}
	return s, nil
}

// costRun loads the stands by turns, in an order drawn for each round: who comes
// after whom must not matter.
func (b *bench) costRun(ctx context.Context, stands []*stand, run int) error {
	for _, s := range stands {
		var err error
		if s.crew, err = s.server.crew(ctx, s.stock, run); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer s.crew.close()
		s.cpu, s.took = s.server.cpu(), 0
	}
	order := slices.Clone(stands)
	for at := time.Duration(0); at < b.lasts(); at += costTurn {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, s := range order {
			took, err := s.crew.work(ctx, min(costTurn, b.lasts()))
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.took += took
		}
	}
	for _, s := range stands {
		one := &bench{options: b.options, results: &results{}}
		// What a server still does for its requests while others have their
		// turn, such as compactions, counts.
		one.noteCRUD(s.crew, 1, s.took, s.server.cpu()-s.cpu)
		for _, column := range []string{"requests/s", "p50 ms", "p95 ms", "server µs/request"} {
			b.results.add("cost", 1, s.name, column, one.results.value("crud", 1, "all", column))
		}
	}
	return nil
}

// idleRun reads one record after the other, to see the time that an idle server
// takes, and has the device sync, by turns, too.
func (b *bench) idleRun(stands []*stand) error {
	const rounds, reads = 60, 5
	var syncs latencies
	for _, s := range stands {
		c, err := s.server.dial()
		if err != nil {
			return err
		}
		defer c.close()
		s.conn, s.idle = c, nil
	}
	for range rounds {
		for _, s := range stands {
			if err := s.readIdle(reads); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		some, err := syncTimes(b.work, reads)
		if err != nil {
			return err
		}
		syncs = append(syncs, some...)
	}
	note := func(row string, times latencies) float64 {
		slices.Sort(times)
		b.results.add("cost", 1, row, "idle read p50 ms", times.percentile(50))
		return times.percentile(50)
	}
	median := map[string]float64{}
	for _, s := range stands {
		median[s.name] = note(s.name, s.idle)
	}
	sync := note("one sync of the device", syncs)
	b.results.add("cost", 1, "beyond "+noAudit.name, "idle: more than a sync, µs", 1000*(median[asReleased.name]-median[noAudit.name]-sync))
	return nil
}

func (s *stand) readIdle(reads int) error {
	list := s.stock["Observation"]
	for range reads {
		start := time.Now()
		a, err := s.conn.do("GET", list[rand.IntN(len(list))].path, nil)
		s.idle = append(s.idle, time.Since(start))
		if err != nil {
			return err
		}
		if a.status != 200 {
			return fmt.Errorf("a read is answered with status %d", a.status)
		}
	}
	return nil
}

// compare says in per cent what the released program takes beyond the others. The
// ratio is taken run by run: a run's turns lie close together in time.
func (b *bench) compare() {
	released := func(column string) []float64 { return b.results.find("cost", 1, asReleased.name, column).Runs }
	for _, other := range []string{nullCipher.name, noAudit.name, plainName} {
		row := "beyond " + other
		for i := range released("requests/s") {
			b.results.add("cost", 1, row, "throughput lost %", 100*(1-released("requests/s")[i]/b.results.find("cost", 1, other, "requests/s").Runs[i]))
			b.results.add("cost", 1, row, "processor more %", 100*(released("server µs/request")[i]/b.results.find("cost", 1, other, "server µs/request").Runs[i]-1))
		}
	}
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
	defer c.close()
	for _, list := range from.stock {
		for _, record := range list {
			if a, err := c.do("PUT", record.path, record.bodies[0]); err != nil || a.status != 200 {
				return nil, errors.Join(fmt.Errorf("the plain index takes no record: status %d", a.status), err, s.stop())
			}
		}
	}
	return &stand{name: plainName, server: s, stock: from.stock}, nil
}
