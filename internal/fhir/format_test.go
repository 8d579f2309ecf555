package fhir_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// formats lists for each primitive what is taken and what is not, as JSON.
var formats = []struct {
	typ       string
	good, bad []string
}{
	{"Boolean", []string{`true`, `false`}, []string{`"true"`, `1`, `null`, `TRUE`, `truex`}},
	{"Integer", []string{`0`, `-0`, `-2147483648`, `2147483647`}, []string{`2147483648`, `-2147483649`, `1.0`, `1e3`, `"1"`, `99999999999999999999`}},
	{"PositiveInt", []string{`1`, `2147483647`}, []string{`0`, `-1`, `2147483648`, `-0`}},
	{"UnsignedInt", []string{`0`, `2147483647`}, []string{`-1`, `2147483648`, `0.0`}},
	{"Decimal", []string{`0`, `-0`, `1.00`, `1E-22`, `1.5e+10`, `-1.000000000000000000E+245`, `0.000000000000000001`},
		[]string{`.5`, `1e400`, `1e-400`, `1e`, `"1"`, `1_000`, `0x1`, `Infinity`}},
	{"String", []string{`"a"`, `" "`, `"a\tb\nc\rd"`, `"\u00e9\ud83d\ude00"`, `"\/\"\\"`, "\"\u00e9\u4e16\U0001F600\"", `"\u0020"`},
		[]string{`""`, `"\u0000"`, `"\u0007"`, `"\b"`, `"\f"`, `"\x"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\u0041"`, `"\ud83dx"`, `"\u12"`,
			"\"\x01\"", "\"\t\"", "\"\n\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", `"open`, `1`}},
	{"Markdown", []string{`"# a\n\nb"`}, []string{`""`, `"\u0001"`}},
	{"Code", []string{`"a"`, `"a b"`, `"a-b.c"`}, []string{`""`, `" a"`, `"a "`, `"a  b"`, `" "`, `"a\n b"`}},
	{"Id", []string{`"a"`, `"A-1.b"`, `"` + strings.Repeat("a", 64) + `"`}, []string{`""`, `"a_b"`, `"a b"`, `"` + strings.Repeat("a", 65) + `"`, `"é"`, `"a/b"`}},
	{"Uri", []string{`"http://a/b"`, `"urn:oid:1.2"`, `"#a"`, `"relative"`}, []string{`""`, `"a b"`, `"a\nb"`, `" a"`}},
	{"Url", []string{`"http://a/b"`}, []string{`"a b"`}},
	{"Canonical", []string{`"http://a/b|1.0"`}, []string{`"a b|1"`}},
	{"Oid", []string{`"urn:oid:1.2.3"`, `"urn:oid:2.16.840.1.113883"`, `"urn:oid:0.0"`}, []string{`"1.2.3"`, `"urn:oid:3.1"`, `"urn:oid:1.02"`, `"urn:oid:1."`, `"urn:oid:1"`, `"urn:oid:1..2"`, `"urn:oid:1.a"`, `"urn:oid:12.3"`}},
	{"Uuid", []string{`"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"`}, []string{`"c757873d-ec9a-4326-a141-556f43239520"`, `"urn:uuid:C757873D-ec9a-4326-a141-556f43239520"`, `"urn:uuid:c757873dec9a4326a141556f43239520"`, `"urn:uuid:c757873d-ec9a-4326-a141-556f4323952g"`}},
	{"Base64Binary", []string{`"AAAA"`, `"AA=="`, `"AAA="`, `"AA AA\nAAAA"`, `"a+\/b"`}, []string{`""`, `"AAA"`, `"A==="`, `"AA=A"`, `"AA-_"`, `"===="`, `" "`}},
	{"Date", []string{`"2024"`, `"2024-02"`, `"2024-02-29"`, `"2000-02-29"`, `"0001-01-01"`, `"9999-12-31"`},
		[]string{`"0000"`, `"24"`, `"2024-13"`, `"2024-00"`, `"2024-2"`, `"2023-02-29"`, `"1900-02-29"`, `"2024-02-30"`, `"2024-04-31"`, `"2024-01-00"`, `"2024-01-32"`, `"2024-01-01T00:00:00Z"`, `"2024-1-1"`, `"2024-"`, `"20240101"`, `" 2024"`, `"2024-01-"`}},
	{"DateTime", []string{`"2024"`, `"2024-02"`, `"2024-02-29"`, `"2024-02-29T23:59:60Z"`, `"2024-02-29T00:00:00.123456789+14:00"`, `"2024-02-29T00:00:00-00:30"`},
		[]string{`"2024-02-29T24:00:00Z"`, `"2024-02-29T00:60:00Z"`, `"2024-02-29T00:00:61Z"`, `"2024-02-29T00:00Z"`, `"2024-02-29T00:00:00"`, `"2024-02-30T00:00:00Z"`, `"2024-02-29T00:00:00+14:01"`, `"2024-02-29T00:00:00.Z"`, `"2024-02-29 00:00:00Z"`, `"2024-02T00:00:00Z"`, `"2024-02-29T"`, `"2024-02-29T00:00:00z"`, `"2024-02-29T00:00:00+1:00"`}},
	{"Instant", []string{`"2024-02-29T14:35:00Z"`, `"2024-02-29T14:35:00.1-05:00"`}, []string{`"2024-02-29"`, `"2024"`, `"2024-02-29T14:35:00"`, `"2023-02-29T14:35:00Z"`}},
	{"Time", []string{`"00:00:00"`, `"23:59:60.5"`}, []string{`"24:00:00"`, `"12:00"`, `"12:00:00Z"`, `"1:00:00"`, `"12:00:00."`}},
}

