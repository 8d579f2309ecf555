// Command attack tries to come at records in every way that is not allowed, at a
// released server that it sets up itself, and says what was blocked. It knows the
// server from outside only; what it expects comes from package expect.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// options are what the command takes.
type options struct {
	binary, json, seed string
	only, route        string
	sample             bool
	each               int
}

// run returns the exit code: 0 all blocked and all that is legitimate allowed, 1 not,
// 2 wrong use.
func run(ctx context.Context, args []string, out io.Writer) int {
	var o options
	flags := flag.NewFlagSet("attack", flag.ContinueOnError)
	flags.StringVar(&o.binary, "bin", "bin/wardkeep", "the released program")
	flags.StringVar(&o.json, "json", "", "file for all cells and holes")
	flags.StringVar(&o.only, "only", "", "only tricks whose name begins so; several by commas")
	flags.StringVar(&o.route, "route", "", "only routes whose name has this in it")
	flags.StringVar(&o.seed, "seed", "", "what canaries and choices are made of; a random one is told")
	flags.BoolVar(&o.sample, "sample", false, "some of every kind, in a minute")
	flags.IntVar(&o.each, "each", 1, "attempts of each cell of the side doors")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 2
	}
	if o.seed == "" {
		o.seed = rand.Text()[:12]
	}
	fmt.Fprintf(out, "attack, seed %s\n", o.seed)
	t, err := o.attack(ctx)
	if err != nil {
		if t != nil {
			t.print(out)
		}
		fmt.Fprintln(os.Stderr, "attack:", err)
		return 1
	}
	t.print(out)
	if o.json != "" {
		if err := t.save(o.json, map[string]any{"seed": o.seed, "sample": o.sample, "only": o.only, "date": time.Now().UTC().Format(time.DateOnly)}); err != nil {
			fmt.Fprintln(os.Stderr, "attack:", err)
			return 1
		}
	}
	return t.code()
}

// code is 0 if all was blocked.
func (t *tally) code() int {
	if s := t.sums(); s.Throttled > 0 || s.Attempts == 0 || len(t.Holes) > 0 {
		return 1
	}
	return 0
}

// attack sets a hospital up, runs all stages against it, and reads its log.
func (o options) attack(ctx context.Context) (_ *tally, err error) {
	dir, err := os.MkdirTemp("", "wardkeep-attack-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	named, all := relatedStaff()
	w := newWorld(o.seed, time.Now(), named)
	for _, p := range all {
		if !strings.Contains(" "+strings.Join(named, " ")+" ", " "+p+" ") {
			w.house = append(w.house, object{"resourceType": "Practitioner", "id": p, "active": true})
		}
	}
	beside := w.beside(neighbour)
	s, second, err := found(ctx, o.binary, dir, w, beside)
	if s != nil {
		defer func() {
			if e := s.stop(); err == nil {
				err = e
			}
		}()
	}
	if err != nil {
		return nil, err
	}
	say := func(text string) { fmt.Fprintln(os.Stderr, " ", text) }
	say(fmt.Sprintf("%d records of %d people are filed; %s", len(w.records()), len(w.patients), filepath.Base(o.binary)))
	c, err := s.engage(ctx, w, say)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(o.seed))
	a := &attack{world: w, cast: c, s: s, rng: mathrand.New(mathrand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16]))), each: o.each, sample: o.sample}
	a.second = &attack{world: beside, s: second, rng: mathrand.New(mathrand.NewPCG(binary.BigEndian.Uint64(sum[16:24]), binary.BigEndian.Uint64(sum[24:]))), each: o.each, sample: o.sample}
	t := newTally()
	for _, st := range a.stages() {
		if !o.wants(st.name) {
			continue
		}
		list, err := st.make(ctx)
		if err != nil {
			return t, fmt.Errorf("%s: %w", st.name, err)
		}
		list = slices.DeleteFunc(list, func(one attempt) bool { return !strings.Contains(one.Route, o.route) })
		if a.sample && st.name != "wishes" && !strings.HasPrefix(st.name, "tenants") { // which are thin enough
			list = thin(a.rng, list)
		}
		say(fmt.Sprintf("%s: %d attempts", st.name, len(list)))
		if err := w.run(ctx, s, t, st.name, list); err != nil {
			return t, err
		}
	}
	a.readLog(t)
	return t, nil
}

func (o options) wants(name string) bool {
	if o.only == "" {
		return true
	}
	for _, prefix := range strings.Split(o.only, ",") {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// stage is a part of the run. What it makes is tried at once.
type stage struct {
	name string
	make func(ctx context.Context) ([]attempt, error)
}

func (a *attack) stages() []stage {
	now := func(make func() []attempt) func(context.Context) ([]attempt, error) {
		return func(context.Context) ([]attempt, error) { return make(), nil }
	}
	return slices.Concat([]stage{
		{"pages", now(a.onPages)},
		{"CSRF", now(a.crossSite)},
		{"CORS", now(a.origins)},
		{"open redirect", now(a.leads)},
		{"session fixation", a.fixations},
		{"second factor", a.halfway},
		{"emergencies", a.emergencies},
		{"shifts", a.shifts}, // while proofs are fresh; and while sessions are, what asks for pages
		{"apps", a.connecting},
		{"replay and theft", a.spent},
		{"jobs", a.jobs}, // before there are Subscriptions in which a number was typed
		{"wishes", now(a.wishes)},
		{"revocations", a.revocations},
		{"numbers", now(a.numbers)},
		{"papers", now(a.papers)},
		{"page links", a.pagesOfOthers},
		{"bulk and subscriptions", now(a.orders)},
		{"redacted fields", now(a.redacted)},
		{"side door", now(a.doors)},
		{"http", now(a.httpTricks)},
		{"request smuggling", now(a.smuggling)},
		{"forged token", now(a.forged)},
		{"client assertion", func(context.Context) ([]attempt, error) { return a.assertions() }},
		{"authorization", now(a.authorizations)},
		{"change", now(a.choices)},
		{"untouched", now(a.untouched)},
		{"work", now(a.work)},
	}, a.tenants(), []stage{
		{"access that ended", a.ends}, // last: it changes who is who
	})
}

// readLog looks for canaries in what the server printed.
func (a *attack) readLog(t *tally) {
	at := &attempt{Route: "the server's log", Trick: "log", As: a.nobody}
	v := verdict{OK: true}
	for _, c := range a.find(a.s.screen.bytes()) {
		if c.Element != "id" {
			v = fail("the log shows " + c.Record.Type + "." + c.Element)
		}
	}
	t.add(at, answer{Status: 200}, v)
}
