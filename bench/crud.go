package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const crudWorkers = 64

// crudTypes are the nine types of the mix.
var crudTypes = []string{
	"Patient", "Encounter", "Condition", "Observation", "MedicationRequest",
	"Procedure", "DiagnosticReport", "Immunization", "Claim",
}

// kinds and their weights in the mix, in per cent.
var kinds = []struct {
	name   string
	weight int
}{{"create", 10}, {"read", 60}, {"update", 25}, {"delete", 5}}

// stored is a record that is read and updated; bodies are two states of it, by
// turns.
type stored struct {
	path   string
	bodies [2][]byte
	fresh  []byte // for a create: numbers that the program sees masked are others
}

// stock are records of all types, the oldest and the newest.
type stock map[string][]stored

func readStock(c *conn, each int) (stock, error) {
	st := stock{}
	for _, typ := range crudTypes {
		seen := map[string]bool{}
		for _, sort := range []string{"", "&_sort=-_lastUpdated"} {
			a, err := c.do("GET", fmt.Sprintf("%s?_count=%d%s", typ, each, sort), nil)
			if err != nil {
				return nil, err
			}
			var page struct {
				Entry []struct{ Resource json.RawMessage }
			}
			if err := json.Unmarshal(a.body, &page); err != nil || a.status != 200 {
				return nil, fmt.Errorf("%s cannot be listed: status %d", typ, a.status)
			}
			for _, e := range page.Entry {
				var head struct{ ID string }
				if err := json.Unmarshal(e.Resource, &head); err != nil {
					return nil, fmt.Errorf("%s cannot be read: %w", typ, err)
				}
				if !seen[head.ID] && !bytes.Contains(e.Resource, []byte(`"language":"`)) {
					seen[head.ID] = true
					st[typ] = append(st[typ], storedOf(typ+"/"+head.ID, mended(e.Resource)))
				}
			}
		}
		if len(st[typ]) == 0 {
			return nil, fmt.Errorf("there is no %s to read and change", typ)
		}
	}
	return st, nil
}

// workers is how many there are: sixty-four, if each can have a record of each
// type to himself.
func (st stock) workers() int {
	n := crudWorkers
	for _, list := range st {
		n = min(n, len(list))
	}
	return n
}

func storedOf(path string, resource []byte) stored {
	other := append(slices.Clone(resource[:len(resource)-1]), `,"language":"en-US"}`...)
	fresh := masked.ReplaceAll(slices.Clone(resource), []byte(`"value":"999-00-0000"`))
	return stored{path: path, bodies: [2][]byte{slices.Clone(resource), other}, fresh: fresh}
}

// masked is the value of an identifier of which a program is shown a part.
var masked = regexp.MustCompile(`"_value":\{"extension":\[\{"url":"[^"]*/rendered-value","valueString":"[^"]*"\},\{"url":"[^"]*/data-absent-reason","valueCode":"masked"\}\]\}`)

// crudWorker has records of its own, so that no two change the same.
type crudWorker struct {
	conn  *conn
	rng   *rand.Rand
	stock stock
	nth   int // worker of so many
	of    int
	turns int
	made  []string
	times [4]latencies
}

// step carries out one request of the mix.
func (w *crudWorker) step() error {
	dice, kind := w.rng.IntN(100), 0
	for dice >= kinds[kind].weight {
		dice -= kinds[kind].weight
		kind++
	}
	if kinds[kind].name == "delete" && len(w.made) == 0 {
		kind = 0
	}
	list := w.stock[crudTypes[w.rng.IntN(len(crudTypes))]]
	method, path, want := "GET", list[w.rng.IntN(len(list))].path, 200
	var body []byte
	switch kinds[kind].name {
	case "create":
		some := list[w.rng.IntN(len(list))]
		path, _, _ = strings.Cut(some.path, "/")
		method, body, want = "POST", some.fresh, 201
	case "update":
		own := list[w.rng.IntN(len(list)/w.of)*w.of+w.nth]
		w.turns++
		method, path, body = "PUT", own.path, own.bodies[w.turns%2]
	case "delete":
		method, path, want = "DELETE", w.made[len(w.made)-1], 204
		w.made = w.made[:len(w.made)-1]
	}
	start := time.Now()
	a, err := w.conn.do(method, path, body)
	w.times[kind] = append(w.times[kind], time.Since(start))
	if err != nil {
		return err
	}
	if a.status != want {
		return fmt.Errorf("%s of a %s is answered with status %d: %s", kinds[kind].name, path[:strings.IndexByte(path+"/", '/')], a.status, tail(string(a.body)))
	}
	return w.check(kinds[kind].name, path, a)
}

// check looks whether the answer is what was asked for.
func (w *crudWorker) check(kind, path string, a answer) error {
	typ, id, _ := strings.Cut(path, "/")
	if kind == "create" {
		_, after, _ := strings.Cut(a.location, "/fhir/"+typ+"/")
		id, _, _ = strings.Cut(after, "/")
		w.made = append(w.made, typ+"/"+id)
	}
	if kind != "delete" && (id == "" || !bytes.Contains(a.body, []byte(`"id":"`+id+`"`))) {
		return fmt.Errorf("%s: the answer is not that record", kind)
	}
	return nil
}

// crew are the workers on one server.
type crew []*crudWorker

// crew dials for as many workers as there can be.
func (s *server) crew(ctx context.Context, st stock, run int) (crew, error) {
	if err := s.renew(ctx); err != nil {
		return nil, err
	}
	var all crew
	for i := range st.workers() {
		c, err := s.dial()
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, &crudWorker{conn: c, stock: st, nth: i, of: st.workers(), turns: run, rng: rand.New(rand.NewPCG(uint64(run), uint64(i)))})
	}
	return all, nil
}

func (c crew) close() {
	for _, w := range c {
		w.conn.close()
	}
}

// work keeps all busy for a time, and returns how long it was.
func (c crew) work(ctx context.Context, lasts time.Duration) (time.Duration, error) {
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for _, w := range c {
		group.Go(func() error {
			for ctx.Err() == nil && time.Since(start) < lasts {
				if err := w.step(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return time.Since(start), err
}

// crudRun keeps 64 workers busy for a time.
func (b *bench) crudRun(ctx context.Context, s *server, st stock, run int, lasts time.Duration, scale int) error {
	workers, err := s.crew(ctx, st, run)
	if err != nil {
		return err
	}
	defer workers.close()
	cpu := s.cpu()
	took, err := workers.work(ctx, lasts)
	if err != nil {
		return err
	}
	b.noteCRUD(workers, scale, took, s.cpu()-cpu)
	return nil
}

func (b *bench) noteCRUD(workers crew, scale int, took, cpu time.Duration) {
	var all latencies
	note := func(row string, list latencies) {
		slices.Sort(list)
		b.results.add("crud", scale, row, "requests/s", float64(len(list))/took.Seconds())
		for _, p := range []float64{50, 95, 99} {
			b.results.add("crud", scale, row, fmt.Sprintf("p%g ms", p), list.percentile(p))
		}
	}
	for k, kind := range kinds {
		var list latencies
		for _, w := range workers {
			list = append(list, w.times[k]...)
		}
		all = append(all, list...)
		note(kind.name, list)
	}
	note("all", all)
	b.results.add("crud", scale, "all", "server µs/request", float64(cpu.Microseconds())/float64(len(all)))
}
