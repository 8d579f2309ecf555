package demo

import "strconv"

// ward is a place with beds.
type ward struct {
	id, name, short string
	rooms, perRoom  int
	first           int // number of the first room
}

var wards = []ward{
	{WardMedicine, "Ward 3 North, Medicine", "3N", 12, 2, 301},
	{WardSurgery, "Ward 4 South, Surgery", "4S", 8, 2, 401},
	{WardMaternity, "Ward 5 East, Mothers and Children", "5E", 8, 2, 501},
}

func wardName(id string) string {
	for _, w := range wards {
		if w.id == id {
			return w.name
		}
	}
	return ""
}

// bed is one place to lie: bed A of room 301.
type bed struct{ ward, room, id, name string }

func (b bed) ref() obj { return o("reference", "Location/"+b.id, "display", b.name) }

// bedsOf lists the beds of a ward in the order in which they are given out.
func bedsOf(w ward) []bed {
	var out []bed
	for r := range w.rooms {
		room := strconv.Itoa(w.first + r)
		for b := range w.perRoom {
			letter := string(rune('A' + b))
			out = append(out, bed{w.id, "room-" + room, "bed-" + room + "-" + string(rune('a'+b)),
				w.short + " " + room + "-" + letter})
		}
	}
	return out
}

// assignBeds gives every inpatient of the roster a bed of the ward.
func (w *world) assignBeds() map[int]bed {
	free := map[string][]bed{}
	for _, wd := range wards {
		free[wd.id] = bedsOf(wd)
	}
	out := map[int]bed{}
	for n, s := range roster() {
		if n++; n > w.opt.Patients {
			break
		}
		id := s.ward
		if beds := free[id]; len(beds) > 0 {
			out[n], free[id] = beds[0], beds[1:]
		}
	}
	return out
}

const (
	locHospital  = "loc-hospital"
	locClinic    = "loc-clinic"
	locEmergency = "loc-emergency"
	locLab       = "loc-lab"
	locTheatre   = "loc-theatre"
)

func (w *world) locations() []entry {
	out := []entry{
		location(locHospital, "Port Alder General Hospital", "bu", "Building", "", orgHospital, "HOSP", "Hospital"),
		location(locEmergency, "Emergency Department", "area", "Area", locHospital, orgHospital, "ER", "Emergency room"),
		location(locClinic, "Outpatient Clinic", "area", "Area", locHospital, orgHospital, "OF", "Outpatient facility"),
		location(locLab, "Clinical Laboratory", "ro", "Room", locHospital, orgLab, "", ""),
		location(locTheatre, "Operating Room 2", "ro", "Room", locHospital, orgHospital, "", ""),
	}
	for _, wd := range wards {
		out = append(out, location(wd.id, wd.name, "wa", "Ward", locHospital, orgHospital, "HU", "Hospital unit"))
		for r := range wd.rooms {
			room := strconv.Itoa(wd.first + r)
			out = append(out, location("room-"+room, wd.short+" "+room, "ro", "Room", wd.id, orgHospital, "", ""))
		}
		for _, b := range bedsOf(wd) {
			out = append(out, location(b.id, b.name, "bd", "Bed", b.room, orgHospital, "", ""))
		}
	}
	return out
}

func location(id, name, physical, physicalName, partOf, org, kind, kindName string) entry {
	body := o("resourceType", "Location", "id", id, "meta", testMeta(),
		"status", "active", "name", name, "mode", "instance")
	if kind != "" {
		body = body.with("type", list(concept(v3("RoleCode", kind, kindName))))
	}
	if partOf == "" {
		body = body.with("address", hospitalAddress())
	}
	body = body.with("physicalType", concept(tho("location-physical-type", physical, physicalName)),
		"managingOrganization", orgRef(org))
	if partOf != "" {
		body = body.with("partOf", ref("Location", partOf))
	}
	return entry{"Location", id, body}
}
