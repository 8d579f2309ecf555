package chart

import (
	"context"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// seesWhole reports whether an actor is a part of this server that works for the
// operator: what an export takes out must be whole, or it could not be restored from.
func seesWhole(actor Actor) bool { return actor.Kind == identity.KindSystem }

// masked leaves of the numbers in a version their last characters. Every road out of
// this door leads through it.
func (c *Chart) masked(actor Actor, res Resource) (Resource, error) {
	if res.Resource == nil || seesWhole(actor) {
		return res, nil
	}
	cut, err := c.policy.Numbers().Obscure(res.Resource)
	res.Resource = cut
	return res, fault.Wrap(fault.Internal, "chart.masked", err)
}

// keepsNumbers puts the stored numbers back where a next version has what its author was
// shown of them, and reports whether there were any. old is nil if there is none.
func (c *Chart) keepsNumbers(actor Actor, old, next *fhir.Resource) (whole *fhir.Resource, masked bool, err error) {
	if seesWhole(actor) {
		return next, false, nil
	}
	whole, err = c.policy.Numbers().Restore(old, next)
	if err != nil || old == nil || c.policy.Numbers().In(old) == nil {
		return whole, false, err
	}
	masked = whole != next
	whole, err = withoutSubsetted(whole)
	return whole, masked, err
}

// withoutSubsetted takes off the tag that told that numbers were masked.
func withoutSubsetted(res *fhir.Resource) (*fhir.Resource, error) {
	meta := res.Root().Get("meta")
	bears := false
	for tag := range meta.All("tag") {
		bears = bears || sameAs([]byte(fhir.Subsetted))(tag.Raw())
	}
	if !bears {
		return res, nil
	}
	text, err := withoutTag(meta.Raw())
	if err != nil {
		return nil, err
	}
	list, err := members(res.JSON())
	if err != nil {
		return nil, err
	}
	return fhir.Parse(joined(setMember(list, "meta", text, string(text) == "{}")))
}

// Purposes are what a whole number may be asked for, as codes of v3-PurposeOfUse:
// payment, treatment, operations, and the patient's or the family's own request.
func Purposes() []string { return []string{"HPAYMT", "TREAT", "HOPERAT", "PATRQT", "FAMRQT"} }

var (
	errPurpose = fault.New(fault.Invalid, "chart.Unmask", "Say what the whole number is for: HPAYMT (payment), TREAT (treatment), HOPERAT (operations), PATRQT (the patient asks) or FAMRQT (the family asks).")
	errUnmask  = fault.New(fault.Denied, "chart.Unmask", "You may see this record, and not the whole of its numbers.")
	errOften   = fault.New(fault.Throttled, "chart.Unmask", "You have asked for many whole numbers. Wait some minutes.")
)

// MayUnmask reports whether the actor's roles let him ask for whole numbers of some
// records of a type.
func (c *Chart) MayUnmask(actor Actor, typ string) bool {
	_, err := c.reach(actor, authz.Unmask, typ)
	return err == nil
}

// Unmask returns the current version of one record with whole numbers, as far as the
// actor's roles show it. The entry that tells who saw which of its numbers, and what
// for, is durable when it returns. Who asks often is held up and reported.
func (c *Chart) Unmask(ctx context.Context, actor Actor, typ, id, purpose string) (Resource, error) {
	req := c.begin(actor, authz.Unmask, typ)
	req.name, req.event.Purpose = typ+"/"+id, purpose
	res, err := c.unmask(ctx, req, typ, id)
	if err := req.finish(ctx, err); err != nil {
		return Resource{}, err
	}
	return res, nil
}

func (c *Chart) unmask(ctx context.Context, req *request, typ, id string) (Resource, error) {
	actor := req.actor
	stated := slices.Contains(Purposes(), req.event.Purpose)
	if !stated {
		req.event.Purpose = actor.Purpose // nothing that was made up goes into the log
	}
	actor.Purpose = req.event.Purpose // which must be her work, and which a Consent may deny
	if _, err := c.reach(actor, authz.Unmask, typ); err != nil {
		return Resource{}, err
	}
	if !stated {
		return Resource{}, errPurpose
	}
	if !c.unmaskings.take(actor.ID) {
		if c.unmaskings.crossed(actor.ID) {
			c.slog.WarnContext(ctx, "alert: somebody asks for whole numbers again and again", "person", actor.ID, "request", actor.RequestID)
		}
		return Resource{}, errOften
	}
	seen, err := c.read(ctx, actor, authz.Read, vault.Ref{TypeID: typeIDOf(typ, id)})
	if err != nil {
		return Resource{}, err
	}
	records, err := c.vault.Read(ctx, []vault.Ref{{TypeID: seen.TypeID, Version: seen.Version}})
	if err != nil {
		return Resource{}, err
	}
	whole, err := open(records[0])
	if err != nil {
		return Resource{}, err
	}
	_, allowed, err := c.stand(actor).decide(ctx, authz.Unmask, whole, whole.patients, anyOf)
	if err == nil && !allowed {
		err = errUnmask
	}
	if err != nil {
		return Resource{}, err
	}
	if whole, err = c.cut(actor, whole, seen.roles); err == nil {
		whole, err = c.handOut(ctx, actor, whole)
	}
	if err != nil {
		return Resource{}, err
	}
	req.event.Detail = strings.Join(c.policy.Numbers().Places(whole.Resource), " ")
	req.discloses(whole)
	return whole, nil
}
