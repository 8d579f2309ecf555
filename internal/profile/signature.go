package profile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// What FHIR signs of JSON (FHIR R4 2.6.1.3): all of a resource, or all of a Bundle
// but its own id and meta. The other canonical forms leave more out.
const (
	canonicalJSON     = "http://hl7.org/fhir/canonicalization/json"
	canonicalDocument = canonicalJSON + "#document"
)

// Why a signature is not what it should be.
var (
	errUnread     = errors.New("the signature was not looked at")
	errJWS        = errors.New("it is no compact JWS")
	errOther      = errors.New("what was signed is not what is here")
	errUnfit      = errors.New("the signature does not fit what was signed")
	errDetachedNo = errors.New("the signature does not fit the canonical form")
)

// bundleSignature checks the JSON digital signature of a Bundle (FHIR R4 2.24.0.15):
// that it is over what the Bundle holds, and fits the certificate it brings along.
// Whose certificate that is, and whether he may sign, is not told.
func (w *walk) bundleSignature(n fhir.Node) {
	s := n.Get("signature")
	if !s.Exists() {
		return
	}
	if w.budget -= stepsPerSignature; !w.step() {
		return
	}
	detached, err := checkSignature(n, s)
	data := s.Get("data")
	switch {
	case err == nil:
		w.note("signature", s, "", "informational", "The signature fits its certificate and the Bundle. Whether the certificate is to be trusted was not checked.")
		if !detached {
			w.note("signature payload", s, "", "informational", "FHIR wants a detached signature, without the content in it.")
		}
	case errors.Is(err, errJWS):
		w.report(issueError, "value", data, "", "A signature of application/jose is a compact JWS with three parts.")
	case errors.Is(err, errOther):
		w.report(issueError, "value", data, "", "What was signed is not what the Bundle holds.")
	case errors.Is(err, errUnfit):
		w.report(issueError, "value", data, "", "The signature does not fit the certificate it brings along.")
	case errors.Is(err, errDetachedNo):
		w.report(issueWarning, "value", data, "", "The signature does not fit the Bundle's canonical form as it is made here.")
	default:
		w.note("signature", s, "", "not-supported", "The signature was not checked: only JWS over canonical JSON with a certificate are.")
	}
}

// Bounds of the work of one signature, and of all in one validation.
const (
	maxSigned         = 8 << 20 // bytes of a Bundle
	stepsPerSignature = 40_000
)

func checkSignature(bundle, s fhir.Node) (detached bool, err error) {
	if s.Get("sigFormat").Text() != "application/jose" || len(bundle.Raw()) > maxSigned {
		return false, errUnread
	}
	form := canonicalJSON
	if _, given, ok := strings.Cut(s.Get("targetFormat").Text(), "canonicalization="); ok {
		form, _, _ = strings.Cut(strings.Trim(given, `"`), ";")
	}
	if form != canonicalJSON && form != canonicalDocument {
		return false, errUnread
	}
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s.Get("data").Text()), ""))
	if err != nil {
		return false, errJWS
	}
	parts := strings.Split(string(text), ".")
	if len(parts) != 3 {
		return false, errJWS
	}
	content, err := canonical(bundle.Raw(), form == canonicalDocument)
	if err != nil {
		return false, errUnread
	}
	detached = parts[1] == ""
	if detached {
		parts[1] = base64.RawURLEncoding.EncodeToString(content)
	} else if err := holds(parts[1], content, form == canonicalDocument); err != nil {
		return false, err
	}
	err = verifyJWS(parts)
	if errors.Is(err, errUnfit) && detached {
		err = errDetachedNo
	}
	return detached, err
}

// holds reports whether a payload is the canonical content.
func holds(payload string, content []byte, document bool) error {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	if err != nil {
		return errJWS
	}
	if text, err = canonical(text, document); err != nil || !bytes.Equal(text, content) {
		return errOther
	}
	return nil
}

// otherSignature says of a signature that is none of a Bundle that it is not checked.
func (w *walk) otherSignature(n fhir.Node) {
	if in := w.scope.node; in.TypeID() == r4.Bundle && n == in.Get("signature") {
		return
	}
	w.note("signature of others", n, "", "not-supported", "The signature was not checked: only those of Bundles are.")
}

// canonical is the canonical JSON of what a signature of a Bundle is over: members
// in order, no white space.
func canonical(text []byte, document bool) ([]byte, error) {
	members := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errJWS
	}
	delete(members, "signature")
	if document {
		delete(members, "id")
		delete(members, "meta")
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(members)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// maxModulus bounds the work of one key.
const maxModulus = 8192

// verifyJWS verifies a compact JWS by the first certificate of its header (RFC 7515
// 4.1.6, RFC 7518 3.1).
func verifyJWS(parts []string) error {
	var head struct {
		Alg  string   `json:"alg"`
		Crit []string `json:"crit"`
		X5c  []string `json:"x5c"`
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[0], "="))
	if err != nil || json.Unmarshal(text, &head) != nil {
		return errJWS
	}
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[2], "="))
	if err != nil {
		return errJWS
	}
	var family string
	var hash crypto.Hash
	if len(head.Alg) == 5 {
		family, hash = head.Alg[:2], hashes[head.Alg[2:]]
	}
	if len(head.X5c) == 0 || len(head.Crit) > 0 || hash == 0 {
		return errUnread
	}
	der, err := base64.StdEncoding.DecodeString(head.X5c[0])
	if err != nil {
		return errJWS
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return errUnread
	}
	h := hash.New()
	_, _ = io.WriteString(h, parts[0]+"."+parts[1]) // never fails
	return fitsKey(certificate.PublicKey, family, hash, h.Sum(nil), signature)
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// fitsKey verifies one signature: RS, PS or ES, over a sum.
func fitsKey(key any, family string, hash crypto.Hash, sum, signature []byte) error {
	var ok bool
	switch key := key.(type) {
	case *rsa.PublicKey:
		switch {
		case key.N.BitLen() > maxModulus:
			return errUnread
		case family == "RS":
			ok = rsa.VerifyPKCS1v15(key, hash, sum, signature) == nil
		case family == "PS":
			ok = rsa.VerifyPSS(key, hash, sum, signature, nil) == nil
		default:
			return errUnread
		}
	case *ecdsa.PublicKey:
		if family != "ES" {
			return errUnread
		}
		half := (key.Curve.Params().BitSize + 7) / 8
		ok = len(signature) == 2*half &&
			ecdsa.Verify(key, sum, new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	default:
		return errUnread
	}
	if !ok {
		return errUnfit
	}
	return nil
}
