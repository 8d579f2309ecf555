package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/config"
)

func TestProbe(t *testing.T) {
	ctx := context.Background()
	cfg := config.Default()
	cfg.Dir = t.TempDir()
	h, err := OpenHouse(ctx, cfg, slog.Default(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := bulk.Sources([]string{"/work/shared/data/synthea-120"})
	if err != nil {
		t.Fatal(err)
	}
	im := bulk.Importer{Target: &ownDesk{house: h, who: "t"}, Readers: 1, Writers: 3}
	start := time.Now()
	s, err := im.Run(ctx, files[:12])
	t.Logf("%v %+v %v", err, s, time.Since(start))
	t.Log(float64(s.Total()) / time.Since(start).Seconds())
	t.Logf("%+v", h.Store.Stats())
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
}
