package federation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// mostKeys bounds a key set.
const mostKeys = 1 << 20

// strong returns a key set without the RSA keys that are too short, and notes which
// they are. Nothing they signed is believed, because nobody who checks it sees them.
// l.mu MUST be held.
func (l *line) strong(body io.ReadCloser) (io.ReadCloser, error) {
	const op = "outbound.keys" // told as what was received from outside is told
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, mostKeys+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > mostKeys || json.Unmarshal(text, &set) != nil {
		return nil, fmt.Errorf("%s: the key set cannot be read", op)
	}
	kept := struct {
		Keys []json.RawMessage `json:"keys"`
	}{Keys: []json.RawMessage{}}
	l.short = map[string]bool{}
	for _, raw := range set.Keys {
		var k struct {
			Type    string `json:"kty"`
			ID      string `json:"kid"`
			Modulus string `json:"n"`
		}
		if json.Unmarshal(raw, &k) != nil {
			continue
		}
		if n, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(k.Modulus, "=")); k.Type == "RSA" && (err != nil || new(big.Int).SetBytes(n).BitLen() < l.least) {
			l.short[k.ID] = true
			continue
		}
		kept.Keys = append(kept.Keys, raw)
	}
	text, err = json.Marshal(kept)
	return io.NopCloser(bytes.NewReader(text)), err
}

// tooShort reports whether a token says that a key signed it which has too few bits.
func (l *line) tooShort(token string) bool {
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	var h struct {
		KeyID string `json:"kid"`
	}
	if err != nil || json.Unmarshal(text, &h) != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.short[h.KeyID]
}
