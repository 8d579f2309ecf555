package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"time"
)

// rhythm says what an electrocardiogram shows.
type rhythm struct {
	bpm       float64
	irregular bool // atrial fibrillation: no P waves, uneven intervals
	depressed bool // ST depression
}

// electrocardiogram files a trace as a picture with its reading.
func (c *chart) electrocardiogram(t time.Time, r rhythm, reading string) {
	c.imageReport(t, docECG, v2("0074", "EC", "Electrocardiac (e.g., EKG,  EEC, Holter)"), "Electrocardiogram, rhythm strip", reading, trace(c.r, r))
}

// chest says what a chest film recalls.
type chest struct{ bigHeart, consolidation, hyperinflated bool }

// chestFilm files something like a chest film with its reading.
func (c *chart) chestFilm(t time.Time, shows chest, reading string) {
	c.imageReport(t, docImage, v2("0074", "RAD", "Radiology"), "Chest film, two views", reading, film(c.r, shows))
}

// imageReport is the order, the picture, the report in words and the
// DiagnosticReport that holds them together.
func (c *chart) imageReport(t time.Time, kind docKind, section code, title, reading string, picture []byte) {
	issued := t.Add(time.Duration(25+c.r.IntN(40)) * time.Minute)
	if !c.past(issued) {
		return
	}
	what := kind.code
	if section.code == "RAD" {
		what = loinc("36643-5", "XR Chest 2 Views")
	}
	reader := c.doctor
	order := c.put("ServiceRequest", c.nextID("ord"), o("status", "completed", "intent", "order", "priority", "routine",
		"category", list(concept(sct("363679005", "Imaging"))), "code", textConcept(title, what), "subject", c.subject(),
		"encounter", c.enc.ref(), "authoredOn", instant(t.Add(-10*time.Minute)), "requester", c.doctor.ref()))
	c.file(docKind{what, kind.category}, title+" (picture)", t, reader, "image/png", picture)
	bin := "Binary/" + c.id + "-bin-" + three(c.count["bin"])
	report := writePDF(letter{title: title, patient: c.latinName(), mrn: mrn(c.n), born: c.p.birth, when: issued,
		author: reader.display(), paragraphs: []string{reading, "Picture and report are synthetic."}})
	c.file(docKind{what, kind.category}, title+" (report)", issued, reader, "application/pdf", report)
	reportBin := "Binary/" + c.id + "-bin-" + three(c.count["bin"])
	attachment := func(contentType, url, name string) obj {
		return o("contentType", contentType, "url", url, "title", name, "creation", instant(issued))
	}
	c.put("DiagnosticReport", c.nextID("rep"), o("basedOn", list(link(order)), "status", "final",
		"category", list(concept(section)), "code", textConcept(title, what), "subject", c.subject(),
		"encounter", c.enc.ref(), "effectiveDateTime", instant(t), "issued", instant(issued),
		"performer", list(orgRef(orgHospital)), "resultsInterpreter", list(reader.ref()), "conclusion", reading,
		"presentedForm", list(attachment("application/pdf", reportBin, title+", report"),
			attachment("image/png", bin, title+", picture"))))
}

// trace draws ten seconds of one lead on squared paper, in a palette of four.
func trace(r *rand.Rand, rh rhythm) []byte {
	const w, h, perSecond = 900, 240, 90
	pale, line, ink, red := uint8(0), uint8(1), uint8(2), uint8(3)
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{
		color.RGBA{255, 250, 248, 255}, color.RGBA{245, 205, 200, 255}, color.RGBA{25, 25, 35, 255}, color.RGBA{170, 30, 30, 255}})
	for y := range h {
		for x := range w {
			c := pale
			if x%18 == 0 || y%18 == 0 {
				c = line
			}
			img.SetColorIndex(x, y, c)
		}
	}
	beats := beatTimes(r, rh, 10)
	last := -1
	for x := range w {
		t := float64(x) / perSecond
		y := int(150 - 70*potential(t, beats, rh) + 1.2*r.NormFloat64())
		y = min(max(y, 4), h-5)
		from, to := y, y
		if last >= 0 {
			from, to = min(last, y), max(last, y)
		}
		for yy := from; yy <= to; yy++ {
			img.SetColorIndex(x, yy, ink)
			img.SetColorIndex(x, yy+1, ink)
		}
		last = y
	}
	stamp(12, 10, 2, func(x, y int) { img.SetColorIndex(x, y, red) })
	return encode(img)
}

func beatTimes(r *rand.Rand, rh rhythm, seconds float64) []float64 {
	var out []float64
	for t := 0.3; t < seconds; {
		out = append(out, t)
		rr := 60 / rh.bpm * (1 + 0.015*r.NormFloat64())
		if rh.irregular {
			rr = 60 / rh.bpm * (0.7 + 0.6*r.Float64())
		}
		t += rr
	}
	return out
}

