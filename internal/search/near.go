package search

import (
	"cmp"
	"math"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// kindPlace is a position on the earth: the latitude and the longitude as the
// ends of an interval.
const kindPlace kind = 'g'

const (
	earthRadius = 6371.0088 // km, mean radius of WGS84's ellipsoid
	defaultNear = 50        // km, if no distance is given: R4 leaves it to the server
)

// nearPred asks for places within a distance on the great circle.
type nearPred struct{ lat, lon, km float64 }

func (p *nearPred) match(v *value) bool {
	return distance(p.lat, p.lon, v.number.lo.float(), v.number.hi.float()) <= p.km
}

// distance is that of two points in km, by the haversine formula.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	a, b := math.Sin((lat2-lat1)*rad/2), math.Sin((lon2-lon1)*rad/2)
	h := a*a + math.Cos(lat1*rad)*math.Cos(lat2*rad)*b*b
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1)))
}

func (d decimal) float() float64 {
	x, _ := strconv.ParseFloat("."+string(d.digits)+"e"+strconv.Itoa(int(d.exp)), 64)
	if d.neg {
		return -x
	}
	return x
}

// near reads latitude|longitude[|distance[|unit]]. Units are those of UCUM for
// lengths; km is meant if there is none.
func (r *reader) near(s string) (pred, error) {
	wrong := r.wrong("latitude|longitude, or latitude|longitude|distance, perhaps with |unit: a UCUM unit of length such as km, m or [mi_i]; km is meant without")
	parts, err := r.bars(s)
	if err != nil || len(parts) < 2 || len(parts) > 4 {
		return nil, wrong
	}
	var at [3]float64
	at[2] = defaultNear
	for i, limit := range [...]float64{90, 180, math.MaxFloat64} {
		if i >= len(parts) || i == 2 && parts[i] == "" && len(parts) == 3 {
			break
		}
		n, err := parseNumber(parts[i])
		if at[i] = n.float(); err != nil || math.Abs(at[i]) > limit || i == 2 && n.neg {
			return nil, wrong
		}
	}
	if len(parts) == 4 && parts[3] != "" {
		u := cmp.Or(r.opt.Catalog, Base()).units.get(parts[3])
		if u == nil || u.dim != "m" {
			return nil, wrong
		}
		at[2] *= u.ratio / 1000
	}
	return &nearPred{at[0], at[1], at[2]}, nil
}

// place reads a position; one without both of its numbers is none.
func place(node fhir.Node, add func(entry)) {
	lat, err1 := parseNumber(node.Get("latitude").Text())
	lon, err2 := parseNumber(node.Get("longitude").Text())
	if err1 == nil && err2 == nil {
		add(entry{number: interval{lo: lat.decimal, hi: lon.decimal}})
	}
}
