package path

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"strings"
	"unicode/utf8"
)

// texts are the functions on one string, which give nothing for nothing.
var texts = [...]function{
	{"indexOf", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, arg string) (Value, error) { return integer(runeIndex(s, strings.Index(s, arg))), nil })
	}},
	{"lastIndexOf", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, arg string) (Value, error) { return integer(runeIndex(s, strings.LastIndex(s, arg))), nil })
	}},
	{"startsWith", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, arg string) (Value, error) { return OfBool(strings.HasPrefix(s, arg)), nil })
	}},
	{"endsWith", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, arg string) (Value, error) { return OfBool(strings.HasSuffix(s, arg)), nil })
	}},
	{"contains", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, arg string) (Value, error) { return OfBool(strings.Contains(s, arg)), nil })
	}},
	{"upper", 0, 0, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, _ string) (Value, error) { return OfString(strings.ToUpper(s)), nil })
	}},
	{"lower", 0, 0, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, _ string) (Value, error) { return OfString(strings.ToLower(s)), nil })
	}},
	{"trim", 0, 0, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, _ string) (Value, error) { return OfString(strings.TrimSpace(s)), nil })
	}},
	{"length", 0, 0, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, func(s, _ string) (Value, error) { return integer(int64(utf8.RuneCountInString(s))), nil })
	}},
	{"encode", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.onString(in, f, encode) }},
	{"decode", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.onString(in, f, decode) }},
	{"escape", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.onString(in, f, escape) }},
	{"unescape", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		return c.onString(in, f, unescape)
	}},
	{"substring", 1, 2, 0, substring},
	{"replace", 2, 2, 0, replace},
	{"toChars", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.pieces(in, "") }},
	{"split", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		sep, ok, err := c.stringArg(f, 0)
		if err != nil || !ok {
			return nil, err
		}
		return c.pieces(in, sep)
	}},
	{"join", 0, 1, 0, join},
}

// onString applies fn to the input and the argument, if there is one.
func (c *evaluation) onString(in Collection, f *callExpr, fn func(s, arg string) (Value, error)) (Collection, error) {
	s, ok, err := singleString(in)
	if err != nil || !ok {
		return nil, err
	}
	arg := ""
	if len(f.args) > 0 {
		if arg, ok, err = c.stringArg(f, 0); err != nil || !ok {
			return nil, err
		}
	}
	if err := c.spend((len(s) + len(arg)) / 16); err != nil {
		return nil, err
	}
	v, err := fn(s, arg)
	if err != nil || v.kind == 0 {
		return nil, err
	}
	if v.kind == String {
		return c.text(v.s)
	}
	return c.one(v), nil
}

// runeIndex turns an index of bytes into one of characters.
func runeIndex(s string, at int) int64 {
	if at < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:at]))
}

func substring(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	s, ok, err := singleString(in)
	if err != nil || !ok {
		return nil, err
	}
	start, ok, err := c.intArg(f, 0)
	if err != nil || !ok {
		return nil, err
	}
	if err := c.spend(len(s) / 16); err != nil {
		return nil, err
	}
	runes := []rune(s)
	n := len(runes)
	if len(f.args) == 2 {
		given, ok, err := c.intArg(f, 1)
		if err != nil {
			return nil, err
		}
		if ok {
			n = max(given, 0)
		}
	}
	if start < 0 || start >= len(runes) {
		return nil, nil
	}
	return c.text(string(runes[start:min(start+n, len(runes))]))
}

func replace(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	s, ok, err := singleString(in)
	if err != nil || !ok {
		return nil, err
	}
	pattern, ok, err := c.stringArg(f, 0)
	if err != nil || !ok {
		return nil, err
	}
	with, ok, err := c.stringArg(f, 1)
	if err != nil || !ok {
		return nil, err
	}
	if err := c.spend(len(s) / 16); err != nil {
		return nil, err
	}
	n := strings.Count(s, pattern)
	if n*len(with) > maxText {
		return nil, ErrTooCostly
	}
	if err := c.spend(n + n*len(with)/16); err != nil {
		return nil, err
	}
	return c.text(strings.ReplaceAll(s, pattern, with))
}

// pieces splits the input; no separator means into characters.
func (c *evaluation) pieces(in Collection, sep string) (Collection, error) {
	s, ok, err := singleString(in)
	if err != nil || !ok {
		return nil, err
	}
	if err := c.spend(len(s)); err != nil {
		return nil, err
	}
	parts := strings.Split(s, sep)
	out := make(Collection, len(parts))
	for i, p := range parts {
		out[i] = OfString(p)
	}
	return out, nil
}

func join(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	sep := ""
	if len(f.args) == 1 {
		var err error
		if sep, _, err = c.stringArg(f, 0); err != nil {
			return nil, err
		}
	}
	if len(in) == 0 {
		return nil, nil
	}
	if err := c.spend(len(in)); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i := range in {
		s, ok, err := singleString(in[i : i+1])
		if err != nil {
			return nil, err
		}
		if i > 0 && ok {
			b.WriteString(sep)
		}
		b.WriteString(s)
		if b.Len() > maxText {
			return nil, ErrTooCostly
		}
	}
	return c.text(b.String())
}

func encode(s, format string) (Value, error) {
	switch format {
	case "hex":
		return OfString(hex.EncodeToString([]byte(s))), nil
	case "base64":
		return OfString(base64.StdEncoding.EncodeToString([]byte(s))), nil
	case "urlbase64":
		return OfString(base64.URLEncoding.EncodeToString([]byte(s))), nil
	}
	return Value{}, nil
}

func decode(s, format string) (Value, error) {
	var b []byte
	var err error
	switch format {
	case "hex":
		b, err = hex.DecodeString(s)
	case "base64":
		b, err = base64.StdEncoding.DecodeString(s)
	case "urlbase64":
		b, err = base64.URLEncoding.DecodeString(s)
	default:
		return Value{}, nil
	}
	if err != nil || !utf8.Valid(b) {
		return Value{}, errEncoding
	}
	return OfString(string(b)), nil
}

func escape(s, target string) (Value, error) {
	switch target {
	case "html":
		return OfString(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s)), nil
	case "json":
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			return Value{}, errEncoding
		}
		quoted := strings.TrimSuffix(b.String(), "\n")
		return OfString(quoted[1 : len(quoted)-1]), nil
	}
	return Value{}, nil
}

func unescape(s, target string) (Value, error) {
	switch target {
	case "html":
		return OfString(html.UnescapeString(s)), nil
	case "json":
		var out string
		bare := strings.ReplaceAll(strings.ReplaceAll(s, `\"`, `"`), `"`, `\"`) // a bare quote is taken as one
		if err := json.Unmarshal([]byte(`"`+bare+`"`), &out); err != nil {
			return Value{}, errEncoding
		}
		return OfString(out), nil
	}
	return Value{}, nil
}
