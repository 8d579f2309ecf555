package pebble_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// load makes resources with the shape that synthetic bundles have: 45 tokens,
// of which five are on a large share of all records, ten follow a code's
// frequency, fourteen are trees of dates and numbers, six are shared inside
// the bundle, four are names and six are unique; three edges; a body of 0.8 KB
// and a card of 250 B that no compression can shrink.
type load struct {
	*rand.Rand
	codes *rand.Zipf
	noise *rand.ChaCha8
}

func newLoad(seed uint64) *load {
	r := rand.New(rand.NewPCG(seed, 2))
	return &load{Rand: r, codes: rand.NewZipf(r, 1.2, 8, 3000), noise: rand.NewChaCha8([32]byte{byte(seed)})}
}

// mix spreads the values of a field over the space of tokens, as a keyed
// digest does.
func mix(field, value uint64) record.Token {
	x := field*0x9e3779b97f4a7c15 ^ value*0xbf58476d1ce4e5b9
	x ^= x >> 31
	x *= 0x94d049bb133111eb
	return record.Token(x ^ x>>29)
}

func (l *load) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = l.noise.Read(b)
	return b
}

func (l *load) key() (k record.Key) {
	_, _ = l.noise.Read(k[:])
	return k
}

func (l *load) bundle(n int) []record.Put {
	patient, encounter := l.key(), l.key()
	var shared [30]record.Token
	for i := range shared {
		shared[i] = mix(100, l.Uint64())
	}
	day := l.Uint64N(15000)
	puts := make([]record.Put, n)
	for i := range puts {
		if i%15 == 0 {
			encounter, day = l.key(), min(day+l.Uint64N(60), 20000)
		}
		ts := make([]record.Token, 0, 45)
		for range 5 {
			ts = append(ts, mix(1, l.Uint64N(15)))
		}
		for f := range uint64(10) {
			ts = append(ts, mix(2+f%5, l.codes.Uint64()))
		}
		ts = append(ts, mix(10, day), mix(11, day/30), mix(12, day/365), mix(13, day/36500), mix(14, day<<17|l.Uint64N(86400)), mix(15, day/30))
		code, value := l.Uint64N(40), l.Uint64N(100_000_000)
		for k, div := uint64(0), uint64(100_000_000); k < 8; k, div = k+1, div/10 {
			ts = append(ts, mix(20+k, code<<32|value/div))
		}
		for range 4 {
			ts = append(ts, mix(40, l.Uint64N(50_000)))
		}
		for range 6 {
			ts = append(ts, shared[l.IntN(len(shared))])
		}
		for range 6 {
			ts = append(ts, mix(50, l.Uint64()))
		}
		puts[i] = record.Put{
			Key: l.key(), Version: 1, Class: mix(60, l.codes.Uint64()%30), Tokens: ts, Body: l.bytes(800), Card: l.bytes(250),
			Edges: []record.Edge{{Rel: mix(70, 1), To: patient}, {Rel: mix(70, 2), To: patient}, {Rel: mix(70, 3), To: encounter}},
		}
	}
	puts[0].Key, puts[0].Class, puts[0].Edges = patient, patients, nil
	return puts
}

// patients is the class of the first record of each bundle; the others point
// to it.
const patients record.Token = 0xfeed

// folder is where benchmarks write: a real device, if WARDKEEP_BENCH_DIR says.
func folder(b testing.TB) string {
	if d := os.Getenv("WARDKEEP_BENCH_DIR"); d != "" {
		d, err := os.MkdirTemp(d, "bench")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = os.RemoveAll(d) })
		return d
	}
	return b.TempDir()
}

