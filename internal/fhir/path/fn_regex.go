package path

import (
	"regexp"
	"strings"
)

// regexes are the functions of regular expressions. They are RE2's, which are
// matched in linear time: there is no look-around and no back-reference.
var regexes = [...]function{
	{"matches", 1, 2, 0, matches},
	{"matchesFull", 1, 2, 0, matches},
	{"replaceMatches", 2, 3, 0, replaceMatches},
}

const maxPattern = 4096

func isRegex(f *function) bool {
	return f.name == "matches" || f.name == "matchesFull" || f.name == "replaceMatches"
}

// flagsAt returns the argument that holds flags, nil if there is none.
func (e *callExpr) flagsAt() expr {
	if len(e.args) < e.fn.max {
		return nil
	}
	return e.args[e.fn.max-1]
}

func compileRegex(fn, pattern, flags string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern || strings.Trim(flags, "im") != "" {
		return nil, errRegex
	}
	if fn == "matchesFull" {
		if _, err := regexp.Compile(pattern); err != nil { // by itself: a ) would end our own group
			return nil, errRegex
		}
		pattern = `\A(?:` + pattern + `)\z`
	}
	re, err := regexp.Compile("(?s" + flags + ")" + pattern)
	if err != nil {
		return nil, errRegex
	}
	return re, nil
}

// regexOf returns the pattern of a call; ok is false if it is nothing.
func (c *evaluation) regexOf(f *callExpr) (re *regexp.Regexp, ok bool, err error) {
	if f.regex != nil {
		return f.regex, true, nil
	}
	pattern, ok, err := c.stringArg(f, 0)
	if err != nil || !ok {
		return nil, false, err
	}
	flags := ""
	if at := f.flagsAt(); at != nil {
		v, err := c.argument(at)
		if err != nil {
			return nil, false, err
		}
		if flags, _, err = singleString(v); err != nil {
			return nil, false, err
		}
	}
	if err := c.spend(100 + 4*len(pattern)); err != nil {
		return nil, false, err
	}
	re, err = compileRegex(f.fn.name, pattern, flags)
	return re, err == nil, err
}

func matches(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	s, ok, err := singleString(in)
	if err != nil || !ok {
		return nil, err
	}
	re, ok, err := c.regexOf(f)
	if err != nil || !ok {
		return nil, err
	}
	if err := c.spend(len(s) / 16 * (1 + len(re.String())/64)); err != nil {
		return nil, err
	}
	return c.truth(re.MatchString(s)), nil
}

func replaceMatches(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	s, ok, err := singleString(in)
	if err != nil || !ok {
		return nil, err
	}
	re, ok, err := c.regexOf(f)
	if err != nil || !ok {
		return nil, err
	}
	with, ok, err := c.stringArg(f, 1)
	if err != nil || !ok {
		return nil, err
	}
	if pattern, is := literalText(f.args[0]); is && pattern == "" {
		return c.text(s)
	}
	if (len(s)+1)*(len(with)+1) > 16*maxText {
		return nil, ErrTooCostly
	}
	if err := c.spend(len(s)/16*(1+len(re.String())/64) + (len(s)+1)*(len(with)+1)/64); err != nil {
		return nil, err
	}
	return c.text(re.ReplaceAllString(s, with))
}
