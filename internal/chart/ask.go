package chart

import (
	"context"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// mostAsked is how much of what a patient asks for herself may wait or be in force at a
// time: each is answered by a person, and held against whatever is read of hers.
const mostAsked = 50

var errAsks = fault.New(fault.Throttled, "chart.asks", "You have asked for "+strconv.Itoa(mostAsked)+
	" restrictions and holds that wait for an answer or are in force. End one that you do not need any more before you ask for another.")

// asks refuses changes by which a patient would have asked for more than that.
func (c *Chart) asks(ctx context.Context, actor Actor, changes ...vault.Change) error {
	self, more := "Patient/"+actor.PatientID, 0
	for _, change := range changes {
		if change.Expect == 0 && change.Type == "Consent" && actor.HasRole("patient") && local(change.Resource.Root().Get("patient")) == self {
			more++
		}
	}
	if more == 0 {
		return nil
	}
	q, err := search.Parse("Consent", []search.Param{{Key: "patient", Value: self}, {Key: "consentor", Value: self}, {Key: "status", Value: "proposed,active"}}, search.Options{})
	if err != nil {
		return fault.Wrap(fault.Internal, "chart.asks", err)
	}
	found, err := c.vault.Search(ctx, vault.SearchRequest{Query: q, Total: true})
	if err == nil && found.Total+more > mostAsked {
		return errAsks
	}
	return err
}