func benchStore(b testing.TB) *pebble.Store {
	s, err := pebble.Open(pebble.Config{Dir: folder(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func commit(b testing.TB, s store.Store, batch record.Batch) {
	r, err := s.Commit(context.Background(), batch)
	if err == nil {
		err = r.Wait()
	}
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkBundles commits bundles of 750 durably; an operation is a bundle.
func BenchmarkBundles(b *testing.B) {
	for _, writers := range []int{1, 2} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := benchStore(b)
			bundles := make(chan record.Batch, 4)
			go func() {
				l := newLoad(1)
				for i := range b.N {
					bundles <- record.Batch{Puts: l.bundle(750), Time: time.Unix(int64(i), 0)}
				}
				close(bundles)
			}()
			time.Sleep(50 * time.Millisecond)
			b.ResetTimer()
			var spent atomic.Int64
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for batch := range bundles {
						t := time.Now()
						batch.Time = time.Unix(1_800_000_000, 0)
						commit(b, s, batch)
						spent.Add(int64(time.Since(t)))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			n := float64(750 * b.N)
			b.ReportMetric(n/b.Elapsed().Seconds(), "resources/s")
			b.ReportMetric(float64(spent.Load())/float64(b.N)/1e6, "ms/commit")
			size := float64(s.Stats().DiskBytes)
			b.ReportMetric(size/n, "B/resource")
			if err := s.Compact(context.Background()); err != nil {
				b.Error(err)
			}
			b.ReportMetric(float64(s.Stats().TableBytes)/n, "B/compacted")
		})
	}
}

// BenchmarkSingles commits single puts durably from 64 workers.
func BenchmarkSingles(b *testing.B) {
	s := benchStore(b)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range 64 {
		wg.Go(func() {
			l := newLoad(uint64(w))
			for next.Add(1) <= int64(b.N) {
				commit(b, s, record.Batch{Puts: l.bundle(1), Time: time.Unix(1_800_000_000, 0)})
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkFind asks a store of 200,000 resources.
func BenchmarkFind(b *testing.B) {
	s := benchStore(b)
	l := newLoad(1)
	var some record.Put
	for range 267 {
		puts := l.bundle(750)
		some = puts[400]
		commit(b, s, record.Batch{Puts: puts, Time: time.Unix(1_800_000_000, 0)})
	}
	common := func(n uint64) store.Expr { return store.Has{Token: mix(1, n)} }
	code := func(n uint64) store.Expr { return store.Has{Token: mix(2, n)} }
	patient := store.To{Rel: some.Edges[0].Rel, Keys: []record.Key{some.Edges[0].To}}
	cases := []struct {
		name string
		f    store.Find
	}{
		{"unique", store.Find{Expr: store.Has{Token: some.Tokens[44]}}},
		{"common limit 20", store.Find{Expr: common(3), Limit: 20}},
		{"common newest 20", store.Find{Expr: common(3), Limit: 20, Newest: true}},
		{"and of 4 limit 20", store.Find{Expr: store.And{common(3), common(4), code(1), store.All{Class: mix(60, 2)}}, Limit: 20}},
		{"and of 4 count", store.Find{Expr: store.And{common(3), common(4), code(1), store.All{Class: mix(60, 2)}}, CountOnly: true}},
		{"or of 8 limit 20", store.Find{Expr: store.Or{code(1), code(2), code(3), code(4), code(5), code(6), code(7), code(8)}, Limit: 20}},
		{"patient and class", store.Find{Expr: store.And{patient, store.All{Class: mix(60, 2)}}, Limit: 50}},
		{"join to 267 patients limit 20", store.Find{Expr: store.Join{Rel: mix(70, 1), Of: store.All{Class: patients}}, Limit: 20}},
		{"join to what nobody points to", store.Find{Expr: store.Join{Rel: mix(70, 1), Of: store.Minus{Of: code(9), Without: store.All{Class: patients}}}, Limit: 20}},
		{"members of that", store.Find{Expr: store.Minus{Of: code(9), Without: store.All{Class: patients}}, CountOnly: true}},
		{"267 targets of 200 thousand", store.Find{Expr: store.Targets{Rel: mix(70, 1), Of: store.During{}}, CountOnly: true}},
		{"all targets of 200 thousand", store.Find{Expr: store.Targets{Rel: mix(70, 3), Of: store.During{}}, CountOnly: true}},
		{"one of all targets", store.Find{Expr: store.Targets{Rel: mix(70, 3), Of: store.Has{Token: some.Tokens[44]}}, CountOnly: true}},
		{"targets of few", store.Find{Expr: store.Targets{Rel: mix(70, 1), Of: store.Has{Token: some.Tokens[44]}}, CountOnly: true}},
		{"count of all", store.Find{Expr: store.During{}, CountOnly: true}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			n := 0
			c.f.Want = store.WantCard
			for b.Loop() {
				found, err := s.Find(b.Context(), c.f, func(record.Row) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
				n = found.Count
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Get(b.Context(), []store.Ref{{Key: some.Key}}, store.WantCard|store.WantBody); err != nil {
				b.Fatal(err)
			}
		}
	})
}