// potential is a sum of bumps around each beat: P, QRS and T.
func potential(t float64, beats []float64, rh rhythm) float64 {
	bump := func(centre, width, height float64) float64 {
		d := (t - centre) / width
		if d*d > 16 {
			return 0
		}
		return height * math.Exp(-d*d/2)
	}
	v := 0.0
	for _, b := range beats {
		if math.Abs(t-b) > 0.8 {
			continue
		}
		if !rh.irregular {
			v += bump(b-0.16, 0.025, 0.14)
		}
		v += bump(b-0.03, 0.010, -0.12) + bump(b, 0.012, 1.25) + bump(b+0.032, 0.011, -0.28)
		st, tw := 0.0, 0.30
		if rh.depressed {
			st, tw = -0.22, 0.12
		}
		v += bump(b+0.11, 0.04, st) + bump(b+0.26, 0.05, tw)
	}
	if rh.irregular {
		v += 0.05*math.Sin(2*math.Pi*6.3*t) + 0.03*math.Sin(2*math.Pi*7.7*t+1)
	}
	return v
}

// film paints soft shapes that recall a chest film and show nothing real.
func film(r *rand.Rand, shows chest) []byte {
	const n = 224
	img := image.NewGray(image.Rect(0, 0, n, n))
	soft := func(x, y, cx, cy, rx, ry, edge float64) float64 {
		d := (x-cx)*(x-cx)/(rx*rx) + (y-cy)*(y-cy)/(ry*ry)
		return 1 / (1 + math.Exp(edge*(d-1)))
	}
	lungHeight, heart := 0.29, 0.13
	if shows.hyperinflated {
		lungHeight = 0.34
	}
	if shows.bigHeart {
		heart = 0.185
	}
	tilt := 0.01 * r.NormFloat64()
	for py := range n {
		for px := range n {
			x, y := float64(px)/n, float64(py)/n
			v := 28 + 128*soft(x, y, 0.5, 0.66, 0.47, 0.66, 5)
			lungs := min(soft(x, y, 0.31+tilt, 0.47, 0.155, lungHeight, 6)+soft(x, y, 0.69+tilt, 0.47, 0.15, lungHeight, 6), 1)
			v -= 102 * lungs
			v += 46 * soft(x, y, 0.5, 0.45, 0.055, 0.6, 3) // spine and mediastinum
			v += 62 * soft(x, y, 0.54+heart*0.25, 0.62, heart, heart*0.95, 4)
			for side := -1.0; side <= 1; side += 2 { // ribs fall away from the spine
				out := side * (x - 0.5)
				if out > 0.03 {
					phase := (y - 0.9*out*out*2.2 + 0.12*out) * 2 * math.Pi / 0.082
					v += 15 * lungs * math.Pow(0.5+0.5*math.Sin(phase), 3)
				}
				v += 26 * soft(x, y-0.28*math.Abs(x-0.5), 0.5+side*0.21, 0.105, 0.17, 0.014, 2) // collar bone
			}
			if shows.consolidation {
				v += 70 * soft(x, y, 0.28, 0.63, 0.1, 0.085, 2.2) * (0.85 + 0.15*math.Sin(40*x+31*y))
			}
			img.SetGray(px, py, color.Gray{uint8(clamp(math.Round((v+1.5*r.NormFloat64())/3)*3, 0, 255))})
		}
	}
	stamp(8, 8, 2, func(x, y int) { img.SetGray(x, y, color.Gray{255}) })
	return encode(img)
}

func encode(img image.Image) []byte {
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
		panic("demo: a picture could not be drawn")
	}
	return out.Bytes()
}

// glyphs is a small set of capitals, five dots high, three to five wide.
var glyphs = map[rune][5]string{
	'S': {"###", "#..", "###", "..#", "###"}, 'Y': {"#.#", "#.#", "###", ".#.", ".#."},
	'N': {"#..#", "##.#", "#.##", "#..#", "#..#"}, 'T': {"###", ".#.", ".#.", ".#.", ".#."},
	'H': {"#.#", "#.#", "###", "#.#", "#.#"}, 'E': {"###", "#..", "##.", "#..", "###"},
	'I': {"#", "#", "#", "#", "#"}, 'C': {"###", "#..", "#..", "#..", "###"},
	'O': {"###", "#.#", "#.#", "#.#", "###"}, 'F': {"###", "#..", "##.", "#..", "#.."},
	'R': {"##.", "#.#", "##.", "#.#", "#.#"}, 'A': {"###", "#.#", "###", "#.#", "#.#"},
	'-': {"...", "...", "###", "...", "..."},
}

// stamp writes the warning into a picture, so that it cannot be cut from it by
// a viewer that hides what stands beside.
func stamp(x0, y0, scale int, dot func(x, y int)) {
	x := x0
	for _, ch := range notForCare {
		g, ok := glyphs[ch]
		if !ok {
			x += 3 * scale
			continue
		}
		for row, bits := range g {
			for col, b := range bits {
				if b != '#' {
					continue
				}
				for dy := range scale {
					for dx := range scale {
						dot(x+col*scale+dx, y0+row*scale+dy)
					}
				}
			}
		}
		x += (len(g[0]) + 1) * scale
	}
}
