package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/record"
)

// FHIR returns the entry as the JSON of an R4 AuditEvent. server is the name of
// the server that recorded it; names gives a record's "Type/id" where the entry
// does not hold it (nil: records are then named by their keys). The entry states
// a BALP profile exactly if it conforms to it.
func (r *Record) FHIR(server string, names func(record.Key) string) ([]byte, error) {
	f := formOf(r.Action)
	e := auditEvent{
		ResourceType: "AuditEvent", ID: r.Tree.String() + "-" + strconv.FormatUint(r.Leaf, 10),
		Type: f.kind, Subtype: []coding{f.subtype}, Action: f.action,
		Recorded: r.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), Outcome: outcomeCode(r.Outcome), OutcomeDesc: r.Detail,
		Source: source{Site: server, Observer: device(server), Type: []coding{{sysSourceType, "4", "Application Server"}}},
	}
	if r.Altered {
		e.Type, e.Subtype, e.Outcome = dicom("110113", "Security Alert"), nil, "12"
		e.OutcomeDesc = "The store does not give back what was logged here. Verify it."
		e.Agent = []agent{{Type: concept{[]coding{application}}, Who: device(server), Requestor: false}}
	} else if r.Statement != nil {
		e.Recorded = r.Statement.Time.UTC().Format("2006-01-02T15:04:05.000000Z")
		e.Type, e.Subtype = dicom("110101", "Audit Log Used"), []coding{{sysAction, r.Statement.Kind, ""}}
		e.OutcomeDesc = fmt.Sprintf("%s: %s; lost: %s", r.Statement.Reason, r.Statement.Why, r.Statement.Missing())
		e.Agent = []agent{{Type: concept{[]coding{author}}, Who: person(r.Statement.Who), Requestor: true}}
	} else {
		e.Agent = r.agents(f, server)
		e.Entity = r.entities(f, names)
	}
	if r.Purpose != "" {
		e.Purpose = []concept{{[]coding{{sysReason, r.Purpose, ""}}}}
	}
	if p := r.profile(f, &e); p != "" {
		e.Meta = &meta{[]string{profileBALP + p}}
	}
	out, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("audit.FHIR: %w", err)
	}
	return out, nil
}

func (r *Record) agents(f form, server string) []agent {
	client := agent{Type: concept{[]coding{f.client}}, Who: device(cmp.Or(r.Client, "unknown"))}
	if r.Address != "" {
		client.Network = &network{r.Address, "2"}
	}
	list := []agent{client, {
		Type: concept{[]coding{f.server}}, Who: device(server), Network: &network{server, "1"},
	}}
	if r.Actor != "" {
		a := agent{Type: concept{[]coding{f.person}}, Who: person(r.Actor), Requestor: true}
		for _, role := range r.Roles {
			a.Role = append(a.Role, concept{[]coding{{sysRole, role, ""}}})
		}
		if r.Purpose != "" {
			a.PurposeOfUse = []concept{{[]coding{{sysReason, r.Purpose, ""}}}}
		}
		list = append(list, a)
	} else {
		list[0].Requestor = true
	}
	return list
}

// Named returns the keys of the records that FHIR names, each once.
func (r *Record) Named() []record.Key {
	keys := slices.Clone(r.Patients)
	if formOf(r.Action).profile != "Query" {
		for _, i := range r.Items {
			keys = append(keys, i.Key)
		}
	}
	slices.SortFunc(keys, func(a, b record.Key) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}

func (r *Record) entities(f form, names func(record.Key) string) []entity {
	name := func(k record.Key) string {
		for _, i := range r.Items {
			if i.Key == k && i.Name != "" {
				return i.Name
			}
		}
		if names != nil {
			return names(k)
		}
		return ""
	}
	var list []entity
	for _, p := range r.Patients {
		list = append(list, entity{
			What: recordRef(p, "Patient", name(p), 0),
			Type: coding{sysEntityType, "1", "Person"}, Role: &coding{sysObjectRole, "1", "Patient"},
		})
	}
	for _, i := range r.Items {
		if f.profile == "Query" {
			break // a query's results are not listed
		}
		list = append(list, entity{
			What: recordRef(i.Key, "", name(i.Key), i.Version),
			Type: coding{sysEntityType, "2", "System Object"}, Role: &coding{sysObjectRole, "4", "Domain Resource"},
		})
	}
	if r.Query != "" {
		list = append(list, entity{
			Type: coding{sysEntityType, "2", "System Object"}, Role: &coding{sysObjectRole, "24", "Query"}, Query: []byte(r.Query),
		})
	}
	if r.Reason != "" {
		list = append(list, entity{
			What: &reference{Display: r.Reason}, Type: coding{sysEntityType, "4", "Other"}, Description: "reason given",
		})
	}
	if r.Spooled.Number > 0 {
		list = append(list, entity{
			What: &reference{Identifier: &identifier{sysSpool, fmt.Sprintf("%x-%d", r.Spooled.Spool, r.Spooled.Number)}},
			Type: coding{sysEntityType, "4", "Other"}, Description: "kept in the audit spool while the log could not be written",
		})
	}
	if r.RequestID != "" {
		list = append(list, entity{What: &reference{Identifier: &identifier{Value: r.RequestID}}, Type: coding{sysBALP, "XrequestId", ""}})
	}
	return list
}

// profile returns the BALP profile that the event meets, "" if none: they are
// for successful operations of a networked client on one thing, for at most one
// patient.
func (r *Record) profile(f form, e *auditEvent) string {
	objects, queries := 0, 0
	for _, x := range e.Entity {
		switch {
		case x.Role != nil && x.Role.Code == "4":
			objects++
		case x.Role != nil && x.Role.Code == "24":
			queries++
		}
	}
	met := objects == 1 && queries == 0
	if f.profile == "Query" {
		met = queries == 1
	}
	if f.profile == "" || !met || len(r.Patients) > 1 || e.Outcome != "0" || r.Address == "" || r.Client == "" {
		return ""
	}
	if len(r.Patients) == 1 {
		return "Patient" + f.profile
	}
	return f.profile
}

func outcomeCode(outcome string) string {
	switch outcome {
	case OutcomeSuccess, "":
		return "0"
	case OutcomeDenied:
		return "4"
	}
	return "8"
}

func device(name string) reference {
	return reference{Type: "Device", Identifier: &identifier{Value: name}}
}

func person(id string) reference {
	return reference{Identifier: &identifier{System: sysActor, Value: id}}
}

func recordRef(k record.Key, typ, name string, version uint64) *reference {
	if name == "" {
		return &reference{Type: typ, Identifier: &identifier{System: sysRecord, Value: k.String()}}
	}
	if version > 0 && strings.Count(name, "/") == 1 {
		name += "/_history/" + strconv.FormatUint(version, 10)
	}
	return &reference{Reference: name}
}
