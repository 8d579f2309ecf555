package vault_test

import (
	"compress/bzip2"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// scale is a vault that holds the Synthea set: 12 bundles of it, or all with
// WARDKEEP_SEARCH_ALL.
var scale struct {
	sync.Once
	*vault.Vault
	resources []*fhir.Resource
}

func atScale(tb testing.TB) *vault.Vault {
	tb.Helper()
	dir := os.Getenv("WARDKEEP_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "synthea-120", "*.json.bz2"))
	if len(files) == 0 {
		tb.Skip("no test data: set WARDKEEP_TESTDATA to the folder that holds synthea-120")
	}
	scale.Do(func() {
		slices.Sort(files)
		if os.Getenv("WARDKEEP_SEARCH_ALL") == "" {
			files = files[:12]
		}
		scale.resources = bundled(tb, files)
		scale.Vault = filled(tb, scale.resources)
	})
	return scale.Vault
}

// filled commits resources to a new vault, 500 at a time, one second after the
// other.
func filled(tb testing.TB, resources []*fhir.Resource) *vault.Vault {
	tb.Helper()
	ctx := context.Background()
	at := clock.NewManual(noon)
	engine, err := pebble.OpenMemory(at)
	must(tb, err)
	cfg := seal.Config{Tenant: "test", Keyring: local.New([32]byte{1}), Cells: engine, Clock: at}
	batch, err := seal.Init(ctx, cfg)
	must(tb, err)
	batch.Time = noon
	_, err = engine.Commit(ctx, batch)
	must(tb, err)
	sealer, err := seal.Open(ctx, cfg)
	must(tb, err)
	log, err := audit.Open(ctx, audit.Config{Store: engine, Sealer: sealer, Keyring: local.New([32]byte{1}), Clock: at, Tenant: "test"})
	must(tb, err)
	v := vault.New(vault.Config{Store: engine, Sealer: sealer, Log: log, Clock: at})
	for run := range slices.Chunk(resources, 500) {
		at.Advance(time.Second)
		var tx vault.Tx
		for _, r := range run {
			tx.Changes = append(tx.Changes, vault.Change{TypeID: id(r.Type(), r.ID()), Resource: r})
		}
		_, err := v.Commit(ctx, tx)
		must(tb, err)
	}
	must(tb, engine.Compact(ctx))
	return v
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// bundled reads bundles, with references made local as a transaction would.
func bundled(tb testing.TB, files []string) (out []*fhir.Resource) {
	tb.Helper()
	names := map[string]string{}
	limits := fhir.Limits{Bytes: 1 << 30}
	for _, file := range files {
		f, err := os.Open(file)
		must(tb, err)
		src, err := io.ReadAll(bzip2.NewReader(f))
		must(tb, err)
		must(tb, f.Close())
		b, err := limits.Parse(src)
		must(tb, err)
		for e := range b.Root().All("entry") {
			r := e.Get("resource").Resource()
			out = append(out, r)
			here := r.Type() + "/" + r.ID()
			names[e.Get("fullUrl").Text()] = here
			for of := range r.Root().All("identifier") {
				names[r.Type()+"?identifier="+of.Get("system").Text()+"|"+of.Get("value").Text()] = here
			}
		}
	}
	for i, r := range out {
		r, err := r.Rewrite(func(ref string) (string, bool) { to, ok := names[ref]; return to, ok })
		must(tb, err)
		out[i] = r
	}
	return out
}

// Searches as clients put them.
var usual = []string{
	"Patient?gender=female", "Patient?name=smi", "Patient?birthdate=ge1950-01-01&birthdate=lt1980-01-01", "Patient?_sort=family,given",
	"Observation?code=http://loinc.org|8480-6", "Observation?code=http://loinc.org|85354-9", "Observation?category=vital-signs", "Observation?category=laboratory&status=final",
	"Observation?date=ge2015-03-01&date=lt2016-07-15", "Observation?date=2016", "Observation?date=ge2019-05-05", "Observation?patient.gender=male&code=http://loinc.org|8302-2",
	"Observation?value-quantity=gt150", "Observation?code=http://loinc.org|8302-2&value-quantity=gt150||cm", "Observation?component-code-value-quantity=http://loinc.org|8480-6$gt140",
	"Condition?code=http://snomed.info/sct|44054006", "Condition?clinical-status=active&onset-date=ge2010", "Condition?subject.family=smi",
	"Encounter?date=ge2018-01-01&date=le2018-12-31", "Encounter?class=AMB&status=finished", "Procedure?date=lt2000", "MedicationRequest?status=active", "MedicationRequest?authoredon=ge2015&authoredon=lt2016",
	"Patient?_has:Observation:patient:code=http://loinc.org|8302-2", "Patient?_has:Condition:patient:code=http://snomed.info/sct|44054006&gender=male",
	"Encounter?_has:Procedure:encounter:date=ge2015-01-01", "Claim?created=ge2015-01-01&created=lt2015-07-01", "ExplanationOfBenefit?status=active", "DiagnosticReport?date=ge2018-02-03&category=LAB",
	"Observation?_filter=code eq http://loinc.org|8302-2 and not(status eq amended)", "Observation?status:not=final", "Immunization?date=ge2012-06-01&date=lt2013-06-01",
	"Observation?date=ge2010-01-01T08:00:00Z", "Observation?date=ge2010-01-01T08:00:00Z&date=lt2018-01-01T20:00:00Z", "Observation?_lastUpdated=gt2026-11-22T12:01:00Z", "Observation?code=http://loinc.org|",
}

// sorted are searches whose order costs.
var sorted = []string{
	"Observation?_sort=-date", "Observation?_sort=date", "Observation?code=http://loinc.org|8302-2&_sort=-date", "Observation?category=laboratory&_sort=-date", "Observation?_sort=-_lastUpdated",
	"Observation?_sort=_lastUpdated", "Encounter?_sort=-date", "Condition?clinical-status=active&_sort=-onset-date", "Observation?_sort=-value-quantity", "Observation?_sort=code,-date", "Observation?patient.gender=male&_sort=-date",
}

func queryOf(tb testing.TB, text string) *search.Query {
	tb.Helper()
	typ, rest, _ := strings.Cut(text, "?")
	var params []search.Param
	for kv := range strings.SplitSeq(rest, "&") {
		key, value, _ := strings.Cut(kv, "=")
		params = append(params, search.Param{Key: key, Value: value})
	}
	q, err := search.Parse(typ, params, search.Options{Now: noon})
	must(tb, err)
	return q
}

// half narrows to the compartments of every other patient, and to no record that
// bears a mark.
func half(tb testing.TB, v *vault.Vault) vault.NarrowFunc {
	patients, err := v.All(context.Background(), queryOf(tb, "Patient?active:missing=true"))
	must(tb, err)
	var keys []record.Key
	for i, p := range patients {
		if i%2 == 0 {
			keys = append(keys, p.Key)
		}
	}
	set := vault.Patients(keys...)
	return func(context.Context, string) (vault.Narrow, error) {
		return vault.Narrow{Any: []vault.Confine{{Within: []vault.PatientSet{set}, Without: []string{"http://terminology.hl7.org/CodeSystem/v3-ActCode|ETH"}}}}, nil
	}
}

// BenchmarkSearch times counts and first pages of usual searches.
func BenchmarkSearch(b *testing.B) {
	v := atScale(b)
	ctx := context.Background()
	for name, narrow := range map[string]vault.NarrowFunc{"all": nil, "half": half(b, v)} {
		for kind, request := range map[string]vault.SearchRequest{
			"count": {Narrow: narrow, Total: true}, "page": {Narrow: narrow, Limit: 20}, "sorted": {Narrow: narrow, Limit: 20},
		} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				list := usual
				if kind == "sorted" {
					list = sorted
				}
				took := make(map[string]time.Duration, len(list))
				totals := map[string]int{}
				for b.Loop() {
					for _, text := range list {
						request.Query = queryOf(b, text)
						began := time.Now()
						found, err := v.Search(ctx, request)
						if err != nil {
							b.Fatal(err)
						}
						totals[text] = found.Total
						if t, ok := took[text]; !ok || time.Since(began) < t {
							took[text] = time.Since(began)
						}
					}
				}
				report(b, took, totals)
			})
		}
	}
}

func report(b *testing.B, took map[string]time.Duration, totals map[string]int) {
	var all []time.Duration
	for text, t := range took {
		all = append(all, t)
		if testing.Verbose() {
			fmt.Printf("%8.2f ms %7d  %s\n", float64(t)/1e6, totals[text], text)
		}
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2])/1e6, "ms-median")
	b.ReportMetric(float64(all[len(all)-1])/1e6, "ms-max")
	b.ReportMetric(0, "ns/op")
}
