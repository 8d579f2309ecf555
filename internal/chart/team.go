package chart

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// careSpan is how long before and after an appointment, and after an encounter,
// those who take part in it have to do with the patient.
const careSpan = 30 * 24 * time.Hour

// teamWay is one way to take part in a patient's care.
type teamWay struct {
	typ string
	// params are the searches that find it for a member, "Practitioner/x".
	params func(c *census, member string) [][]search.Param
	// names tells whether a record names the member, now.
	names func(c *census, res *fhir.Resource, member string) bool
	// parts tells whether a record names the member at all, whatever its state and
	// time: both change without her, by the clock and by what others do.
	parts func(res *fhir.Resource, member string) bool
	// whose are the patients it is about; nil: its subject.
	whose func(res *fhir.Resource) []vault.TypeID
}

const (
	openTask    = "requested,received,accepted,ready,in-progress,on-hold"
	openRequest = "active,on-hold"
	kept        = "pending,booked,arrived,fulfilled,checked-in"
)

var teamWays = [...]teamWay{
	{"CareTeam", func(_ *census, member string) [][]search.Param {
		return [][]search.Param{{{Key: "participant", Value: member}, {Key: "status", Value: "active"}}}
	}, (*census).inCareTeam, listed("participant", "member"), nil},
	{"Encounter", func(c *census, member string) [][]search.Param {
		by := search.Param{Key: "participant", Value: member}
		return [][]search.Param{
			{by, {Key: "status", Value: presentStatus}},
			{by, {Key: "status", Value: "finished"}, {Key: "date", Value: "ge" + c.day(-careSpan)}},
		}
	}, (*census).inEncounter, listed("participant", "individual"), nil},
	{"Appointment", func(c *census, member string) [][]search.Param {
		return [][]search.Param{{
			{Key: "practitioner", Value: member}, {Key: "status", Value: kept},
			{Key: "date", Value: "ge" + c.day(-careSpan)}, {Key: "date", Value: "le" + c.day(careSpan)},
		}}
	}, (*census).inAppointment, listed("participant", "actor"), appointed},
	{"ServiceRequest", func(_ *census, member string) [][]search.Param {
		open := search.Param{Key: "status", Value: openRequest}
		return [][]search.Param{{{Key: "performer", Value: member}, open}, {{Key: "requester", Value: member}, open}}
	}, (*census).inReferral, refers, nil},
	{"Task", func(_ *census, member string) [][]search.Param {
		return [][]search.Param{{{Key: "owner", Value: member}, {Key: "status", Value: openTask}}}
	}, (*census).inTask, owns, taskFor},
}

func (c *census) day(from time.Duration) string { return c.clock.Now().Add(from).Format(time.DateOnly) }

