package config_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
)

func TestKMS(t *testing.T) {
	const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for setting, want := range map[string]*config.AWSKMS{
		"awskms:///alias/ward?region=eu-central-1":                                              {Key: "alias/ward", Region: "eu-central-1"},
		"awskms:///" + arn + "?region=eu-central-1":                                             {Key: arn, Region: "eu-central-1"},
		"awskms:///alias/ward?region=us-east-1&endpoint=https://kms-fips.us-east-1.example.org": {Key: "alias/ward", Region: "us-east-1", Endpoint: "https://kms-fips.us-east-1.example.org"},
		"awskms:///alias/ward?region=us-east-1&endpoint=http://127.0.0.1:4599":                  {Key: "alias/ward", Region: "us-east-1", Endpoint: "http://127.0.0.1:4599"},
	} {
		cfg := config.Default()
		cfg.KMS = setting
		if err := cfg.Check(); err != nil {
			t.Errorf("%s: %v", setting, err)
		}
		if got, err := config.ParseKMS(setting); err != nil || *got != *want {
			t.Errorf("%s is read as %+v, %v", setting, got, err)
		}
	}
	if got, err := config.ParseKMS(config.Default().KMS); got != nil || err != nil {
		t.Error("the default is not a file", got, err)
	}
	for _, setting := range []string{
		"Local", "file:///root.key", "awskms:", "awskms:///?region=x", "awskms:///alias/ward", "awskms://alias/ward?region=x",
		"awskms:///alias/ward?region=x&region=y", "awskms:///alias/ward?region=x&profile=y", "awskms:///alias/ward?region=x&secret=y",
		"awskms:///alias/ward?region=x&endpoint=http://kms.example.org", "awskms:///alias/ward?region=x&endpoint=kms.example.org",
		"awskms:///alias/ward?region=x&endpoint=https://user:pass@kms.example.org", "awskms:///alias/ward?region=x#y", "awskms:///%zz?region=x",
	} {
		cfg := config.Default()
		cfg.KMS = setting
		if cfg.Check() == nil {
			t.Errorf("%q is taken", setting)
		}
	}
}

// TestTenantsKeyService: each tenant names a key of its own, and none is given on top.
func TestTenantsKeyService(t *testing.T) {
	const a, b = "kms: 'awskms:///alias/a?region=x'", "kms: 'awskms:///alias/b?region=x'"
	for name, c := range map[string]struct {
		top, north, south string
		taken             bool
	}{
		"each its own": {"", a, b, true},
		"one of them":  {"", a, "kms: local", true},
		"the same":     {"", a, a, false},
		"on top":       {a, "", "", false},
	} {
		text := strings.NewReplacer("idle_lock: 1m", c.north, "dir: /mnt/south", c.south).Replace(northAndSouth) + c.top + "\n"
		cfg, err := config.Load(file(t, text), nil)
		if err == nil {
			err = cfg.Check()
		}
		if (err == nil) != c.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
}
