package profile_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// signer makes compact JWS with a certificate.
type signer struct {
	alg  string
	key  crypto.Signer
	cert []byte
}

func newSigner(t *testing.T, alg string) signer {
	s := signer{alg: alg}
	var err error
	if alg == "ES256" {
		s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		s.key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	check(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1)}
	s.cert, err = x509.CreateCertificate(rand.Reader, form, form, s.key.Public(), s.key)
	check(t, err)
	return s
}

func (s signer) sign(t *testing.T, payload string, detached bool) string {
	t.Helper()
	head, err := json.Marshal(map[string]any{"alg": s.alg, "x5c": []string{base64.StdEncoding.EncodeToString(s.cert)}})
	check(t, err)
	parts := []string{base64.RawURLEncoding.EncodeToString(head), base64.RawURLEncoding.EncodeToString([]byte(payload))}
	sum := sha256.Sum256([]byte(strings.Join(parts, ".")))
	var made []byte
	if key, ok := s.key.(*ecdsa.PrivateKey); ok {
		a, b, err := ecdsa.Sign(rand.Reader, key, sum[:])
		check(t, err)
		made = make([]byte, 64)
		a.FillBytes(made[:32])
		b.FillBytes(made[32:])
	} else {
		made, err = s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
		check(t, err)
	}
	if detached {
		parts[1] = ""
	}
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(append(parts, base64.RawURLEncoding.EncodeToString(made)), ".")))
}

// TestSignature: what was signed is what is there, in whatever order, and the
// signature fits.
func TestSignature(t *testing.T) {
	const content = `{"resourceType":"Bundle","type":"collection","identifier":{"system":"urn:s","value":"<é>"},"entry":[{"fullUrl":"urn:uuid:17a80a8d-4cf1-4deb-a1fd-2db1130e5f76","resource":{"resourceType":"Basic","code":{"text":"x"}}}]}`
	const ordered = `{"entry":[{"fullUrl":"urn:uuid:17a80a8d-4cf1-4deb-a1fd-2db1130e5f76","resource":{"code":{"text":"x"},"resourceType":"Basic"}}],"identifier":{"system":"urn:s","value":"<é>"},"resourceType":"Bundle","type":"collection"}`
	rs, es := newSigner(t, "RS256"), newSigner(t, "ES256")
	stolen := rs
	stolen.cert = newSigner(t, "RS256").cert
	v := profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{})})
	for name, c := range map[string]struct {
		format, form, data, want string
	}{
		"attached":       {"application/jose", "", rs.sign(t, content, false), "information informational"},
		"detached":       {"application/jose", "#document", rs.sign(t, ordered, true), "information informational"},
		"elliptic":       {"application/jose", "", es.sign(t, ordered, true), "information informational"},
		"something else": {"application/jose", "#document", rs.sign(t, strings.Replace(ordered, `"x"`, `"y"`, 1), false), "error value"},
		"less":           {"application/jose", "", rs.sign(t, strings.Replace(ordered, `,"type":"collection"`, "", 1), false), "error value"},
		"another's":      {"application/jose", "", stolen.sign(t, ordered, false), "error value"},
		"detached wrong": {"application/jose", "", stolen.sign(t, ordered, true), "warning value"},
		"no JWS":         {"application/jose", "", base64.StdEncoding.EncodeToString([]byte("a.b")), "error value"},
		"narratives":     {"application/jose", "#narrative", rs.sign(t, ordered, false), "information not-supported"},
		"XML":            {"application/signature+xml", "", base64.StdEncoding.EncodeToString([]byte("<Signature/>")), "information not-supported"},
	} {
		sig := `"signature":{"type":[{"system":"urn:iso-astm:E1762-95:2013","code":"1.2.840.10065.1.12.1.5"}],"when":"2020-10-23T04:54:56Z","who":{"display":"x"},` +
			`"targetFormat":"application/fhir+json;canonicalization=http://hl7.org/fhir/canonicalization/json` + c.form + `","sigFormat":"` + c.format + `","data":"` + c.data + `"}}`
		text := strings.TrimSuffix(content, "}") + "," + sig
		if c.form == "#document" {
			text = strings.Replace(text, `"type":`, `"id":"b1","type":`, 1)
		}
		res, err := fhir.Parse([]byte(text))
		check(t, err)
		var got []string
		for _, i := range validate(t, v, res).Issues {
			if strings.HasPrefix(i.Path, "Bundle.signature") && !strings.Contains(i.Text, "detached signature, without") && i.Code != "code-invalid" {
				got = append(got, i.Severity+" "+i.Code)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// TestOtherSignatures are said not to have been checked.
func TestOtherSignatures(t *testing.T) {
	res, err := fhir.Parse([]byte(`{"resourceType":"Provenance","target":[{"reference":"Patient/1"}],"recorded":"2020-10-23T04:54:56Z","agent":[{"who":{"display":"x"}}],` +
		`"signature":[{"type":[{"system":"urn:iso-astm:E1762-95:2013","code":"1.2.840.10065.1.12.1.5"}],"when":"2020-10-23T04:54:56Z","who":{"display":"x"},"data":"YQ=="}]}`))
	check(t, err)
	for _, i := range validate(t, profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{})}), res).Issues {
		if i.Path == "Provenance.signature[0]" && i.Code == "not-supported" && i.Severity == "information" {
			return
		}
	}
	t.Error("nothing is said of the signature")
}
