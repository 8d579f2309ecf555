package demo_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/demo"
)

// BenchmarkHospital is the whole default hospital. The budget is two seconds.
func BenchmarkHospital(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		size := 0
		for raw := range demo.Generate(demo.Options{Seed: 1, Patients: demo.DefaultPatients, Now: today}).Bundles() {
			size += len(raw)
		}
		b.SetBytes(int64(size))
	}
}
