package search

import "encoding/binary"

// Word is one thing a resource can be found by. It becomes a token, keyed by
// tenant and field; Value's first byte says what kind of word it is.
type Word struct {
	Field string
	Value []byte
}

// TypeID names a resource of this server.
type TypeID struct{ Type, ID string }

// RefTo says that the resource points to Type/ID through Field.
type RefTo struct{ Field, Type, ID string }

// Kinds of words. They are part of the index format: never change one, add.
const (
	tagPresent  = 'p' // the element has a value
	tagCode     = 'c' // code, whatever its system
	tagSystem   = 's' // system and code
	tagNoSystem = 'n' // code that has no system
	tagText     = 't' // first 3 to 8 characters, at a place where a search may start
	tagGram     = 'g' // three characters in a row
	tagDate     = 'd' // node of the calendar tree
	tagNumber   = 'q' // node of the number tree
	tagAmount   = 'a' // node of the tree of amounts of a UCUM dimension
	tagOther    = 'A' // the same of amounts in a unit of another system
	tagURI      = 'u' // the whole URI, or an absolute reference
	tagTyped    = 'o' // system and code of an identifier's type, its value
	tagContains = '#' // a resource of the type that the field names is contained
)

func word(tag byte, text string) []byte {
	b := make([]byte, 0, len(text)+1)
	return append(append(b, tag), text...)
}

// pairWord is a word of a system and a code; the length keeps apart what a
// separator in either could join.
func pairWord(tag byte, system, code string) []byte {
	b := make([]byte, 0, len(system)+len(code)+3)
	b = binary.AppendUvarint(append(b, tag), uint64(len(system)))
	return append(append(b, system...), code...)
}

// typedWord is a word of an identifier under a code of its type.
func typedWord(system, code, value string) []byte {
	b := pairWord(tagTyped, system, "")
	b = append(binary.AppendUvarint(b, uint64(len(code))), code...)
	return append(b, value...)
}

// prefixes of this many characters have tokens; longer needles use the longest
// and are rechecked, shorter ones scan cards.
const (
	minPrefix = 3
	maxPrefix = 8
)

// textWords calls add with the prefix tokens of a normalised text: from its
// start, or from the start of each of its words.
func textWords(norm string, words bool, add func([]byte)) {
	for start := 0; start < len(norm); {
		for n := minPrefix; n <= maxPrefix; n++ {
			p, ok := runePrefix(norm[start:], n)
			if !ok {
				break
			}
			if p[len(p)-1] != ' ' { // needles do not end in a blank
				add(word(tagText, p))
			}
		}
		if !words {
			return
		}
		for start++; start < len(norm) && norm[start-1] != ' '; start++ {
		}
	}
}

// gramWords calls add with all runs of three characters.
func gramWords(norm string, add func([]byte)) {
	for i := range norm {
		g, ok := runePrefix(norm[i:], 3)
		if !ok {
			return
		}
		add(word(tagGram, g))
	}
}
