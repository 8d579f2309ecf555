package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// forgery is something shown in place of a credential.
type forgery struct {
	name   string
	header []string
	query  string // added to the address
}

// jwt writes header and claims with a signature that is none, or anything.
func jwt(header, claims object, signature string) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString([]byte(text(v))) }
	return part(header) + "." + part(claims) + "." + signature
}

// forgeries are made of what strangers have, and of true tokens put to other use. insider
// is one who may: nothing that merely looks like his must open anything.
func (a *attack) forgeries() (all []forgery) {
	insider := a.apps[0]
	token, cookie := insider.grant.Access, insider.person.Cookie
	now := time.Now()
	claims := object{"iss": a.s.base, "sub": insider.person.User, "aud": a.s.base + "/fhir", "exp": now.Add(time.Hour).Unix(), "scope": "user/*.cruds system/*.cruds", "fhirUser": "Practitioner/" + insider.person.Practitioner}
	old := object{"iss": a.s.base, "sub": insider.person.User, "aud": a.s.base + "/fhir", "exp": now.Add(-time.Hour).Unix(), "scope": "user/*.cruds"}
	key, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	own, _ := signed(jose.SigningKey{Algorithm: jose.ES384, Key: key}, claims, nil)
	embedded, _ := signed(jose.SigningKey{Algorithm: jose.ES384, Key: key}, claims, map[string]any{"jwk": jose.JSONWebKey{Key: key.Public()}})
	expired, _ := signed(jose.SigningKey{Algorithm: jose.ES384, Key: key}, old, nil)
	byClient, _ := a.root.sign(a.root.claims(), nil)
	bearer := func(name, value string) {
		all = append(all, forgery{name: name, header: []string{"Authorization: Bearer " + value}})
	}
	header := func(name string, lines ...string) { all = append(all, forgery{name: name, header: lines}) }
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "HS256", "RS256"} {
		bearer("alg "+alg, jwt(object{"alg": alg, "typ": "JWT"}, claims, map[bool]string{true: "", false: "AAAA"}[strings.EqualFold(alg, "none")]))
	}
	bearer("signed by a stranger", own)
	bearer("with its own jwk", embedded)
	bearer("expired JWT", expired)
	bearer("a client's assertion", byClient)
	bearer("kid that is a path", jwt(object{"alg": "HS256", "kid": "../../../../dev/null"}, claims, "AAAA"))
	bearer("kid that asks a database", jwt(object{"alg": "HS256", "kid": "x' UNION SELECT 'k"}, claims, "AAAA"))
	bearer("jku elsewhere", jwt(object{"alg": "RS256", "jku": "https://evil.example.org/jwks"}, claims, "AAAA"))
	bearer("nothing", "")
	bearer("null", "null")
	bearer("undefined", "undefined")
	bearer("a star", "*")
	bearer("the prefix alone", token[:4])
	bearer("shortened", token[:len(token)-1])
	bearer("lengthened", token+"A")
	bearer("one letter changed", token[:len(token)-5]+swap(token[len(token)-5])+token[len(token)-4:])
	bearer("upper case", strings.ToUpper(token))
	bearer("another kind's prefix", "wkr_"+token[4:])
	bearer("no prefix", token[4:])
	bearer("in quotes", `"`+token+`"`)
	bearer("with a comma", token+", Bearer "+token)
	bearer("with a NUL escaped", token+"%00")
	bearer("a refresh token", firstOf(insider.grant.Refresh, "wkr_none"))
	bearer("a code that was used", insider.grant.Code)
	bearer("a session's cookie", cookie)
	bearer("an id token", firstOf(insider.grant.Identity, "none"))
	bearer("an assertion for the API", must(a.root.sign(with(a.root.claims(), "aud", a.s.base+"/fhir"), nil)))
	bearer("a client's assertion of yesterday", must(a.root.sign(with(a.root.claims(), "exp", now.Add(-24*time.Hour).Unix()), nil)))
	bearer("PS384 by a stranger's key", jwt(object{"alg": "PS384", "typ": "at+jwt"}, claims, strings.Repeat("A", 342)))
	bearer("ES384 of zeros", jwt(object{"alg": "ES384", "typ": "at+jwt"}, claims, strings.Repeat("A", 128)))
	bearer("ES256 with an empty signature", jwt(object{"alg": "ES256"}, claims, ""))
	bearer("b64 off", jwt(object{"alg": "none", "b64": false, "crit": []string{"b64"}}, claims, ""))
	bearer("zipped", jwt(object{"alg": "dir", "enc": "A256GCM", "zip": "DEF"}, claims, "AAAA.AAAA.AAAA"))
	bearer("x5u elsewhere", jwt(object{"alg": "RS256", "x5u": "https://evil.example.org/c.pem"}, claims, "AAAA"))
	bearer("of another audience", jwt(object{"alg": "none"}, object{"iss": a.s.base, "sub": insider.person.User, "aud": "https://other.example.org/fhir", "exp": now.Add(time.Hour).Unix()}, ""))
	bearer("JSON instead of dots", text(object{"payload": claims, "signatures": []any{}}))
	bearer("the id of the app", a.all.ID)
	header("none at all")
	header("token by Basic", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(insider.person.User+":"+password)))
	header("token as Basic", "Authorization: Basic "+token)
	header("token without a scheme", "Authorization: "+token)
	header("scheme MAC", "Authorization: MAC "+token)
	header("scheme DPoP", "Authorization: DPoP "+token)
	header("scheme Token", "Authorization: Token "+token)
	header("two headers, the first false", "Authorization: Bearer none", "Authorization: Bearer "+token)
	header("token in a header of its own", "X-Access-Token: "+token)
	header("token in a cookie", "Cookie: access_token="+token)
	header("cookie of a session at the API", "Cookie: "+sessionCookie+"="+cookie)
	header("cookie of a session and a false token", "Cookie: "+sessionCookie+"="+cookie, "Authorization: Bearer none")
	header("token as the cookie of a session", "Cookie: "+sessionCookie+"="+token)
	header("proxy authorization", "Proxy-Authorization: Bearer "+token)
	all = append(all, forgery{name: "token in the address", query: "access_token=" + token}, forgery{name: "token in the address, by its other name", query: "token=" + token})
	return all
}

