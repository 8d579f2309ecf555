package app

import (
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/web"
)

// ratesOf reads how much each caller may ask.
func ratesOf(cfg config.Config) (web.Rates, error) {
	programs, err := cfg.RatesOfPrograms()
	return web.Rates{
		Person: cfg.PersonRate, Address: cfg.AddressRate, Program: cfg.ProgramRate, Programs: programs, AtOnce: cfg.RequestsAtOnce,
	}, err
}
