package seal

import (
	"encoding/binary"
)

// cardStep is what the text of a card is padded to a multiple of.
const cardStep = 16

// padCard writes the length, the card, and zeros.
func padCard(card []byte) []byte {
	n := uvarintLen(len(card)) + len(card)
	n += -n & (cardStep - 1)
	text := make([]byte, 0, n)
	text = binary.AppendUvarint(text, uint64(len(card)))
	text = append(text, card...)
	return text[:n]
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
