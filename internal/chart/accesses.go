package chart

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// AccessRequest asks who looked at a patient's record.
type AccessRequest struct {
	Patient string
	Since   time.Time
	Page    string // Accesses.Next of the page before
}

// Access is one time that somebody looked at the record, or changed it. It tells of
// no other patient, no address and no account.
type Access struct {
	At        time.Time
	Actor     string // id of the person or program
	Client    string // id of the program that acted for the person
	Roles     []string
	Action    string // "": what it was is not told
	Type      string // of record, or name of the page
	Purpose   string // v3-PurposeOfUse
	Emergency bool
	Own       bool // by whoever asks
}

// Accesses is one page of them, the newest first.
type Accesses struct {
	List []Access
	Next string
}

// Bounds of one page: accesses told, entries opened for them, and records looked up.
const (
	accessPage    = 50
	entriesOpened = 400
	recordsLooked = 4000
)

// Accesses tells a patient, or who acts for him, who looked at his record. It is asked
// in those roles alone: staff have other roads, and this one is none of theirs.
func (c *Chart) Accesses(ctx context.Context, actor Actor, ar AccessRequest) (Accesses, error) {
	req := c.begin(actor, "view", "who looked at the record")
	req.name = "Patient/" + ar.Patient
	out, err := c.accesses(ctx, req, ar)
	if err := req.finish(ctx, err); err != nil {
		return Accesses{}, err
	}
	return out, nil
}

func (c *Chart) accesses(ctx context.Context, req *request, ar AccessRequest) (Accesses, error) {
	const op = "chart.Accesses"
	reader := req.actor
	reader.Roles = slices.DeleteFunc(slices.Clone(reader.Roles), func(r string) bool { return r != "patient" && r != "proxy" })
	reader.Purpose = identity.PurposeOf(reader.Roles)
	if reader.Kind != identity.KindPerson || reader.ClientID != "" || len(reader.Roles) == 0 {
		return Accesses{}, fault.New(fault.Denied, op, "")
	}
	patient, err := c.read(ctx, reader, authz.Read, vault.Ref{TypeID: typeIDOf("Patient", ar.Patient)})
	if err != nil {
		return Accesses{}, err
	}
	req.discloses(patient)
	after, err := c.openAccessPage(reader, ar)
	if err != nil {
		return Accesses{}, err
	}
	t := teller{chart: c, reader: reader, patient: patient.key, self: reader.HasRole("patient") && ar.Patient == reader.PatientID, known: map[record.Key]telling{patient.key: tellingNothing}}
	return t.tell(ctx, ar, after)
}

// teller tells of entries what their reader may know.
type teller struct {
	chart   *Chart
	reader  Actor
	patient record.Key
	self    bool // the reader is the patient, not who acts for him
	known   map[record.Key]telling
}

// telling is what a record lets be told of an entry that names it.
type telling uint8

const (
	tellingNothing telling = iota // it is another patient's, or says no more than that it is the patient
	tellingShown
	tellingHidden
)

