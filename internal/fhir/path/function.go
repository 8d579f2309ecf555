package path

import (
	"regexp"
)

// function is one function of the language. max is -1 if any number of
// arguments is taken.
type function struct {
	name     string
	min, max int
	special  uint8
	eval     func(c *evaluation, in Collection, f *callExpr) (Collection, error)
}

const (
	typeArgument = iota + 1 // the argument is a type specifier
	sortArgument            // arguments may end in asc or desc
)

func findFunction(name string) (*function, bool) {
	for _, table := range [...][]function{existence[:], filtering[:], subsetting[:], conversion[:], texts[:], regexes[:],
		maths[:], utilities[:], boundaries[:], calendar[:], aggregates[:], fhirs[:]} {
		for i := range table {
			if table[i].name == name {
				return &table[i], true
			}
		}
	}
	return nil, false
}

// callExpr is the call of a function.
type callExpr struct {
	fn    *function
	args  []expr
	typ   typeName
	typed bool
	down  []bool // of sort: the argument is descending
	regex *regexp.Regexp
	pos   int
}

func (e *callExpr) eval(c *evaluation, in Collection) (Collection, error) {
	if err := c.spend(0); err != nil {
		return nil, failed(e.pos, err)
	}
	out, err := e.fn.eval(c, in, e)
	if err != nil {
		return nil, failed(e.pos, err)
	}
	return out, nil
}

// prepare does once what does not depend on data.
func (e *callExpr) prepare() error {
	if !isRegex(e.fn) || len(e.args) == 0 {
		return nil
	}
	pattern, ok := literalText(e.args[0])
	if flags := e.flagsAt(); ok && flags != nil {
		var f string
		if f, ok = literalText(flags); ok {
			e.regex, _ = compileRegex(e.fn.name, pattern, f) // one that fails, fails when it is used
		}
	} else if ok {
		e.regex, _ = compileRegex(e.fn.name, pattern, "")
	}
	return nil
}

func literalText(e expr) (string, bool) {
	l, ok := e.(*literal)
	if !ok || len(l.value) != 1 || l.value[0].kind != String {
		return "", false
	}
	return l.value[0].s, true
}

// single takes the input as one item; ok is false if there is none.
func single(in Collection) (v Value, ok bool, err error) {
	switch len(in) {
	case 0:
		return v, false, nil
	case 1:
		return in[0], true, nil
	}
	return v, false, errMany
}

// stringArg evaluates an argument that is one string.
func (c *evaluation) stringArg(f *callExpr, i int) (s string, ok bool, err error) {
	v, err := c.argument(f.args[i])
	if err != nil {
		return "", false, err
	}
	return singleString(v)
}

// intArg evaluates an argument that is one integer.
func (c *evaluation) intArg(f *callExpr, i int) (n int, ok bool, err error) {
	v, err := c.argument(f.args[i])
	if err != nil || len(v) == 0 {
		return 0, false, err
	}
	n64, err := singleInteger(v)
	return int(min(max(n64, -1<<31), 1<<31-1)), true, err
}