func TestFormats(t *testing.T) {
	for _, f := range formats {
		for _, v := range f.good {
			in := patient(`"extension":[{"url":"u","value` + f.typ + `":` + v + `}]`)
			if r, err := fhir.Parse([]byte(in)); err != nil && !strings.Contains(v, `"#a"`) {
				t.Errorf("%s %s is refused: %s", f.typ, v, issues(err))
			} else if err == nil && string(r.JSON()) != in {
				t.Errorf("%s %s came out as %s", f.typ, v, r.JSON())
			}
		}
		for _, v := range f.bad {
			in := patient(`"extension":[{"url":"u","value` + f.typ + `":` + v + `}]`)
			if _, err := fhir.Parse([]byte(in)); err == nil {
				t.Errorf("%s %q is taken", f.typ, v)
			}
		}
	}
}

func TestLongTexts(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	if _, err := fhir.Parse([]byte(patient(`"name":[{"text":"` + long + `"}]`))); err != nil {
		t.Error("1 MiB is refused")
	}
	refuses(t, patient(`"name":[{"text":"`+long+`a"}]`), "value", "Patient.name[0].text")
	if _, err := fhir.Parse([]byte(`{"resourceType":"Binary","contentType":"a/b","data":"` + strings.Repeat("AAAA", 1<<19) + `"}`)); err != nil {
		t.Error("2 MiB of base64 are refused")
	}
}