func (t *teller) tell(ctx context.Context, ar AccessRequest, after *uint64) (out Accesses, err error) {
	opened := 0
	f := audit.Filter{Patient: t.patient, After: after, Newest: true, Outcome: audit.OutcomeSuccess}
	err = t.chart.log.Search(ctx, f, func(r *audit.Record) error {
		if r.Altered {
			t.chart.slog.ErrorContext(ctx, "an audit entry is not what was logged: run audit verify")
			return nil
		}
		if r.Time.Before(ar.Since.Add(-record.MaxSkew)) {
			return store.ErrStop
		}
		if !r.Time.Before(ar.Since) {
			access, told, err := t.access(ctx, r)
			if err != nil {
				return err
			}
			if told {
				out.List = append(out.List, access)
			}
		}
		if opened++; len(out.List) == accessPage || opened == entriesOpened || len(t.known) > recordsLooked {
			out.Next, err = t.chart.sealAccessPage(t.reader, ar, r.Index)
			return errorOr(err, store.ErrStop)
		}
		return nil
	})
	return out, err
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// access returns what is told of an entry, false if it is left out. The patient is told
// of all, and what it was unless she may see nothing of it. A proxy is not told what it
// was if she may not see all of it, nor that it was if she may see nothing, nor that the
// patient looked himself, which is his own affair.
func (t *teller) access(ctx context.Context, r *audit.Record) (Access, bool, error) {
	a := Access{
		At: r.Time, Actor: r.Actor, Client: r.Client, Roles: r.Roles, Action: r.Action, Type: r.Type, Purpose: r.Purpose,
		Emergency: r.Purpose == audit.PurposeEmergency, Own: r.Actor == t.reader.ID,
	}
	if !t.self && !a.Own && len(r.Roles) == 1 && r.Roles[0] == "patient" {
		return Access{}, false, nil
	}
	if r.Action == audit.ActionBreak || r.Action == audit.ActionBreakOn {
		return a, true, nil
	}
	shown, hidden, err := t.records(ctx, r.Items)
	if err != nil {
		return Access{}, false, err
	}
	if hidden && !(t.self && shown) {
		a.Action, a.Type = "", ""
	}
	return a, t.self || shown || !hidden, nil
}

// records tells whether an entry names records of the patient that the reader may see,
// and such as she may not.
func (t *teller) records(ctx context.Context, items []audit.Item) (shown, hidden bool, err error) {
	if err := t.learn(ctx, items); err != nil {
		return false, false, err
	}
	for _, item := range items {
		shown = shown || t.known[item.Key] == tellingShown
		hidden = hidden || t.known[item.Key] == tellingHidden
	}
	return shown, hidden, nil
}

func (t *teller) learn(ctx context.Context, items []audit.Item) error {
	var keys []record.Key
	for _, item := range items {
		if _, known := t.known[item.Key]; !known && !slices.Contains(keys, item.Key) {
			keys = append(keys, item.Key)
			t.known[item.Key] = tellingHidden // until it is known
		}
	}
	named, err := t.chart.vault.Named(ctx, keys)
	if err != nil {
		return err
	}
	for key, id := range named {
		if t.known[key], err = t.of(ctx, id); err != nil {
			delete(t.known, key)
			return err
		}
	}
	return nil
}

func (t *teller) of(ctx context.Context, id vault.TypeID) (telling, error) {
	records, err := t.chart.vault.Read(ctx, []vault.Ref{{TypeID: id}})
	if err != nil || !records[0].Exists() {
		return tellingHidden, err
	}
	if !slices.Contains(records[0].Patients, t.patient) {
		return tellingNothing, nil
	}
	_, err = t.chart.visible(ctx, t.reader, authz.Read, records[0])
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Denied):
		return tellingHidden, nil
	case err != nil:
		return tellingHidden, err
	}
	return tellingShown, nil
}

func accessContext(actor Actor, ar AccessRequest) []byte {
	return []byte(strings.Join([]string{actor.ID, ar.Patient, ar.Since.UTC().Format(time.RFC3339)}, "\x00"))
}

// sealAccessPage makes the token of the next page: how many entries the log has is
// nobody's affair.
func (c *Chart) sealAccessPage(actor Actor, ar AccessRequest, index uint64) (string, error) {
	sealed, err := c.vault.SealText("accesses", accessContext(actor, ar), binary.BigEndian.AppendUint64(nil, index))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

func (c *Chart) openAccessPage(actor Actor, ar AccessRequest) (*uint64, error) {
	if ar.Page == "" {
		return nil, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(ar.Page)
	if err != nil {
		return nil, errPage
	}
	text, err := c.vault.OpenText("accesses", accessContext(actor, ar), sealed)
	if err != nil || len(text) != 8 {
		return nil, errPage
	}
	index := binary.BigEndian.Uint64(text)
	return &index, nil
}
