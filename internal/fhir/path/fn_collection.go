package path

var existence = [...]function{
	{"empty", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.truth(len(in) == 0), nil
	}},
	{"exists", 0, 1, 0, exists},
	{"all", 1, 1, 0, all},
	{"allTrue", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.booleans(in, false, false)
	}},
	{"anyTrue", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.booleans(in, true, true) }},
	{"allFalse", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.booleans(in, true, false)
	}},
	{"anyFalse", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.booleans(in, false, true)
	}},
	{"subsetOf", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		other, err := c.argument(f.args[0])
		if err != nil {
			return nil, err
		}
		return c.subset(in, other)
	}},
	{"supersetOf", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		other, err := c.argument(f.args[0])
		if err != nil {
			return nil, err
		}
		return c.subset(other, in)
	}},
	{"count", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.one(integer(int64(len(in)))), nil
	}},
	{"distinct", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.distinct(in) }},
	{"isDistinct", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		out, err := c.distinct(in)
		return c.truth(len(out) == len(in)), err
	}},
	{"not", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		b, known, err := in.truth()
		if err != nil || !known {
			return nil, err
		}
		return c.truth(!b), nil
	}},
}

// criterion evaluates a condition on one item.
func (c *evaluation) criterion(in Collection, i int, e expr) (bool, error) {
	if err := c.spend(0); err != nil {
		return false, err
	}
	v, err := c.with(in[i:i+1:i+1], i, e)
	if err != nil {
		return false, err
	}
	b, _, err := v.truth()
	return b, err
}

func exists(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	if len(f.args) == 0 {
		return c.truth(len(in) > 0), nil
	}
	for i := range in {
		if ok, err := c.criterion(in, i, f.args[0]); ok || err != nil {
			return c.truth(ok), err
		}
	}
	return c.truth(false), nil
}

func all(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	for i := range in {
		if ok, err := c.criterion(in, i, f.args[0]); !ok || err != nil {
			return c.truth(false), err
		}
	}
	return c.truth(true), nil
}

// booleans looks for the value want; finding it gives found.
func (c *evaluation) booleans(in Collection, want, found bool) (Collection, error) {
	res := !found
	for _, v := range in {
		v = v.system()
		if v.kind != Boolean {
			return nil, errType
		}
		if v.bool() == want {
			res = found
		}
	}
	return c.truth(res), c.spend(len(in))
}

func (c *evaluation) setOf(in Collection) (*set, error) {
	s := c.newSet(len(in))
	for _, v := range in {
		if _, err := s.add(v); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *evaluation) subset(in, other Collection) (Collection, error) {
	s, err := c.setOf(other)
	if err != nil {
		return nil, err
	}
	for _, v := range in {
		if ok, err := s.has(v); !ok || err != nil {
			return c.truth(false), err
		}
	}
	return c.truth(true), nil
}

var subsetting = [...]function{
	{"single", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) {
		_, _, err := single(in)
		return in, err
	}},
	{"first", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) { return in[:min(1, len(in))], nil }},
	{"last", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return in[max(0, len(in)-1):], nil
	}},
	{"tail", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) { return in[min(1, len(in)):], nil }},
	{"skip", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		n, ok, err := c.intArg(f, 0)
		if err != nil || !ok {
			return nil, err
		}
		return in[min(max(n, 0), len(in)):], nil
	}},
	{"take", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		n, ok, err := c.intArg(f, 0)
		if err != nil || !ok {
			return nil, err
		}
		return in[:min(max(n, 0), len(in))], nil
	}},
	{"intersect", 1, 1, 0, intersect},
	{"exclude", 1, 1, 0, exclude},
	{"union", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		other, err := c.argument(f.args[0])
		if err != nil {
			return nil, err
		}
		return c.distinct(in, other)
	}},
	{"combine", 1, 2, 0, combine},
	{"coalesce", 1, -1, 0, func(c *evaluation, _ Collection, f *callExpr) (Collection, error) {
		for _, arg := range f.args {
			if v, err := c.argument(arg); err != nil || len(v) > 0 {
				return v, err
			}
		}
		return nil, nil
	}},
}

func intersect(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	other, err := c.argument(f.args[0])
	if err != nil {
		return nil, err
	}
	s, err := c.setOf(other)
	if err != nil {
		return nil, err
	}
	var both Collection
	for _, v := range in {
		ok, err := s.has(v)
		if err != nil {
			return nil, err
		}
		if ok {
			both = append(both, v)
		}
	}
	return c.distinct(both)
}

func exclude(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	other, err := c.argument(f.args[0])
	if err != nil {
		return nil, err
	}
	s, err := c.setOf(other)
	if err != nil {
		return nil, err
	}
	var out Collection
	for _, v := range in {
		there, err := s.has(v)
		if err != nil {
			return nil, err
		}
		if !there {
			out = append(out, v)
		}
	}
	return out, nil
}

// combine joins two lists; they are in order whether it is asked for or not.
func combine(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	other, err := c.argument(f.args[0])
	if err != nil {
		return nil, err
	}
	if len(f.args) == 2 {
		if _, err := c.argument(f.args[1]); err != nil {
			return nil, err
		}
	}
	out := make(Collection, 0, len(in)+len(other))
	return append(append(out, in...), other...), c.spend(len(in) + len(other))
}

var aggregates = [...]function{
	{"aggregate", 1, 2, 0, aggregate},
	{"sum", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.sumOf(in) }},
	{"min", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) { return extreme(in, -1) }},
	{"max", 0, 0, 0, func(_ *evaluation, in Collection, _ *callExpr) (Collection, error) { return extreme(in, 1) }},
	{"avg", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		sum, err := c.sumOf(in)
		if err != nil || len(sum) == 0 {
			return nil, err
		}
		return c.calculate('/', false, sum[0], integer(int64(len(in))))
	}},
}

func aggregate(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	var total Collection
	var err error
	if len(f.args) == 2 {
		if total, err = c.argument(f.args[1]); err != nil {
			return nil, err
		}
	}
	outer := c.total
	defer func() { c.total = outer }()
	for i := range in {
		c.total = total
		if err := c.spend(0); err != nil {
			return nil, err
		}
		if total, err = c.with(in[i:i+1:i+1], i, f.args[0]); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func (c *evaluation) sumOf(in Collection) (Collection, error) {
	if len(in) == 0 {
		return nil, nil
	}
	total := in[0].system()
	if !total.isNumber() && total.kind != QuantityKind {
		return nil, errType
	}
	for _, v := range in[1:] {
		v = v.system()
		if v.kind != total.kind {
			return nil, errType
		}
		sum, err := c.calculate('+', false, total, v)
		if err != nil || len(sum) == 0 {
			return nil, err
		}
		total = sum[0]
	}
	return c.one(total), c.spend(len(in))
}

func extreme(in Collection, sign int) (Collection, error) {
	best := 0
	for i := range in {
		if in[i].system().kind != in[0].system().kind {
			return nil, errType
		}
		order, known, err := compare(in[i], in[best])
		if err != nil || !known {
			return nil, err
		}
		if order*sign > 0 {
			best = i
		}
	}
	if len(in) == 0 {
		return nil, nil
	}
	return in[best : best+1 : best+1], nil
}