// team returns the patients in whose care somebody takes part. Each way is counted
// on its own, so that a write of one type leaves the others as they are.
func (c *census) team(ctx context.Context, member string) (vault.PatientSet, error) {
	parts, sets := make([]panel, len(teamWays)), make([]vault.PatientSet, len(teamWays))
	var serial uint64
	for i := range teamWays {
		way := &teamWays[i]
		var err error
		parts[i], err = c.recall("team "+member+" "+way.typ, []string{way.typ}, func() (panel, error) {
			patients, err := c.byWay(ctx, way, member)
			return panel{patients: patients}, err
		})
		if err != nil {
			return vault.PatientSet{}, err
		}
		sets[i] = parts[i].patients
		serial += parts[i].serial // each only grows, so the sum tells all of them
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if all, ok := c.known["team "+member]; ok && all.serial == serial {
		return all.patients, nil
	}
	all := panel{serial: serial, patients: vault.Union(sets...)}
	c.known["team "+member] = all
	return all.patients, nil
}

func (c *census) byWay(ctx context.Context, way *teamWay, member string) (vault.PatientSet, error) {
	var all vault.PatientSet
	names := func(res *fhir.Resource) bool { return way.names(c, res, member) }
	whose := way.whose
	if whose == nil {
		whose = subjectOf
	}
	for _, params := range way.params(c, member) {
		some, err := c.gatherBy(ctx, way.typ, names, whose, params...)
		if err != nil {
			return vault.PatientSet{}, err
		}
		all = vault.Union(all, some)
	}
	return all, nil
}

func (c *census) inCareTeam(res *fhir.Resource, member string) bool {
	if res.Root().Get("status").Text() != "active" || c.over(res.Root().Get("period")) {
		return false
	}
	for p := range res.Root().All("participant") {
		if local(p.Get("member")) == member && !c.over(p.Get("period")) {
			return true
		}
	}
	return false
}

// inEncounter: while the patient is there, and for careSpan after she has left, those
// who had not been relieved by then.
func (c *census) inEncounter(res *fhir.Resource, member string) bool {
	root := res.Root()
	end, ended := endOf(root.Get("period").Get("end").Text())
	finished := root.Get("status").Text() == "finished"
	if finished && (!ended || c.clock.Now().Sub(end) > careSpan) || !finished && !among(root.Get("status").Text(), presentStatus) {
		return false
	}
	for p := range root.All("participant") {
		if local(p.Get("individual")) != member {
			continue
		}
		left, gone := endOf(p.Get("period").Get("end").Text())
		if !gone || !finished && c.clock.Now().Before(left) || finished && !left.Before(end) {
			return true
		}
	}
	return false
}

func (c *census) inAppointment(res *fhir.Resource, member string) bool {
	start, err := time.Parse(time.RFC3339Nano, res.Root().Get("start").Text())
	if err != nil || c.clock.Now().Sub(start).Abs() > careSpan || !among(res.Root().Get("status").Text(), kept) {
		return false
	}
	for p := range res.Root().All("participant") {
		if local(p.Get("actor")) == member && p.Get("status").Text() != "declined" && !c.over(p.Get("period")) {
			return true
		}
	}
	return false
}

func (c *census) inReferral(res *fhir.Resource, member string) bool {
	return among(res.Root().Get("status").Text(), openRequest) && refers(res, member)
}

// refers: whom a patient is referred to, and who refers her to somebody. To order
// a test refers nobody.
func refers(res *fhir.Resource, member string) bool {
	referred := false
	for p := range res.Root().All("performer") {
		to := local(p)
		if to == member {
			return true
		}
		referred = referred || strings.HasPrefix(to, "Practitioner/") || strings.HasPrefix(to, "PractitionerRole/")
	}
	return referred && local(res.Root().Get("requester")) == member
}

func (c *census) inTask(res *fhir.Resource, member string) bool {
	root := res.Root()
	return among(root.Get("status").Text(), openTask) && owns(res, member) && !c.over(root.Get("restriction").Get("period"))
}

func owns(res *fhir.Resource, member string) bool { return local(res.Root().Get("owner")) == member }

// listed returns what tells whether a member is in a list of a record.
func listed(list, element string) func(*fhir.Resource, string) bool {
	return func(res *fhir.Resource, member string) bool {
		for p := range res.Root().All(list) {
			if local(p.Get(element)) == member {
				return true
			}
		}
		return false
	}
}

func among(status, list string) bool { return slices.Contains(strings.Split(list, ","), status) }

func subjectOf(res *fhir.Resource) []vault.TypeID { return patientAt(res.Root().Get("subject")) }

func taskFor(res *fhir.Resource) []vault.TypeID { return patientAt(res.Root().Get("for")) }

func appointed(res *fhir.Resource) (patients []vault.TypeID) {
	for p := range res.Root().All("participant") {
		patients = append(patients, patientAt(p.Get("actor"))...)
	}
	return patients
}

func patientAt(reference fhir.Node) []vault.TypeID {
	if id, ok := strings.CutPrefix(local(reference), "Patient/"); ok {
		return []vault.TypeID{typeIDOf("Patient", id)}
	}
	return nil
}

// proxyTypes are what it rests on who acts for whom.
var proxyTypes = []string{"RelatedPerson", "Patient"}

// AccountSystem is the system of the identifier that makes the person of that
// account act for the patient of a RelatedPerson.
const AccountSystem = "urn:wardkeep:account"

// actsFor returns the patients for whom somebody is registered as acting: by an
// active RelatedPerson that bears his account, whose period is now, and who was not
// registered for a minor who has come of age.
func (c *census) actsFor(ctx context.Context, account string) (vault.PatientSet, error) {
	var failed error
	acts := func(res *fhir.Resource) bool {
		if !c.active(res) {
			return false
		}
		lapsed, err := c.lapsed(ctx, res)
		failed = errors.Join(failed, err)
		return err == nil && !lapsed
	}
	whose := func(res *fhir.Resource) []vault.TypeID { return patientAt(res.Root().Get("patient")) }
	set, err := c.gatherBy(ctx, "RelatedPerson", acts, whose, search.Param{Key: "identifier", Value: AccountSystem + "|" + search.Escape(account)})
	return set, errors.Join(err, failed)
}
