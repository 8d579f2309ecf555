package seal

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Stored lengths are visible to the store, and a length tells something of a
// content. Cards and bodies are padded with zeros before they are sealed.
const (
	cardStep = 16 // what the text of a card is padded to a multiple of
	bodyStep = 32 // the least that the text of a body is padded to a multiple of
)

// padded is the length a text of n bytes is padded to: a multiple of 32, and
// of more for long ones, so that the stored length tells at most about
// log log n bits (Padmé: Nikitin et al., PETS 2019, algorithm 1).
func padded(n int) int {
	e := bits.Len(uint(n)) - 1
	step := max(bodyStep, 1<<max(0, e-bits.Len(uint(e))))
	return (n + step - 1) &^ (step - 1)
}

// pad appends zeros until text has n bytes.
func pad(text []byte, n int) []byte {
	old := len(text)
	text = slices.Grow(text, n-old)[:n]
	clear(text[old:])
	return text
}

// padCard writes the length, the card, and zeros.
func padCard(card []byte) []byte {
	n := uvarintLen(len(card)) + len(card)
	n += -n & (cardStep - 1)
	text := make([]byte, 0, n)
	text = binary.AppendUvarint(text, uint64(len(card)))
	return pad(append(text, card...), n)
}

func unpadCard(text []byte) ([]byte, error) {
	r := reader{b: text}
	card := r.sized()
	if r.bad || !zeros(r.b) {
		return nil, ErrForged
	}
	return card, nil
}

func uvarintLen(n int) int {
	length := 1
	for ; n >= 0x80; n >>= 7 {
		length++
	}
	return length
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
