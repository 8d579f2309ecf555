package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// hospital is a small one on the disk, with people, a record of several versions, one
// deleted, marks, a reference to nothing, and looks at charts; closed in order.
func hospital(t *testing.T, setting string) config.Config {
	t.Helper()
	ctx := context.Background()
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.KMS = filepath.Join(t.TempDir(), "old"), 8, setting
	cfg.CheckpointOut = filepath.Join(t.TempDir(), "checkpoint")
	h, err := opened(t, cfg, Options{})
	must(t, err)
	units, _ := unitsOf(t)
	for _, u := range units {
		_, err := h.file(ctx, "test", u)
		must(t, err)
	}
	importer := identity.System("import", "importer")
	for _, text := range []string{
		`{"resourceType":"Patient","id":"ann","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:mrn","value":"M-77"}],"name":[{"family":"Abel","given":["Ann"]}],"birthDate":"1970-07-01"}`,
		`{"resourceType":"Observation","id":"k","status":"preliminary","code":{"text":"k"},"subject":{"reference":"Patient/ann"},"performer":[{"reference":"Practitioner/nobody"}]}`,
		`{"resourceType":"Observation","id":"k","status":"final","code":{"text":"potassium"},"subject":{"reference":"Patient/ann"}}`,
		`{"resourceType":"Observation","id":"gone","status":"final","code":{"text":"gone"},"subject":{"reference":"Patient/ann"}}`,
	} {
		res, err := fhir.Parse([]byte(text))
		must(t, err)
		_, err = h.Chart.Update(ctx, importer, res, chart.Condition{})
		must(t, err)
	}
	gone, err := h.Vault.Get(ctx, vault.TypeID{Type: "Observation", ID: "gone"})
	must(t, err)
	_, err = h.Vault.Commit(ctx, vault.Tx{
		Changes: []vault.Change{{TypeID: gone.TypeID, Expect: gone.Version, Patients: gone.Patients}},
		Jobs:    []vault.Job{{Name: packagesMark, Value: "[]"}}, Event: audit.Event{Actor: "test", Action: audit.ActionDelete},
	})
	must(t, err)
	must(t, h.Log.KeepCursor(ctx, "log_out", 3))
	_, err = addUser(ctx, h, "me", newUser{UserName: "chief", Given: "A", Family: "B", Role: "admin"})
	must(t, err)
	_, err = setSecret(ctx, h, "me", namedSecret{"entra", "the provider's word"})
	must(t, err)
	must(t, h.Vault.PutShort(ctx, "session", "s", []byte("v"), time.Now().Add(time.Hour)))
	_, err = h.Chart.View(ctx, patient("ann"), chart.ViewRequest{Name: "my record", Patient: "ann", Searches: []string{"Observation?patient=ann"}})
	must(t, err)
	must(t, h.Close(ctx))
	return cfg
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func patient(id string) identity.Actor {
	return identity.Actor{Kind: identity.KindPerson, ID: "p-" + id, Roles: []string{"patient"}, PatientID: id, MFA: identity.AssuranceMulti, SessionID: "p"}
}

// answers is what a folder answers to questions of every kind, and its log about what
// was there before an entry.
func answers(t *testing.T, cfg config.Config, before uint64) (string, uint64) {
	t.Helper()
	ctx := context.Background()
	h, err := opened(t, cfg, Options{})
	must(t, err)
	size := h.Log.Size() - 1 // without the entry of this start
	if before == 0 {
		before = size
	}
	var b strings.Builder
	answersOfLog(t, h, &b, before)
	exporter := identity.System("export", "exporter")
	for typ := range r4.Resources {
		for _, q := range [][2]string{{"_sort", "_id"}, {"_lastUpdated", "gt2020-01-01"}} {
			searched(t, h, &b, exporter, typ.String(), q)
		}
	}
	for _, q := range [][3]string{
		{"Patient", "name", "abel"}, {"Patient", "birthdate", "lt1980"}, {"Patient", "_has:Observation:patient:status", "final"}, {"Patient", "identifier", "urn:mrn|M-77"},
		{"Observation", "patient", "Patient/ann"}, {"Observation", "patient.name", "abel"}, {"Observation", "code:text", "potassium"}, {"Observation", "performer", "Practitioner/nobody"},
		{"Observation", "_sort", "-date"}, {"Observation", "value-quantity", "gt5"}, {"Encounter", "date", "ge2026-01-01"}, {"Condition", "code:missing", "false"},
	} {
		searched(t, h, &b, exporter, q[0], [2]string{q[1], q[2]})
	}
	doctor := identity.Actor{Kind: identity.KindPerson, ID: "eve", Roles: []string{"doctor"}, MFA: identity.AssuranceMulti, SessionID: "s", AuthTime: time.Now(), Purpose: "TREAT", Emergencies: []string{"ann"}}
	for _, of := range [][2]string{{"Observation", "k"}, {"Patient", "ann"}, {"Observation", ""}} {
		hist, err := h.Chart.History(ctx, doctor, chart.HistoryRequest{Type: of[0], ID: of[1], Count: 1000})
		must(t, err)
		for _, v := range hist.Versions {
			body := []byte(nil)
			if v.Resource != nil {
				body = v.Resource.JSON()
			}
			fmt.Fprintf(&b, "history %v %d %v %v %s %s\n", v.TypeID, v.Version, v.Deleted, v.Posted, v.Updated.Format(time.RFC3339Nano), body)
		}
	}
	for _, whom := range []emergency.Whom{{MRN: "M-77"}, {Given: "Ann", Family: "Abel", Born: "1970-07-01"}, {MRN: "M-78"}} {
		found, err := h.Chart.Locate(ctx, doctor, whom)
		must(t, err)
		fmt.Fprintf(&b, "located %d\n", len(found))
	}
	_, err = addUser(ctx, h, "me", newUser{UserName: "chief", Given: "A", Family: "B", Role: "admin"})
	fmt.Fprintf(&b, "a second chief: %v\n", fault.Is(err, fault.Conflict))
	mark, err := h.Vault.JobValue(ctx, packagesMark)
	must(t, err)
	cursor, err := h.Log.Cursor(ctx, "log_out")
	must(t, err)
	fmt.Fprintf(&b, "marks %s %d\n", mark, cursor)
	must(t, h.Close(ctx))
	return b.String(), size
}

func answersOfLog(t *testing.T, h *House, b *strings.Builder, before uint64) {
	t.Helper()
	keys, err := h.Vault.Keys(context.Background(), []vault.TypeID{{Type: "Patient", ID: "ann"}, {Type: "Observation", ID: "k"}})
	must(t, err)
	for _, f := range []audit.Filter{{Patient: keys[0]}, {Record: keys[1]}, {Record: keys[1], Version: 2}, {Actor: "p-ann"}, {Since: time.Now().Add(-24 * time.Hour)}, {Thorough: true}} {
		err := h.Log.Search(context.Background(), f, func(r *audit.Record) error {
			if r.Index < before {
				fmt.Fprintf(b, "entry %d %s %s %v %q %q\n", r.Index, r.Actor, r.Action, r.Altered, r.Query, r.Detail)
			}
			return nil
		})
		must(t, err)
	}
	got, err := h.Chart.Accesses(context.Background(), patient("ann"), chart.AccessRequest{Patient: "ann"})
	must(t, err)
	for _, a := range got.List {
		if a.Actor == "eve" || a.Actor == "export" || a.Type == "who looked at the record" { // who asks the questions
			continue
		}
		fmt.Fprintf(b, "access %s %s %s\n", a.Actor, a.Action, a.Type)
	}
}

func searched(t *testing.T, h *House, b *strings.Builder, a identity.Actor, typ string, q [2]string) {
	t.Helper()
	sr := chart.SearchRequest{Type: typ, Params: []search.Param{{Key: q[0], Value: q[1]}, {Key: "_count", Value: "1000"}, {Key: "_total", Value: "accurate"}}}
	found, err := h.Chart.Search(context.Background(), a, sr)
	if fault.Is(err, fault.Denied) {
		fmt.Fprintf(b, "search %s: denied\n", typ)
		return
	}
	must(t, err)
	fmt.Fprintf(b, "search %s %v: %d", typ, q, found.Total)
	for _, m := range found.Matches {
		fmt.Fprintf(b, " %s/%d", m.TypeID.ID, m.Version)
	}
	b.WriteByte('\n')
}

func renewing(t *testing.T, cfg config.Config) *renewal {
	t.Helper()
	r := &renewal{from: cfg, to: cfg, who: "me", reason: "stolen", out: io.Discard}
	r.to.Dir = filepath.Join(t.TempDir(), "new")
	return r
}

func differ(t *testing.T, was, is string) {
	t.Helper()
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("was  %.300s\nis   %.300s", a[i], b[i])
		}
	}
	if len(a) != len(b) {
		t.Errorf("%d lines were %d", len(b), len(a))
	}
}

