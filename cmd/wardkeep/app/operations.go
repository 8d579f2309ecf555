package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// operation is one thing a command can ask of a house.
type operation func(ctx context.Context, h *House, who string, in json.RawMessage) (any, error)

func operations() map[string]operation {
	return map[string]operation{
		"client-add":     with(addClient),
		"client-list":    with(listClients),
		"client-end":     with(endClient),
		"client-show":    with(showClient),
		"client-known":   with(identifyClient),
		"client-revoke":  with(revokeCertificate),
		"client-urls":    with(letURLs),
		"user-add":       with(addUser),
		"user-disable":   with(disableUser),
		"user-sessions":  with(endSessionsOf),
		"user-enable":    with(enableUser),
		"user-attest":    with(attestUser),
		"user-end":       with(endUser),
		"user-reset":     with(resetUser),
		"user-place":     with(placeUser),
		"user-list":      with(listUsers),
		"policy-explain": with(explainPolicy),
		"audit-prove":    with(prove),
		"audit-list":     with(listAudit),
		"audit-status":   with(tellLog),
		"checkpoint":     with(checkpoint),
		"export-types":   with(exportTypes),
		"audit-publish":  with(publish),
		"counters":       with(counted),
		"tidy":           with(tidy),
		"tls-rotate":     with(rotateTLS),
		"tls-request":    with(requestTLS),
		"secret-set":     with(setSecret),
		"secret-list":    with(listSecrets),
		"secret-remove":  with(removeSecret),
		"server-state":   with(tellState),
		"package-list":   with(listPackages),
		"keys-status":    with(keysStatus),
		"keys-rotate":    with(rotateKey),
		"keys-resume":    with(resumeKeys),
	}
}

// with gives an operation its typed input.
func with[In, Out any](run func(ctx context.Context, h *House, who string, in In) (Out, error)) operation {
	return func(ctx context.Context, h *House, who string, raw json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fault.New(fault.Invalid, "app.operation", "The request is not what this operation takes.")
		}
		return run(ctx, h, who, in)
	}
}

func (h *House) operate(ctx context.Context, who, name string, in json.RawMessage) (any, error) {
	op, ok := operations()[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "app.operate", "The server does not know this operation; is it of another release?")
	}
	return op(ctx, h, who, in)
}

type newUser struct {
	UserName, Given, Family, Title, Role string
	Wards                                []string
	Practitioner, Patient                string
}

type invited struct {
	UserName string `json:"user_name"`
	Code     string `json:"enrolment_code"`
	Expires  string `json:"expires"`
}

func addUser(ctx context.Context, h *House, who string, in newUser) (invited, error) {
	if err := h.checkPlaces(ctx, in); err != nil {
		return invited{}, err
	}
	person, invitation, err := h.Identity.AddPerson(ctx, operator(who, "operator"), identity.NewPerson{
		UserName: in.UserName, Given: in.Given, Family: in.Family, Title: in.Title,
		Roles: strings.Split(in.Role, ","), WardIDs: in.Wards, PractitionerID: in.Practitioner, PatientID: in.Patient,
	})
	return invitedAs(person.UserName, invitation), err
}

// checkPlaces refuses wards and practitioners that are not there: a nurse whose
// ward is misspelt would see an empty ward and no reason.
func (h *House) checkPlaces(ctx context.Context, in newUser) error {
	var ids []vault.TypeID
	for _, ward := range in.Wards {
		if ward != identity.EveryWard {
			ids = append(ids, vault.TypeID{Type: "Location", ID: ward})
		}
	}
	if in.Practitioner != "" {
		ids = append(ids, vault.TypeID{Type: "Practitioner", ID: in.Practitioner})
	}
	if in.Patient != "" {
		ids = append(ids, vault.TypeID{Type: "Patient", ID: in.Patient})
	}
	for _, id := range ids {
		rec, err := h.Vault.Get(ctx, id)
		if err != nil {
			return err
		}
		if !rec.Exists() || rec.Deleted {
			return fault.New(fault.Invalid, "app.checkPlaces", "there is no "+id.Type+" of that id; file it first, or leave it out")
		}
	}
	return nil
}

func invitedAs(name string, i identity.Invitation) invited {
	return invited{UserName: name, Code: i.Code, Expires: i.Expires.Format("2006-01-02 15:04 MST")}
}

type userChange struct{ UserName, Reason string }

func disableUser(ctx context.Context, h *House, who string, in userChange) (struct{}, error) {
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, h.Identity.Disable(ctx, operator(who, "operator"), person.ID, in.Reason)
}

func endSessionsOf(ctx context.Context, h *House, who string, in userChange) (struct{}, error) {
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, h.Identity.EndAll(ctx, operator(who, "operator"), person.ID, in.Reason)
}

func enableUser(ctx context.Context, h *House, who string, in userChange) (struct{}, error) {
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, h.Identity.Enable(ctx, operator(who, "operator"), person.ID, in.Reason)
}

// placed is where somebody belongs.
type placed struct {
	UserName, Reason, Practitioner string
	Wards                          []string
}

func placeUser(ctx context.Context, h *House, who string, in placed) (struct{}, error) {
	if err := h.checkPlaces(ctx, newUser{Wards: in.Wards, Practitioner: in.Practitioner}); err != nil {
		return struct{}{}, err
	}
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return struct{}{}, err
	}
	var c identity.Change
	if len(in.Wards) > 0 {
		c.WardIDs = &in.Wards
	}
	if in.Practitioner != "" {
		c.PractitionerID = &in.Practitioner
	}
	_, err = h.Identity.ChangePerson(ctx, operator(who, "operator"), person.ID, in.Reason, c)
	return struct{}{}, err
}

