package outbound_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/outbound"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		at              string
		public, private bool
	}{
		{"8.8.8.8:443", true, true},
		{"[2606:4700::1111]:443", true, true},
		{"127.0.0.1:443", false, true},
		{"10.1.2.3:443", false, true},
		{"192.168.1.1:443", false, true},
		{"[::1]:443", false, true},
		{"[fd00::1]:443", false, true},
		{"[::ffff:127.0.0.1]:443", false, true},
		{"100.64.0.1:443", false, true},
		{"[64:ff9b::7f00:1]:443", false, false},
		{"[64:ff9b::a9fe:a9fe]:443", false, false},
		{"[2002:7f00:1::]:443", false, false},
		{"192.0.2.1:443", false, false},
		{"255.255.255.255:443", false, false},
		{"169.254.169.254:443", false, false},
		{"[::ffff:169.254.169.254]:443", false, false},
		{"[fe80::1%eth0]:443", false, false},
		{"0.0.0.0:443", false, false},
		{"224.0.0.1:443", false, false},
		{"nonsense", false, false},
	} {
		if (outbound.Policy{}).Reaches(c.at) != c.public {
			t.Errorf("%s: public is not %t", c.at, c.public)
		}
		if (outbound.Policy{Private: true}).Reaches(c.at) != c.private {
			t.Errorf("%s: private is not %t", c.at, c.private)
		}
	}
}
