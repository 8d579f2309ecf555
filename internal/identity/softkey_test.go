package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	party  = "ehr.example.org"
	origin = "https://ehr.example.org"
)

// Flags of authenticator data (WebAuthn Level 3 §6.1).
const (
	flagUP, flagUV, flagBE, flagBS, flagAT = 1, 4, 8, 16, 64
)

// softKey is an authenticator with one passkey, which can be made to lie.
type softKey struct {
	t       *testing.T
	id      []byte
	user    []byte
	key     *ecdsa.PrivateKey
	count   uint32
	flags   byte
	origin  string
	party   string
	foreign *ecdsa.PrivateKey // signs in place of key
	rsa     *rsa.PublicKey    // shown in place of key's
}

func newSoftKey(t *testing.T) *softKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return &softKey{t: t, id: id, key: key, flags: flagUP | flagUV, origin: origin, party: party}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (k *softKey) client(kind, challenge string) []byte {
	return []byte(`{"type":"webauthn.` + kind + `","challenge":"` + challenge + `","origin":"` + k.origin + `","crossOrigin":false}`)
}

func (k *softKey) authData(flags byte) []byte {
	party := sha256.Sum256([]byte(k.party))
	return binary.BigEndian.AppendUint32(append(party[:], flags), k.count)
}

// create answers to AskNewPasskey.
func (k *softKey) create(ask identity.PasskeyAsk) identity.PasskeyAnswer {
	k.t.Helper()
	var o struct {
		Challenge string
		User      struct{ ID string }
	}
	if err := json.Unmarshal(ask.Options, &o); err != nil {
		k.t.Fatal(err)
	}
	k.user, _ = base64.RawURLEncoding.DecodeString(o.User.ID)
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	data := append(k.authData(k.flags|flagAT), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(data, k.id...)
	data = append(data, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32) // EC2, ES256, P-256
	data = append(data, point[1:33]...)
	data = append(data, 0x22, 0x58, 32)
	data = append(data, point[33:]...)
	if k.rsa != nil {
		data = append(data[:len(data)-77], 0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59) // RSA, RS256
		data = append(binary.BigEndian.AppendUint16(data, uint16(k.rsa.Size())), k.rsa.N.Bytes()...)
		data = append(data, 0x21, 0x43, 1, 0, 1)
	}
	object := binary.BigEndian.AppendUint16([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), uint16(len(data)))
	client := k.client("create", o.Challenge)
	return k.answer(ask, map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(append(object, data...)), "transports": []string{"internal"}})
}

// get answers to AskPasskey and AskOwnPasskey.
func (k *softKey) get(ask identity.PasskeyAsk) identity.PasskeyAnswer {
	k.t.Helper()
	var o struct{ Challenge string }
	if err := json.Unmarshal(ask.Options, &o); err != nil {
		k.t.Fatal(err)
	}
	client := k.client("get", o.Challenge)
	data := k.authData(k.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	key := k.key
	if k.foreign != nil {
		key = k.foreign
	}
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return k.answer(ask, map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.user),
	})
}

func (k *softKey) answer(ask identity.PasskeyAsk, response map[string]any) identity.PasskeyAnswer {
	k.t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return identity.PasskeyAnswer{Ask: ask.Token, JSON: text}
}
