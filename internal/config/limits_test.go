package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
)

func TestLimits(t *testing.T) {
	cfg, err := config.Load("", []string{"WARDKEEP_PERSON_RATE=7", "WARDKEEP_PROGRAM_RATES=lab-7=200 feed=0"})
	if err != nil || cfg.Check() != nil || cfg.PersonRate != 7 || cfg.AddressRate != 100 || cfg.RequestsAtOnce != 128 {
		t.Fatalf("%+v %v", cfg.Limits, err)
	}
	if rates, err := cfg.RatesOfPrograms(); err != nil || !maps.Equal(rates, map[string]int{"lab-7": 200, "feed": 0}) {
		t.Errorf("%v %v", rates, err)
	}
	cfg, err = config.Load("", []string{"WARDKEEP_USUAL_CHARTS=nurse=12 program=0"})
	if err != nil || cfg.Check() != nil {
		t.Fatal(err)
	}
	if charts, err := cfg.ChartsOfRoles(); err != nil || charts["nurse"] != 12 || charts["program"] != 0 || charts["doctor"] != 150 {
		t.Errorf("%v %v", charts, err)
	}
	for _, wrong := range []string{
		"WARDKEEP_PERSON_RATE=-1", "WARDKEEP_ADDRESS_RATE=1000001", "WARDKEEP_REQUESTS_AT_ONCE=-5", "WARDKEEP_PROGRAM_RATE=-1",
		"WARDKEEP_PROGRAM_RATES=lab", "WARDKEEP_PROGRAM_RATES==5", "WARDKEEP_PROGRAM_RATES=lab=many", "WARDKEEP_PROGRAM_RATES=lab=1 lab=2", "WARDKEEP_PROGRAM_RATES=lab=-1",
		"WARDKEEP_USUAL_CHARTS=surgeon=9", "WARDKEEP_USUAL_CHARTS=nurse=-1", "WARDKEEP_USUAL_CHARTS=nurse=1 nurse=2",
		"WARDKEEP_SCANNER=tcp:192.0.2.7:3310", "WARDKEEP_SCANNER=/run/clamd", "WARDKEEP_SEARCH_IN_URLS=some", "WARDKEEP_VALIDATION=always",
	} {
		cfg, err := config.Load("", []string{wrong})
		if err == nil {
			err = cfg.Check()
		}
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(wrong, "WARDKEEP_")), "=")
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
