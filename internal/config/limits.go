package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Limits bound what one caller may ask of the server. 0 is no bound.
type Limits struct {
	// PersonRate is how many requests a second a person may send, and each app in her
	// name; AddressRate a network address that shows no session or token. After a quiet
	// time four seconds' worth may come at once.
	PersonRate  int `koanf:"person_rate"`
	AddressRate int `koanf:"address_rate"`
	// ProgramRate is the same of a program that acts for itself, ProgramRates of single
	// ones: their client ids and rates, such as lab-7=200, apart by spaces.
	ProgramRate  int    `koanf:"program_rate"`
	ProgramRates string `koanf:"program_rates"`
	// RequestsAtOnce is how many requests of one caller may be under way.
	RequestsAtOnce int `koanf:"requests_at_once"`
	// UsualCharts is how many patients' records who bears a role is usually shown within
	// an hour, and "program" any program, such as nurse=60 program=0, apart by spaces: what
	// is beyond is told as an alert. What is not given is as by default.
	UsualCharts string `koanf:"usual_charts"`
}

func commonLimits() Limits {
	return Limits{PersonRate: 50, AddressRate: 100, RequestsAtOnce: 128}
}

// usual is told by what each role does: who looks after a ward, who reports on a hospital.
func usual() map[string]int {
	return map[string]int{
		"nurse": 80, "charge": 150, "doctor": 150, "pharmacist": 300, "lab": 500, "registration": 400, "billing": 400,
		"privacy": 300, "auditor": 300, "admin": 20, "patient": 5, "proxy": 10, "program": 5000,
	}
}

const (
	mostRate   = 1_000_000
	mostCharts = 100_000
)

func (l Limits) check() error {
	for name, n := range map[string]int{
		"person_rate": l.PersonRate, "address_rate": l.AddressRate, "program_rate": l.ProgramRate, "requests_at_once": l.RequestsAtOnce,
	} {
		if n < 0 || n > mostRate {
			return fmt.Errorf("%s must be a number from 1 to %d, or 0 for no bound", name, mostRate)
		}
	}
	_, err := l.RatesOfPrograms()
	_, wrong := l.ChartsOfRoles()
	return errors.Join(err, wrong)
}

// RatesOfPrograms are the rates of single programs, by client id.
func (l Limits) RatesOfPrograms() (map[string]int, error) {
	rates, ok := numbers(l.ProgramRates, mostRate)
	if !ok {
		return nil, fmt.Errorf("program_rates must look like lab-7=200 feed-2=50: each program once, with a number up to %d", mostRate)
	}
	return rates, nil
}

// ChartsOfRoles are the charts that are usual for each role.
func (l Limits) ChartsOfRoles() (map[string]int, error) {
	charts := usual()
	given, ok := numbers(l.UsualCharts, mostCharts)
	for role, n := range given {
		if _, known := charts[role]; !known {
			ok = false
		}
		charts[role] = n
	}
	if !ok {
		return nil, fmt.Errorf("usual_charts must look like nurse=60 program=0: each role once, with a number up to %d; known are: %s", mostCharts, strings.Join(slices.Sorted(maps.Keys(usual())), ", "))
	}
	return charts, nil
}

// numbers reads name=number, apart by spaces, each name once.
func numbers(text string, most int) (map[string]int, bool) {
	out := map[string]int{}
	for word := range strings.FieldsSeq(text) {
		name, digits, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(digits)
		if _, twice := out[name]; name == "" || err != nil || n < 0 || n > most || twice {
			return nil, false
		}
		out[name] = n
	}
	return out, true
}
