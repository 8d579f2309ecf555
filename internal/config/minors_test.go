package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
)

func TestMinors(t *testing.T) {
	if err := config.Default().Check(); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                           "",
		"minors: {adult_age: 19}":    "",
		"minors: {confidential: []}": "",
		"minors: {confidential: [{category: mental, from_age: 14}]}":                     "",
		"minors: {adult_age: 17}":                                                        "adult_age",
		"minors: {adult_age: 22}":                                                        "adult_age",
		"minors: {confidential: [{category: mental, from_age: 18}]}":                     "confidential[0]",
		"minors: {confidential: [{category: mental, from_age: -1}]}":                     "confidential[0]",
		"minors: {confidential: [{from_age: 12}]}":                                       "confidential[0]",
		"minors: {confidential: [{category: mental}, {category: mental, from_age: 12}]}": "confidential[1]",
		"minors: {confidential: [{category: mental, age: 12}]}":                          "age",
		"minors: {of_age: 18}":                                                           "of_age",
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(path, nil)
		if err == nil {
			err = cfg.Check()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && strings.Contains(text, "14") && (len(cfg.Minors.Confidential) != 1 || cfg.Minors.Confidential[0].FromAge != 14 || cfg.Minors.AdultAge != 18) {
			t.Errorf("%q: %+v", text, cfg.Minors)
		}
	}
}
