package config

import (
	"fmt"
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
	// an hour, and "program" any program: what is beyond is told as an alert, once an hour.
	// It can only be given in a file.
	UsualCharts map[string]int `koanf:"usual_charts"`
}

func commonLimits() Limits {
	return Limits{PersonRate: 50, AddressRate: 100, RequestsAtOnce: 128, UsualCharts: map[string]int{
		"nurse": 80, "charge": 150, "doctor": 150, "pharmacist": 300, "lab": 500, "registration": 400, "billing": 400,
		"privacy": 300, "auditor": 300, "admin": 20, "patient": 5, "proxy": 10, "program": 5000,
	}}
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
	for _, n := range l.UsualCharts {
		if n < 0 || n > mostCharts {
			return fmt.Errorf("usual_charts must be numbers from 1 to %d, or 0 for no bound", mostCharts)
		}
	}
	_, err := l.RatesOfPrograms()
	return err
}

// RatesOfPrograms are the rates of single programs, by client id.
func (l Limits) RatesOfPrograms() (map[string]int, error) {
	rates := map[string]int{}
	for word := range strings.FieldsSeq(l.ProgramRates) {
		id, text, ok := strings.Cut(word, "=")
		n, err := strconv.Atoi(text)
		if _, twice := rates[id]; !ok || id == "" || err != nil || n < 0 || n > mostRate || twice {
			return nil, fmt.Errorf("program_rates must look like lab-7=200 feed-2=50: each program once, with a number up to %d", mostRate)
		}
		rates[id] = n
	}
	return rates, nil
}
