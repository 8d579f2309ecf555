package main

import (
	"context"
	"errors"
	"fmt"
)

// searched is a server and the searches it is asked.
type searched struct {
	server *server
	list   []*search
}

// growth asks a server of the data once, and one of many copies, the same selective
// and other searches by turns. Each alone is measured minutes from the other, and a
// machine's moods would be taken for what growth costs.
func (b *bench) growth(ctx context.Context, large searched, scale int) (err error) {
	small := searched{}
	if small.server, err = b.rig.serve(ctx, b.once); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.server.stop()) }()
	if small.list, err = b.searchesOf(small.server); err != nil {
		return err
	}
	for range b.runs {
		var p50 [2]float64
		for i, at := range []searched{small, large} {
			one := &bench{options: b.options, results: &results{}}
			if err := one.searchRun(ctx, at.server, at.list, b.lasts(), 1); err != nil {
				return err
			}
			row := fmt.Sprintf("%d×", []int{1, scale}[i])
			for _, column := range []string{"p50 ms", "p95 ms"} {
				b.results.add("growth", scale, row, column, one.results.value("search", 1, "selective", column))
			}
			p50[i] = one.results.value("search", 1, "selective", "p50 ms")
		}
		b.results.add("growth", scale, fmt.Sprintf("%d× against 1×", scale), "p50 times", p50[1]/p50[0])
	}
	return nil
}

// searchesOf draws searches for a server that holds the data once.
func (b *bench) searchesOf(s *server) ([]*search, error) {
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer c.close()
	cat, err := readCatalogue(b.corpus)
	if err != nil {
		return nil, err
	}
	if err := cat.resolve(c); err != nil {
		return nil, err
	}
	return drawSearches(searchShapes(), cat, c, drawn, 1, &results{})
}
