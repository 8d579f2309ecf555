package path

import (
	"slices"
)

var filtering = [...]function{
	{"where", 1, 1, 0, where},
	{"select", 1, 1, 0, selectItems},
	{"repeat", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.repeat(in, f.args[0], true)
	}},
	{"repeatAll", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.repeat(in, f.args[0], false)
	}},
	{"sort", 0, -1, sortArgument, sortItems},
	{"ofType", 1, 1, typeArgument, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.ofType(in, f.typ) }},
	{"is", 1, 1, typeArgument, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.is(in, f.typ) }},
	{"as", 1, 1, typeArgument, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.as(in, f.typ) }},
	{"type", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) {
		out := make(Collection, len(in))
		for i, v := range in {
			out[i] = Value{kind: TypeInfo, x: typeOf(v)}
		}
		return out, nil
	}},
	{"children", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.children(in) }},
	{"descendants", 0, 0, 0, descendants},
	{"iif", 2, 3, 0, iif},
}

func where(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	var out Collection
	for i := range in {
		ok, err := c.criterion(in, i, f.args[0])
		if err != nil {
			return nil, err
		}
		switch {
		case ok && out == nil:
			out = in[i : i+1 : i+1]
		case ok:
			out = append(out, in[i])
		}
	}
	return out, nil
}

func selectItems(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	var out Collection
	for i := range in {
		v, err := c.with(in[i:i+1:i+1], i, f.args[0])
		if err != nil {
			return nil, err
		}
		if err := c.spend(len(v)); err != nil {
			return nil, err
		}
		if out == nil {
			out = v[:len(v):len(v)]
		} else {
			out = append(out, v...)
		}
	}
	return out, nil
}

// repeat applies the projection to its own results until nothing is new.
func (c *evaluation) repeat(in Collection, e expr, unique bool) (Collection, error) {
	var out Collection
	seen := c.newSet(fewValues + 1)
	for queue := in; len(queue) > 0; {
		var next Collection
		for i := range queue {
			found, err := c.with(queue[i:i+1:i+1], c.index, e)
			if err != nil {
				return nil, err
			}
			if err := c.spend(len(found)); err != nil {
				return nil, err
			}
			for _, v := range found {
				added := true
				if unique {
					if added, err = seen.add(v); err != nil {
						return nil, err
					}
				}
				if added {
					next = append(next, v)
				}
			}
		}
		out = append(out, next...)
		queue = next
	}
	return out, nil
}

func (c *evaluation) children(in Collection) (Collection, error) {
	var out Collection
	for _, v := range in {
		if v.kind != Element {
			continue
		}
		for child := range v.node.Children() {
			out = append(out, Of(child))
		}
	}
	return out, c.spend(len(in) + len(out))
}

func descendants(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
	var out Collection
	for queue := in; len(queue) > 0; {
		next, err := c.children(queue)
		if err != nil {
			return nil, err
		}
		out = append(out, next...)
		queue = next
	}
	return out, nil
}

func iif(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	if len(in) > 1 {
		return nil, errMany
	}
	v, err := c.with(in, c.index, f.args[0])
	if err != nil {
		return nil, err
	}
	b, _, err := v.truth()
	switch {
	case err != nil:
		return nil, err
	case b:
		return c.with(in, c.index, f.args[1])
	case len(f.args) == 3:
		return c.with(in, c.index, f.args[2])
	}
	return nil, nil
}

// sortItems evaluates the keys once for each item. Nothing is lower than
// everything.
func sortItems(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	type entry struct {
		value Value
		keys  []Collection
	}
	keys := f.args
	if len(keys) == 0 {
		keys = []expr{thisExpr{}}
	}
	list := make([]entry, len(in))
	for i := range in {
		list[i] = entry{in[i], make([]Collection, len(keys))}
		for k, e := range keys {
			v, err := c.with(in[i:i+1:i+1], c.index, e)
			if err != nil {
				return nil, err
			}
			if len(v) > 1 {
				return nil, errMany
			}
			list[i].keys[k] = v
		}
	}
	var failure error
	slices.SortStableFunc(list, func(a, b entry) int {
		for k := range keys {
			order, err := compareKeys(a.keys[k], b.keys[k])
			if err == nil {
				err = c.spend(0)
			}
			if err != nil {
				failure = err
			}
			if order != 0 {
				if len(f.down) > 0 && f.down[k] {
					return -order
				}
				return order
			}
		}
		return 0
	})
	out := make(Collection, len(list))
	for i := range list {
		out[i] = list[i].value
	}
	return out, failure
}

func compareKeys(a, b Collection) (int, error) {
	if len(a) == 0 || len(b) == 0 {
		return len(a) - len(b), nil
	}
	order, _, err := compare(a[0], b[0])
	return order, err
}