func listUsers(ctx context.Context, h *House, who string, _ struct{}) ([]identity.Person, error) {
	return h.Identity.People(ctx, operator(who, "operator"))
}

// userReset takes somebody's second factor away.
type userReset struct {
	UserName, Reason string
	Seen             identity.Identified
}

func resetUser(ctx context.Context, h *House, who string, in userReset) (invited, error) {
	person, err := h.person(ctx, who, in.UserName)
	if err != nil {
		return invited{}, err
	}
	invitation, err := h.Identity.ResetMFA(ctx, operator(who, "operator"), person.ID, in.Reason, in.Seen)
	return invitedAs(person.UserName, invitation), err
}

func (h *House) person(ctx context.Context, who, name string) (identity.Person, error) {
	people, err := h.Identity.People(ctx, operator(who, "operator"))
	if err != nil {
		return identity.Person{}, err
	}
	for _, p := range people {
		if p.UserName == name {
			return p, nil
		}
	}
	return identity.Person{}, fault.New(fault.NotFound, "app.person", "There is nobody of that user name.")
}

// proofOrder names an entry: by the request that made it, or by the version of
// a record that it tells of.
type proofOrder struct {
	RequestID string
	Type, ID  string
	Version   uint64
}

func prove(ctx context.Context, h *House, _ string, in proofOrder) ([]proved, error) {
	if err := h.Log.Integrate(ctx); err != nil {
		return nil, err
	}
	filter := audit.Filter{RequestID: in.RequestID, Version: in.Version}
	if in.ID != "" {
		keys, err := h.Vault.Keys(ctx, []vault.TypeID{{Type: in.Type, ID: in.ID}})
		if err != nil {
			return nil, err
		}
		if filter.Record = keys[0]; filter.Record.IsZero() {
			return nil, fault.New(fault.NotFound, "app.prove", "There is no such record.")
		}
	}
	leaves, err := h.Log.Find(ctx, filter)
	if err != nil {
		return nil, err
	}
	if len(leaves) == 0 {
		return nil, fault.New(fault.NotFound, "app.prove", "The audit log has no such entry.")
	}
	var found []proved
	for _, leaf := range leaves {
		p, err := h.proveLeaf(ctx, leaf)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

func (h *House) proveLeaf(ctx context.Context, leaf uint64) (proved, error) {
	entry, err := h.Log.Read(ctx, leaf)
	if err != nil {
		return proved{}, err
	}
	p := proved{
		Index: leaf, Time: entry.Time, Actor: entry.Actor, Action: entry.Action,
		Outcome: entry.Outcome, Key: h.Keyring.Public(),
	}
	for _, item := range entry.Items {
		p.Records = append(p.Records, fmt.Sprintf("%s version %d", item.Key, item.Version))
	}
	p.Proof, err = h.Log.Prove(ctx, leaf)
	return p, err
}

type auditOrder struct {
	Since time.Time
	After *uint64
	Run   int
	// Purpose keeps those of one purpose of use; "": all.
	Purpose string
}

type auditPage struct {
	Entries []json.RawMessage
	Last    uint64
}

func listAudit(ctx context.Context, h *House, _ string, in auditOrder) (auditPage, error) {
	if err := h.Log.Integrate(ctx); err != nil {
		return auditPage{}, err
	}
	var page auditPage
	err := h.Log.Search(ctx, audit.Filter{Since: in.Since, Purpose: in.Purpose, After: in.After, Limit: in.Run}, func(r *audit.Record) error {
		names, err := h.namesIn(ctx, r)
		if err != nil {
			return err
		}
		entry, err := r.FHIR(h.Config.Base(), names)
		page.Entries = append(page.Entries, entry)
		page.Last = r.Index
		return err
	})
	return page, err
}

type folder struct{ Dir string }

// checkpoint lays a consistent copy of the store's files into a folder, for the
// verifier, which reads files and asks no server.
func checkpoint(ctx context.Context, h *House, _ string, in folder) (struct{}, error) {
	if err := h.Log.Checkpoint(ctx); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, h.Store.Checkpoint(in.Dir)
}

type published struct {
	Checkpoint string `json:"checkpoint"`
	Origin     string `json:"origin"`
	PublicKey  []byte `json:"public_key"`
	HandOvers  string `json:"hand_overs,omitempty"`
}

func publish(ctx context.Context, h *House, _ string, _ struct{}) (published, error) {
	if err := h.Log.Checkpoint(ctx); err != nil {
		return published{}, err
	}
	signed, c := h.Log.Published()
	return published{Checkpoint: string(signed), Origin: c.Origin, PublicKey: h.Keyring.Public(), HandOvers: string(h.Log.HandOvers())}, nil
}

// namesIn returns what the records of an entry are called, "" for those whose
// names are not known any more: the key then has to do.
func (h *House) namesIn(ctx context.Context, r *audit.Record) (func(record.Key) string, error) {
	named, err := h.Vault.Named(ctx, r.Named())
	return func(k record.Key) string {
		if n, ok := named[k]; ok {
			return n.Type + "/" + n.ID
		}
		return ""
	}, err
}

func counted(_ context.Context, h *House, _ string, _ struct{}) (vault.Counters, error) {
	return h.Vault.Counters(), nil
}

// tidy puts the index in order after much was filed.
func tidy(ctx context.Context, h *House, _ string, _ struct{}) (struct{}, error) {
	return struct{}{}, h.Store.Tidy(ctx)
}