func with(claims object, name string, value any) object {
	claims[name] = value
	return claims
}

func must(token string, err error) string {
	if err != nil {
		panic(err) // of claims of this program's own
	}
	return token
}

func swap(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

// forged shows each of them on the roads to a record of each relation.
func (a *attack) forged() (all []attempt) {
	roads := []func(r *record) request{
		func(r *record) request { return get("%s/%s", r.Type, r.ID) }, func(r *record) request { return get("%s/%s/_history/1", r.Type, r.ID) },
		func(r *record) request { return get("%s?_id=%s", r.Type, r.ID) }, func(r *record) request { return post(r.Type+"/_search", formKind, "_id="+r.ID) },
		func(r *record) request { return get("Patient/%s/$everything", r.Patient) },
		func(r *record) request { return post("", fhirJSON, bundleOf("batch", "GET", r.Type+"/"+r.ID, nil)) },
		func(r *record) request { return request{Method: "DELETE", Target: "/fhir/" + r.Type + "/" + r.ID} },
		func(r *record) request { return put(r.Type+"/"+r.ID, changed(r, r.ID)) },
		func(r *record) request { return get("$export?_type=%s", r.Type).with("Prefer: respond-async") },
		func(r *record) request { return request{Method: "GET", Target: "/chart/" + r.Patient} },
	}
	names := []string{"read", "vread", "search", "search by POST", "$everything", "batch", "delete", "update", "$export", "a page"}
	who := &caller{Name: "forger", Role: "anonymous"}
	for fi, f := range a.forgeries() {
		for i, road := range roads {
			if f.name == "cookie of a session at the API" && names[i] == "a page" || f.name == "cookie of a session and a false token" && names[i] == "a page" {
				continue // that is what it is for
			}
			for j := range 6 {
				p := a.patients[(fi*7+i*3+j*5)%len(a.patients)]
				r := p.Records[(fi+i+j)%len(p.Records)]
				q := road(r).with(f.header...)
				if f.query != "" {
					q.Target += map[bool]string{true: "&", false: "?"}[strings.Contains(q.Target, "?")] + f.query
				}
				all = append(all, attempt{Route: names[i], Trick: "forged token", As: who, Relation: f.name, Type: r.Type, Target: r, Req: q, Want: refused, Own: true})
			}
		}
	}
	return all
}

// assertions are what a client shows at the token endpoint that is not its own, not now,
// or not for here. The laboratory of forgeries is the same for every client.
func (a *attack) assertions() (all []attempt, err error) {
	n := 0
	add := func(name string, c *client, form string, more ...string) {
		n++
		q := request{Method: "POST", Target: "/oauth2/token", Body: form, From: fmt.Sprintf("127.%d.%d.%d", 1+n/60000, n/250%250, 1+n%250)}.with(append([]string{"Content-Type: " + formKind}, more...)...)
		all = append(all, attempt{Route: "token endpoint", Trick: "client assertion", As: &caller{Name: "forger", Role: "client " + c.Scope}, Relation: name, Req: q, Want: refused, Own: true})
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	for _, one := range a.clients {
		c := one.client
		sign := func(change func(object), headers map[string]any) string {
			claims := object(c.claims())
			change(claims)
			t, _ := c.sign(claims, headers)
			return t
		}
		set := func(k string, v any) func(object) { return func(o object) { o[k] = v } }
		now := time.Now()
		for name, t := range map[string]string{
			"wrong audience": sign(set("aud", "https://other.example.org/token"), nil), "audience of the API": sign(set("aud", a.s.base+"/fhir"), nil),
			"two audiences": sign(set("aud", []string{"https://other.example.org", a.s.base + "/oauth2/token"}), nil), "no audience": sign(func(o object) { delete(o, "aud") }, nil),
			"expired": sign(set("exp", now.Add(-2*time.Minute).Unix()), nil), "good for too long": sign(set("exp", now.Add(time.Hour).Unix()), nil), "no exp": sign(func(o object) { delete(o, "exp") }, nil),
			"not yet": sign(set("nbf", now.Add(3*time.Minute).Unix()), nil), "issued tomorrow": sign(set("iat", now.Add(24*time.Hour).Unix()), nil), "exp is a word": sign(set("exp", "tomorrow"), nil),
			"another issuer": sign(set("iss", a.all.ID), nil), "another subject": sign(set("sub", a.root.ID+"x"), nil), "no subject": sign(func(o object) { delete(o, "sub") }, nil),
			"no jti": sign(func(o object) { delete(o, "jti") }, nil), "kid of another": sign(func(object) {}, map[string]any{"kid": "k2"}), "kid that is a path": sign(func(object) {}, map[string]any{"kid": "../k1"}),
			"jku elsewhere":     sign(func(object) {}, map[string]any{"jku": "https://evil.example.org/jwks"}),
			"critical header":   jwt(object{"alg": "ES384", "kid": "k1", "crit": []string{"x"}, "x": true}, c.claims(), "AAAA"),
			"alg none":          jwt(object{"alg": "none"}, c.claims(), ""),
			"alg none with kid": jwt(object{"alg": "none", "kid": "k1"}, c.claims(), ""), "alg empty": jwt(object{"alg": "", "kid": "k1"}, c.claims(), ""),
			"no signature": cutSignature(sign(func(object) {}, nil)), "signature of another": otherSignature(sign(func(object) {}, nil), sign(func(object) {}, nil)),
			"claims changed": changedClaims(sign(func(object) {}, nil)), "empty": ".", "words": "a.b.c",
		} {
			add(name, c, assertionForm(t).Encode())
		}
		for name, key := range map[string]jose.SigningKey{
			"signed by a stranger": {Algorithm: jose.ES384, Key: stranger}, "HS256 by the public key": {Algorithm: jose.HS256, Key: publicBytes(c.key.Public())},
			"HS384 by the public key": {Algorithm: jose.HS384, Key: publicBytes(c.key.Public())}, "HS256 by the client's id": {Algorithm: jose.HS256, Key: []byte(strings.Repeat(c.ID, 3))},
		} {
			t, err := signed(key, c.claims(), nil)
			if err != nil {
				return nil, err
			}
			add(name, c, assertionForm(t).Encode())
		}
		embedded, err := signed(jose.SigningKey{Algorithm: jose.ES384, Key: stranger}, c.claims(), map[string]any{"jwk": jose.JSONWebKey{Key: stranger.Public(), KeyID: "k1"}})
		if err != nil {
			return nil, err
		}
		add("its own jwk", c, assertionForm(embedded).Encode())
		good := func() string { t, _ := c.sign(c.claims(), nil); return assertionForm(t).Encode() }
		for _, scope := range []string{"system/*.cruds system/Secret.cruds", "user/*.cruds", "patient/*.rs", "launch", "openid", "admin", "system/*.*", "system/*.cruds%20system/*.cruds", "system/Patient.srudc", "offline_access", "*", "system/*"} {
			add("scope "+scope, c, good()+"&scope="+strings.ReplaceAll(scope, " ", "+"))
			last := &all[len(all)-1]
			last.Trick, last.Want, last.Within = "scope escalation", silent, one.Who.Scopes
		}
		add("grant_type twice", c, good()+"&grant_type=authorization_code")
		add("client_id of another", c, good()+"&client_id="+a.all.ID)
		add("in the address", c, "grant_type=client_credentials")
		add("another assertion type", c, strings.Replace(good(), "jwt-bearer", "saml2-bearer", 1))
		add("assertion and Basic", c, good(), "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(c.ID+":x")))
		add("by its id alone", c, "grant_type=client_credentials&client_id="+c.ID)
		add("password grant", c, strings.Replace(good(), "client_credentials", "password", 1)+"&username=root&password=x")
		add("secret guessed", c, "grant_type=client_credentials&client_id="+c.ID+"&client_secret="+c.ID)
		add("token exchange", c, strings.Replace(good(), "client_credentials", "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange", 1)+"&subject_token="+a.apps[0].grant.Access)
	}
	return all, nil
}

func cutSignature(t string) string { return t[:strings.LastIndexByte(t, '.')+1] }

func otherSignature(a, b string) string {
	return cutSignature(a) + b[strings.LastIndexByte(b, '.')+1:]
}

func changedClaims(t string) string {
	parts := strings.Split(t, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims object
	_ = json.Unmarshal(raw, &claims)
	claims["exp"] = time.Now().Add(2 * time.Minute).Unix()
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(text(claims)))
	return strings.Join(parts, ".")
}

func publicBytes(key crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // of a key that was just made
	}
	return der
}
