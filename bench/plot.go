package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// bar is one line of a plot.
type bar struct {
	label string
	value float64
	tint  int
}

// plots draws the figures that are best compared by eye.
func (r *results) plots(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the plots cannot be written: %w", err)
	}
	charts := map[string][]bar{}
	var titles = map[string]string{
		"bench-import.svg": "imported resources a second",
		"bench-crud.svg":   "95th percentile of changes and reads, ms",
		"bench-search.svg": "median time of a page, ms",
	}
	for _, f := range r.Figures {
		label := fmt.Sprintf("%s, %d×", f.Row, f.Scale)
		switch {
		case f.Part == "import" && f.Column == "resources/s":
			charts["bench-import.svg"] = append(charts["bench-import.svg"], bar{label, f.Median, f.Scale})
		case f.Part == "crud" && f.Column == "p95 ms":
			charts["bench-crud.svg"] = append(charts["bench-crud.svg"], bar{label, f.Median, f.Scale})
		case f.Part == "search" && f.Column == "p50 ms" && rank(f.Row) < 2:
			charts["bench-search.svg"] = append(charts["bench-search.svg"], bar{label, f.Median, f.Scale})
		}
	}
	for name, bars := range charts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(drawBars(titles[name], bars)), 0o644); err != nil {
			return fmt.Errorf("the plots cannot be written: %w", err)
		}
	}
	return nil
}

const (
	lineHeight = 24
	labelWidth = 260
	barWidth   = 420
	plotWidth  = labelWidth + barWidth + 90
)

// tints are one colour for each scale, told apart by the colour-blind as well.
var tints = map[int]string{1: "#0072b2", 4: "#56b4e9", 16: "#e69f00"}

// drawBars writes a bar chart as SVG.
func drawBars(title string, bars []bar) string {
	most := 0.0
	for _, b := range bars {
		most = math.Max(most, b.value)
	}
	var w strings.Builder
	height := lineHeight * (len(bars) + 2)
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&w, `<rect width="%d" height="%d" fill="#fff"/><text x="8" y="18" font-weight="bold">%s</text>`+"\n", plotWidth, height, escape(title))
	for i, b := range bars {
		y, long := lineHeight*(i+1)+6, 0.0
		if most > 0 {
			long = b.value / most * barWidth
		}
		tint := tints[b.tint]
		if tint == "" {
			tint = "#999999"
		}
		fmt.Fprintf(&w, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%s</text>`+"\n",
			labelWidth-8, y+14, escape(b.label), labelWidth, y+2, long, lineHeight-8, tint, labelWidth+long+6, y+14, number(b.value))
	}
	return w.String() + "</svg>\n"
}

func escape(text string) string {
	var w strings.Builder
	_ = xml.EscapeText(&w, []byte(text)) // a strings.Builder takes everything
	return w.String()
}
