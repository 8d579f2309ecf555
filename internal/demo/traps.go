package demo

import (
	"strconv"
	"strings"
)

// Trap is one seeded difficulty that the platform must handle.
type Trap struct {
	Name     string   // stable short name
	Patients []string // ids of the patients concerned
	Label    string   // what a person would call it
	Where    string   // where to look
	Must     string   // what must happen
	Resource string   // "Type/id" of the resource that matters, if there is one
}

// last is the highest patient number that the trap needs.
func (t Trap) last() int {
	highest := 0
	for _, id := range t.Patients {
		n, err := strconv.Atoi(strings.TrimPrefix(id, "p"))
		if err != nil {
			panic("demo: a trap names no patient")
		}
		highest = max(highest, n)
	}
	return highest
}

// Traps returns the whole table, each trap with a copy of its patients.
func Traps() []Trap {
	out := append([]Trap(nil), traps...)
	for i := range out {
		out[i].Patients = append([]string(nil), out[i].Patients...)
	}
	return out
}

// TrapNamed returns the trap of that name.
func TrapNamed(name string) (Trap, bool) {
	for _, t := range Traps() {
		if t.Name == name {
			return t, true
		}
	}
	return Trap{}, false
}