var narratives = []struct {
	html string
	ok   bool
}{
	{`<p>a</p>`, true},
	{`plain`, true},
	{`a &amp; b &lt; c &#233; &#xe9; &nbsp;`, true},
	{`<table class="x" style="border: 1px"><tr><td colspan="2">a</td></tr></table>`, true},
	{`<br/><img src="a.png" alt="b"/>`, true},
	{`<img src="data:image/png;base64,AAAA"/>`, true},
	{`<a href="Patient/1">a</a><a href="https://a/b?c=d">b</a><a href="#x">c</a><a name="x"/>d`, true},
	{`<!-- a remark -->a`, true},
	{`<p xml:lang="de">a</p>`, true},
	{``, false},
	{` <p> </p> `, false},
	{`<p>a`, false},
	{`<p>a</b>`, false},
	{`a</div><div>b`, false},
	{`<P>a</P>`, false},
	{`a & b`, false},
	{`a < b`, false},
	{`a ]]> b`, false},
	{`&#0;`, false},
	{`&#xD800;`, false},
	{`&#1114112;`, false},
	{`&;a`, false},
	{`<p id="a" id="b">x</p>`, false},
	{`<p id=a>x</p>`, false},
	{`<p id>x</p>`, false},
	{`<p id="a"class="b">x</p>`, false},
	{`<p id="<">x</p>`, false},
	{`<script>alert(1)</script>`, false},
	{`<p><script src="a"/></p>`, false},
	{`<iframe src="a"></iframe>`, false},
	{`<object data="a"></object>`, false},
	{`<form action="a">b</form>`, false},
	{`<input value="a"/>`, false},
	{`<link href="a"/>b`, false},
	{`<style>a</style>`, false},
	{`<svg>a</svg>`, false},
	{`<math>a</math>`, false},
	{`<x:p>a</x:p>`, false},
	{`<p onclick="a()">b</p>`, false},
	{`<img src="a" onerror="a()"/>`, false},
	{`<p ONCLICK="a()">b</p>`, false},
	{`<p xmlns="http://www.w3.org/2000/svg">a</p>`, false},
	{`<a href="javascript:a()">b</a>`, false},
	{`<a href=" javascript:a()">b</a>`, false},
	{`<a href="JaVaScRiPt:a()">b</a>`, false},
	{`<a href="java&#9;script:a()">b</a>`, false},
	{`<a href="&#106;avascript:a()">b</a>`, false},
	{`<a href="javascript&colon;a()">b</a>`, false},
	{`<a href="java&Tab;script:a()">b</a>`, false},
	{`<a href="vbscript:a()">b</a>`, false},
	{`<a href="data:text/html,a">b</a>`, false},
	{`<a href="blob:a">b</a>`, false},
	{`<img src="data:image/svg+xml,a"/>`, false},
	{`<img src="javascript:a"/>`, false},
	{`<p style="width: expression(a())">b</p>`, false},
	{`<p style="background: url(javascript:a())">b</p>`, false},
	{`<p style="back\67round: a">b</p>`, false},
	{`<p style="-moz-binding: url(a)">b</p>`, false},
	{`<![CDATA[><script>alert(1)</script>]]>`, false},
	{`<?php a ?>b`, false},
	{`<!DOCTYPE a>b`, false},
	{`<!--><script>alert(1)</script>-->`, false},
	{`<!-- a -- b -->c`, false},
	{`<!-- <p> -->c`, false},
	{strings.Repeat(`<b>`, 200) + `a` + strings.Repeat(`</b>`, 200), false},
}

func TestNarrative(t *testing.T) {
	for _, n := range narratives {
		div := strings.ReplaceAll(`<div xmlns="http://www.w3.org/1999/xhtml">`+n.html+`</div>`, `\`, `\\`)
		in := patient(`"text":{"status":"generated","div":"` + strings.ReplaceAll(div, `"`, `\"`) + `"}`)
		if _, err := fhir.Parse([]byte(in)); (err == nil) != n.ok {
			t.Errorf("%s: taken is %v, %v", n.html, err == nil, err)
		}
	}
	for _, div := range []string{`<p>a</p>`, `<div>a</div>`, `<div xmlns='http://other'>a</div>`, `a`, `<divx xmlns='http://www.w3.org/1999/xhtml'>a</divx>`,
		`<div xmlns='http://www.w3.org/1999/xhtml'>a</div>b`, `<div xmlns='http://www.w3.org/1999/xhtml'`, `<div xmlns='http://www.w3.org/1999/xhtml'/>`} {
		if _, err := fhir.Parse([]byte(patient(`"text":{"status":"generated","div":"` + div + `"}`))); err == nil {
			t.Errorf("%s is taken", div)
		}
	}
}
