package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TypeMandate is the internal type under which it is kept who wrote a
// Subscription last: notifications are made with his rights.
const TypeMandate = "Mandate"

// lent is what a Subscription was given: rights, and the headers that open its
// endpoint. They are no part of the resource, which others may read.
type lent struct {
	identity.Mandate
	Headers []string `json:"headers,omitempty"`
}

// mandated adds to a change of a Subscription who makes it, in the same commit.
// The notifier's changes, of its status, leave that as it is, and so do those of
// others that change neither what is told nor where to: nobody lends his rights
// to an endpoint by a tag. What an import filed has no mandate, whoever had one
// for what it wrote over.
func (c *Chart) mandated(ctx context.Context, actor Actor, old *Resource, p plan) (plan, error) {
	server := actor.Kind == identity.KindSystem
	if p.change.Type != "Subscription" || server && slices.Contains(actor.Roles, "notifier") {
		return p, nil
	}
	if p.change.Resource != nil && c.vet != nil && !server {
		var before *fhir.Resource
		if old != nil {
			before = old.Resource
		}
		if err := c.vet(ctx, before, p.change.Resource); err != nil {
			return p, err
		}
	}
	rec, err := c.vault.Get(ctx, typeIDOf(TypeMandate, p.change.ID))
	if err != nil {
		return p, err
	}
	var had lent
	has := rec.Exists() && !rec.Deleted
	if has {
		if had, err = c.lentBy(ctx, p.change.ID); err != nil {
			return p, err
		}
	}
	own := had.Kind == actor.Kind && had.ID == actor.ID && had.ClientID == actor.ClientID && had.PatientContext == actor.PatientContext
	gives := p.change.Resource != nil && !server
	if has && gives && !own && old != nil && tellsTheSame(old.Resource, p.change.Resource) || !has && !gives {
		p.change.Resource = withoutSecrets(p.change.Resource)
		return p, nil
	}
	doc := vault.DocWrite{TypeID: typeIDOf(TypeMandate, p.change.ID), Expect: rec.Version}
	if gives {
		next := lent{Mandate: actor.Mandate(c.clock.Now())}
		if next.Headers, err = headersOf(p.change.Resource, had.Headers, own); err != nil {
			return p, err
		}
		if doc.Body, err = json.Marshal(next); err != nil {
			return p, fault.Wrap(fault.Internal, "chart.mandated", err)
		}
	}
	p.change.Resource = withoutSecrets(p.change.Resource)
	p.docs = append(p.docs, doc)
	return p, nil
}

// lentBy returns what was given to a Subscription that has a mandate.
func (c *Chart) lentBy(ctx context.Context, id string) (l lent, err error) {
	doc, err := c.vault.GetDoc(ctx, TypeMandate, id)
	if err == nil {
		err = fault.Wrap(fault.Internal, "chart.lentBy", json.Unmarshal(doc.Body, &l))
	}
	return l, err
}

// Mandate returns whose rights a Subscription is served with; the zero Mandate is
// that of one without. It is for the notifier, and tells nobody.
func (c *Chart) Mandate(ctx context.Context, subscription string) (identity.Mandate, error) {
	l, err := c.lentBy(ctx, subscription)
	if fault.Is(err, fault.NotFound) {
		return identity.Mandate{}, nil
	}
	return l.Mandate, err
}

// tellsTheSame reports whether two versions of a Subscription have the same
// criteria and channel.
func tellsTheSame(old, next *fhir.Resource) bool {
	if old == nil {
		return false // a tombstone
	}
	a, b := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(old.JSON(), &a) != nil || json.Unmarshal(next.JSON(), &b) != nil {
		return false
	}
	for _, name := range []string{"criteria", "_criteria", "channel"} {
		if !bytes.Equal(a[name], b[name]) {
			return false
		}
	}
	return true
}

// secret stands in a resource for the value of a header. Written back, it keeps
// the value that there is.
const secret = "***"

var errSecret = fault.New(fault.Unprocessable, "chart.headersOf",
	"Subscription.channel.header has *** where a value was kept from you. Send the values, or as the one who gave them, leave the headers as they were.")

// headersOf returns the headers that a Subscription is written with. Those that
// were kept are taken over for whoever gave them, and for nobody else: he could
// have them sent to an endpoint of his own.
func headersOf(res *fhir.Resource, kept []string, own bool) ([]string, error) {
	var headers []string
	kept = slices.Clone(kept)
	for h := range res.Root().Get("channel").All("header") {
		name, value, _ := strings.Cut(h.Text(), ":")
		if strings.TrimSpace(value) != secret {
			headers = append(headers, h.Text())
			continue
		}
		at := slices.IndexFunc(kept, func(k string) bool {
			other, _, _ := strings.Cut(k, ":")
			return strings.EqualFold(strings.TrimSpace(other), strings.TrimSpace(name))
		})
		if !own || at < 0 {
			return nil, errSecret
		}
		headers = append(headers, kept[at])
		kept = slices.Delete(kept, at, at+1)
	}
	return headers, nil
}

// withoutSecrets takes the values out of the headers of a Subscription. res may
// be nil.
func withoutSecrets(res *fhir.Resource) *fhir.Resource {
	if res == nil {
		return nil
	}
	return res.ReplaceTexts(res.Root().Get("channel").All("header"), func(text string) string {
		name, _, _ := strings.Cut(text, ":")
		return name + ": " + secret
	})
}
