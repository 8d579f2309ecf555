package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// MetaAdd adds profiles, tags and security labels to a record, and MetaDelete
// takes them off (FHIR R4, operations $meta-add and $meta-delete). Each makes a
// new version under the rules of an update: a label that stands for a sensitive
// mark is taken off by neither.
func (c *Chart) MetaAdd(ctx context.Context, actor Actor, typ, id string, meta fhir.Node) (Outcome, error) {
	return c.changeMeta(ctx, actor, typ, id, "$meta-add", func(have, more []json.RawMessage) []json.RawMessage {
		for _, m := range more {
			if !slices.ContainsFunc(have, sameAs(m)) {
				have = append(have, m)
			}
		}
		return have
	}, meta)
}

// MetaDelete is the reverse of MetaAdd. What the record does not bear is passed
// over.
func (c *Chart) MetaDelete(ctx context.Context, actor Actor, typ, id string, meta fhir.Node) (Outcome, error) {
	return c.changeMeta(ctx, actor, typ, id, "$meta-delete", func(have, less []json.RawMessage) []json.RawMessage {
		for _, m := range less {
			have = slices.DeleteFunc(have, sameAs(m))
		}
		return have
	}, meta)
}

type combine func(have, given []json.RawMessage) []json.RawMessage

func (c *Chart) changeMeta(ctx context.Context, actor Actor, typ, id, name string, f combine, meta fhir.Node) (Outcome, error) {
	return c.change(ctx, actor, authz.Update, typ, aim{where: typ + "/" + id + "/" + name}, func(*request) (plan, error) {
		var p plan
		for range maxRaces {
			old, err := c.before(ctx, actor, authz.Update, typ, id)
			switch {
			case err != nil:
				return plan{}, err
			case old == nil:
				return plan{}, fault.New(fault.NotFound, "chart.changeMeta", "")
			case old.Deleted:
				return plan{}, fault.New(fault.Gone, "chart.changeMeta", "")
			}
			// The answer shows all of the meta.
			if err := c.mayRead(ctx, actor, *old); err != nil {
				return plan{}, err
			}
			// As a patch, it is made of what its author sees.
			seen, err := c.own(ctx, actor, *old)
			if err != nil {
				return plan{}, err
			}
			next, err := withMeta(seen.Resource, meta, f)
			if err != nil {
				return plan{}, err
			}
			if p, err = c.planUpdate(ctx, actor, next, id, Condition{IfMatch: old.Version}); !fault.Is(err, fault.Precondition) {
				return p, err
			}
		}
		return p, fault.New(fault.Conflict, "chart.changeMeta", "")
	})
}

// metaLists are the elements of Meta that the operations change.
var metaLists = [...]string{"profile", "security", "tag"}

func withMeta(res *fhir.Resource, given fhir.Node, f combine) (*fhir.Resource, error) {
	meta, err := members(res.Root().Get("meta").Raw())
	if err != nil {
		return nil, err
	}
	for _, name := range metaLists {
		list := f(rawList(res.Root().Get("meta"), name), rawList(given, name))
		text, err := json.Marshal(list)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "chart.withMeta", err)
		}
		meta = setMember(meta, name, text, len(list) == 0)
	}
	whole, err := members(res.JSON())
	if err != nil {
		return nil, err
	}
	return fhir.Parse(joined(setMember(whole, "meta", joined(meta), len(meta) == 0)))
}

func rawList(meta fhir.Node, name string) []json.RawMessage {
	var list []json.RawMessage
	for n := range meta.All(name) {
		list = append(list, json.RawMessage(n.Raw()))
	}
	return list
}

// sameAs compares canonical addresses as they are, and codings by system and
// code.
func sameAs(a json.RawMessage) func(json.RawMessage) bool {
	key := codingKey(a)
	return func(b json.RawMessage) bool { return bytes.Equal(key, codingKey(b)) }
}

func codingKey(raw json.RawMessage) []byte {
	var coding struct{ System, Code string }
	if json.Unmarshal(raw, &coding) != nil {
		return raw // a canonical address
	}
	return []byte(coding.System + "\x00" + coding.Code)
}

// member is one member of a JSON object, in its place.
type member struct {
	name  string
	value json.RawMessage
}

// members takes an object apart; nothing has no members.
func members(object []byte) ([]member, error) {
	var list []member
	if len(object) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	_, err := dec.Token()
	for err == nil && dec.More() {
		var name json.Token
		var m member
		if name, err = dec.Token(); err != nil {
			break
		}
		m.name, _ = name.(string)
		err = dec.Decode(&m.value)
		list = append(list, m)
	}
	return list, fault.Wrap(fault.Internal, "chart.members", err)
}

func setMember(list []member, name string, value []byte, absent bool) []member {
	i := slices.IndexFunc(list, func(m member) bool { return m.name == name })
	switch {
	case absent && i < 0:
		return list
	case absent:
		return slices.Delete(list, i, i+1)
	case i < 0:
		return append(list, member{name, value})
	}
	list[i].value = value
	return list
}

func joined(list []member) []byte {
	out := []byte{'{'}
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(m.name) // a string can always be written
		out = append(append(append(out, name...), ':'), m.value...)
	}
	return append(out, '}')
}
