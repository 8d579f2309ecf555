package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
)

// passkey is an authenticator with one key, for one house, which can be made to lie.
type passkey struct {
	id, user      []byte
	key           *ecdsa.PrivateKey
	party, origin string
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// data is authenticator data (WebAuthn Level 3 §6.1): somebody is there and was verified.
func (k *passkey) data(more byte) []byte {
	party := sha256.Sum256([]byte(k.party))
	return binary.BigEndian.AppendUint32(append(party[:], 5|more), 0)
}

func (k *passkey) client(kind, challenge string) []byte {
	return []byte(`{"type":"webauthn.` + kind + `","challenge":"` + challenge + `","origin":"` + k.origin + `","crossOrigin":false}`)
}

func (k *passkey) answer(response object) string {
	return text(object{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "response": response, "clientExtensionResults": object{}})
}

// created answers to a page that adds a passkey, without attestation.
func (k *passkey) created(challenge string) (string, error) {
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	data := append(k.data(64), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(k.id))), k.id...)
	data = append(append(data, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32), point[1:33]...) // EC2, ES256, P-256
	data = append(append(data, 0x22, 0x58, 32), point[33:]...)
	whole := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	return k.answer(object{"clientDataJSON": b64(k.client("create", challenge)), "attestationObject": b64(append(whole, data...)), "transports": []string{"internal"}}), nil
}

// shown answers to a page that signs in.
func (k *passkey) shown(challenge string) (string, error) {
	client, data := k.client("get", challenge), k.data(0)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	return k.answer(object{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(k.user)}), err
}

// asked is what a page is told to ask a passkey, and the cookie under which the answer
// is expected.
func (b *browser) asked(ctx context.Context, purpose string) (challenge, user, cookie string, err error) {
	got, err := b.want(ctx, 200, "POST", "/passkey/ask", url.Values{"for": {purpose}})
	if err != nil {
		return "", "", "", err
	}
	var o struct {
		Challenge string
		User      struct{ ID string }
	}
	err = json.Unmarshal(got.Body, &o)
	return o.Challenge, o.User.ID, b.cookies["__Host-wk-ask"], err
}

// newPasskey adds one to somebody's account.
func (p *person) newPasskey(ctx context.Context) (*passkey, error) {
	k := &passkey{id: make([]byte, 16), party: p.s.tls.ServerName, origin: p.s.base}
	_, _ = rand.Read(k.id)
	var err error
	if k.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	b := p.browser()
	defer b.close()
	challenge, user, _, err := b.asked(ctx, "add")
	if err != nil {
		return nil, err
	}
	if k.user, err = base64.RawURLEncoding.DecodeString(user); err != nil {
		return nil, err
	}
	made, err := k.created(challenge)
	if err != nil {
		return nil, err
	}
	if _, err := b.want(ctx, 303, "POST", "/account/passkey", url.Values{"name": {"the attack's"}, "passkey": {made}}); err != nil {
		return nil, fmt.Errorf("%s adds no passkey: %w", p.User, err)
	}
	return k, nil
}

// passkeys are of the other house: shown to what this one asks, and to what the other
// asked, as themselves and as if they were of here.
func (x *crossing) passkeys(ctx context.Context) error {
	pair := x.pairs()[0]
	theirs, ours := pair[0].person, pair[1].person
	foreign, err := theirs.newPasskey(ctx)
	if err != nil {
		return err
	}
	own, err := ours.newPasskey(ctx)
	if err != nil {
		return err
	}
	for _, one := range []struct {
		name               string
		key                *passkey
		asks, cookie, for_ *attack // whose challenge, whose cookie, for whom the key signs
		user               []byte
		good               bool
	}{
		{"their passkey, as it is", foreign, x.to, x.to, x.from, foreign.user, false},
		{"their passkey, as if of here", foreign, x.to, x.to, x.to, foreign.user, false},
		{"their passkey, for the namesake", foreign, x.to, x.to, x.to, own.user, false},
		{"their passkey and challenge", foreign, x.from, x.from, x.from, foreign.user, false},
		{"their challenge and cookie, our passkey", own, x.from, x.from, x.to, own.user, false},
		{"their challenge, our cookie and passkey", own, x.from, x.to, x.to, own.user, false},
		{"our passkey, for them", own, x.to, x.to, x.from, own.user, false},
		{"our own", own, x.to, x.to, x.to, own.user, true},
	} {
		challenges, cookies := map[*attack]string{}, map[*attack]string{}
		for _, house := range []*attack{x.from, x.to} {
			b := house.s.browser()
			challenge, _, cookie, err := b.asked(ctx, "sign-in")
			b.close()
			if err != nil {
				return err
			}
			challenges[house], cookies[house] = challenge, cookie
		}
		key := *one.key
		key.party, key.origin, key.user = one.for_.s.tls.ServerName, one.for_.s.base, one.user
		says, err := key.shown(challenges[one.asks])
		if err != nil {
			return err
		}
		q := formTo("/sign-in/passkey", url.Values{"passkey": {says}}).with("Cookie: __Host-wk-ask=" + cookies[one.cookie])
		a := attempt{Route: "POST /sign-in/passkey", Trick: "cross-tenant factor", As: &caller{Name: ours.User, Role: pair[1].Role}, Relation: x.relation(one.name), Req: q, Want: refused, Own: true}
		if err := x.now(ctx, &a); err != nil {
			return err
		}
		switch {
		case one.good && a.Got.Status != 303:
			return fmt.Errorf("a passkey of one's own is answered with %d", a.Got.Status)
		case one.good:
			continue
		case a.Got.Status < 400: // led on is signed in
			a.Got.Status, a.Got.Line = 200, "signed in"
		}
		x.all = append(x.all, a)
	}
	return nil
}