func reads(t *testing.T, cfg config.Config) (*reader, kms.Keyring) {
	t.Helper()
	r := &renewal{from: cfg}
	old, keys, err := r.openOld(t.Context())
	must(t, err)
	return old, keys
}

func cellsOf(t *testing.T, r *reader, space record.Space) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	must(t, r.store.Scan(t.Context(), space, nil, nil, func(name, _ []byte) error {
		names[string(name)] = true
		return nil
	}))
	return names
}

// verified has a stranger verify a folder who keeps an old public key and an old
// checkpoint, and has the keys of the folder.
func verified(t *testing.T, cfg config.Config, key ed25519.PublicKey, pinned []byte) {
	t.Helper()
	r, _ := reads(t, cfg)
	defer r.close()
	report, err := verify.Run(t.Context(), verify.Config{
		Store: r.store, Key: key, Tenant: cfg.Tenant, Pinned: pinned, Token: r.sealer.Token, Deep: r.vault.Deep(docTypes...),
		Open: func(aad, sealed []byte) ([]byte, error) { return r.sealer.OpenValue("audit", aad, sealed) },
	})
	if err != nil || !report.OK || len(report.HandOvers) != 1 {
		t.Errorf("by the old key: %v\n%v", err, report)
	}
}

// altered has somebody with the keys of the files put another body into a version.
func altered(t *testing.T, cfg config.Config) {
	t.Helper()
	h, err := opened(t, cfg, Options{})
	must(t, err)
	rec, err := h.Vault.Get(t.Context(), vault.TypeID{Type: "Observation", ID: "k"})
	must(t, err)
	rows, err := h.Store.Get(t.Context(), []store.Ref{{Key: rec.Key}}, store.WantCard|store.WantBody)
	must(t, err)
	put := record.Put{Key: rec.Key, Version: rec.Version + 1, Class: rows[0].Class, Body: rows[0].Body, Card: rows[0].Card}
	receipt, err := h.Store.Commit(t.Context(), record.Batch{Puts: []record.Put{put}, Time: time.Now()}) // past the log
	must(t, err)
	must(t, errors.Join(receipt.Wait(), h.Close(t.Context())))
}
