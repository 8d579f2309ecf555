package identity

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// AuthenticateCertificate checks the certificate of the connection for the program
// of that id (RFC 8705 §2). The handshake has proven that the other end holds its
// key. A program that proves nothing is let in as PublicClient lets it. What is
// wrong is not said.
func (s *Service) AuthenticateCertificate(ctx context.Context, id string, o Origin) (Client, error) {
	const op = "identity.AuthenticateCertificate"
	net := Network(o.Source)
	guess, source := claim{perClient, id + "\x00" + net}, claim{perSource, "client\x00" + net}
	if err := s.throttle.check(ctx, guess, source); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	var c *clientRecord
	err := error(errCertificate("unknown client"))
	if validID(id) {
		if c, err = s.clientByID(ctx, id); fault.Is(err, fault.NotFound) {
			err = errCertificate("unknown client")
		}
	}
	if err == nil && c.Auth == AuthNone {
		return s.PublicClient(ctx, id, o)
	}
	if err == nil {
		err = s.certified(ctx, c, o)
	}
	return s.letIn(ctx, op, c, err, o, []claim{guess, source}, "The client is unknown or disabled, or the certificate of this connection is not the one it is registered with, is out of its time, not for clients, or of an RSA key with fewer bits than the setting least_rsa demands.")
}

// unproven is an error that says what is wrong with a proof, to our log.
type unproven interface {
	error
	proof() string // which kind of
}

// letIn ends the proof of a program: what is wrong with it is counted, recorded and
// told by public, which is the same whatever it is.
func (s *Service) letIn(ctx context.Context, op string, c *clientRecord, err error, o Origin, counts []claim, public string) (Client, error) {
	var wrong unproven
	switch {
	case err == nil:
		return c.Client, nil
	case !errors.As(err, &wrong):
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	if err := s.throttle.add(ctx, 1, counts...); err != nil {
		return Client{}, fmt.Errorf("%s: %w", op, err)
	}
	e := s.arrival(o, "token", Failure, wrong.proof()+": "+wrong.Error())
	if c != nil {
		e.Type, e.Target = TypeClient, c.ID
	}
	if err := s.note(ctx, e); err != nil {
		return Client{}, err
	}
	return Client{}, &fault.Error{Kind: fault.Unauthenticated, Op: op, Err: wrong, Public: public}
}

// certified checks that a program which authenticates by a certificate has come
// with one of its own.
func (s *Service) certified(ctx context.Context, c *clientRecord, o Origin) error {
	if c.Status != StatusActive || !c.Auth.byCertificate() {
		return errCertificate("client is disabled, or does not come by certificate")
	}
	if _, err := s.carried(c, o); err != nil {
		return err
	}
	if c.Auth == AuthSelfSigned {
		return s.registered(ctx, c, o.Certificates[0])
	}
	if err := s.chains(o.Certificates); err != nil {
		return err
	}
	if c.Certificate == nil || !c.Certificate.on(o.Certificates[0]) {
		return errCertificate("another name")
	}
	return nil
}

// carried returns the thumbprint of the certificate that a request came with, if
// it is one that this program may use.
func (s *Service) carried(c *clientRecord, o Origin) (string, error) {
	if len(o.Certificates) == 0 {
		return "", errCertificate("none")
	}
	thumbprint := Thumbprint(o.Certificates[0])
	if slices.Contains(c.Revoked, thumbprint) {
		return "", errCertificate("taken back")
	}
	return thumbprint, s.suits(o.Certificates[0])
}

// bind returns what a program's tokens are bound to, "" if they are not. It looks
// at the registration as it is when the token is made: what was proven a moment
// ago may have been taken back.
func (s *Service) bind(ctx context.Context, c *clientRecord, o Origin) (string, error) {
	if !c.BindsTokens() {
		return "", nil
	}
	thumbprint, err := s.carried(c, o)
	if err == nil && c.Auth.byCertificate() {
		err = s.certified(ctx, c, o)
	}
	var wrong errCertificate
	if errors.As(err, &wrong) {
		e := s.arrival(o, "token", Failure, "certificate: "+string(wrong))
		e.Client, e.Type, e.Target = c.ID, TypeClient, c.ID
		return "", errors.Join(&fault.Error{Kind: fault.Unauthenticated, Op: "identity.bind", Err: wrong,
			Public: "This client's tokens are bound to its certificate: ask at the address of mtls_endpoint_aliases, with a certificate that is good."}, s.note(ctx, e))
	}
	return thumbprint, err
}

// boundTo refuses a token that is bound to another certificate than the request
// came with, or that came with none.
func (s *Service) boundTo(thumbprint string, o Origin) error {
	if thumbprint == "" {
		return nil
	}
	if len(o.Certificates) == 0 || Thumbprint(o.Certificates[0]) != thumbprint || s.suits(o.Certificates[0]) != nil {
		return fault.New(fault.Unauthenticated, "identity.boundTo", "The access token is bound to a certificate that did not come with it, or whose time is over.")
	}
	return nil
}

// cameBy tells the log how a program proved itself for a token that is bound.
func (c Client) cameBy(thumbprint string) string {
	if thumbprint == "" {
		return ""
	}
	return " by " + c.Auth.Method() + ", certificate " + thumbprint
}

// registered checks that the certificate is one of the program's key set (RFC 8705
// §2.2). A set that is kept by URL is looked at anew if it is not.
func (s *Service) registered(ctx context.Context, c *clientRecord, certificate *x509.Certificate) error {
	for _, fresh := range []bool{false, true} {
		text, err := s.keyText(ctx, c, fresh)
		if err != nil {
			return err
		}
		set, err := readCertificates(text)
		if err != nil {
			return errCertificate("key set")
		}
		if slices.Contains(Thumbprints(set), Thumbprint(certificate)) {
			return nil
		}
		if c.JWKSURL == "" {
			break
		}
	}
	return errCertificate("not registered")
}

// Thumbprints returns those of the certificates of a key set, without repeats.
func Thumbprints(set *jose.JSONWebKeySet) []string {
	var out []string
	for _, k := range set.Keys {
		if len(k.Certificates) > 0 {
			out = append(out, Thumbprint(k.Certificates[0]))
		} else if len(k.CertificateThumbprintSHA256) == sha256.Size {
			out = append(out, base64.RawURLEncoding.EncodeToString(k.CertificateThumbprintSHA256))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CertificateSet makes the key set of certificates.
func CertificateSet(list []*x509.Certificate) ([]byte, error) {
	var set jose.JSONWebKeySet
	for _, c := range list {
		sum := sha256.Sum256(c.Raw)
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: c.PublicKey, KeyID: Thumbprint(c), Certificates: []*x509.Certificate{c}, CertificateThumbprintSHA256: sum[:]})
	}
	return json.Marshal(set)
}

func readCertificates(text []byte) (*jose.JSONWebKeySet, error) {
	set, err := readPublic(text)
	if err == nil && len(Thumbprints(set)) == 0 {
		err = fault.New(fault.Invalid, "identity.readCertificates", "The key set needs a key with its certificate (x5c) or the thumbprint of it (x5t#S256).")
	}
	return set, err
}

// Thumbprints returns those of the certificates that the program is registered
// with, as far as they are known here.
func (c Client) Thumbprints() []string {
	if c.Auth != AuthSelfSigned || len(c.JWKS) == 0 {
		return nil
	}
	set, err := readCertificates(c.JWKS)
	if err != nil {
		return nil
	}
	return Thumbprints(set)
}

// ClientCredentials are how a program is known by a certificate.
type ClientCredentials struct {
	Auth        ClientAuth // AuthPKI or AuthSelfSigned
	Certificate *CertificateName
	JWKS        []byte
	JWKSURL     string
}

// ChangeCredentials has a program come by another certificate, or by a certificate
// from now on; its tokens die within a second.
func (s *Service) ChangeCredentials(ctx context.Context, actor Actor, id, reason string, n ClientCredentials) (Client, error) {
	if !n.Auth.byCertificate() {
		return Client{}, fault.New(fault.Invalid, "identity.ChangeCredentials", "Say which certificate the program is to come by.")
	}
	if err := s.checkCredentials(NewClient{Auth: n.Auth, Certificate: n.Certificate, JWKS: n.JWKS, JWKSURL: n.JWKSURL}); err != nil {
		return Client{}, fmt.Errorf("identity.ChangeCredentials: %w", err)
	}
	return s.changeClient(ctx, actor, id, "new-certificate", reason, func(c *clientRecord) error {
		c.Auth, c.Certificate, c.JWKS, c.JWKSURL, c.SecretDigest = n.Auth, n.Certificate, n.JWKS, n.JWKSURL, ""
		return nil
	})
}

// maxRevoked bounds the certificates that a program's record holds as taken back.
const maxRevoked = 100

// RevokeCertificate takes one certificate of a program back, whatever else would
// speak for it; its tokens die within a second.
func (s *Service) RevokeCertificate(ctx context.Context, actor Actor, id, thumbprint, reason string) (Client, error) {
	bad := func(text string) error { return fault.New(fault.Invalid, "identity.RevokeCertificate", text) }
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(thumbprint); err != nil || len(raw) != sha256.Size {
		return Client{}, bad("A thumbprint is the SHA-256 of the certificate in base64url, 43 characters.")
	}
	return s.changeClient(ctx, actor, id, "revoke-certificate", reason, func(c *clientRecord) error {
		switch {
		case slices.Contains(c.Revoked, thumbprint):
			return nil
		case len(c.Revoked) >= maxRevoked:
			return bad("A hundred certificates of this program were taken back. Disable it, and register it anew under another name.")
		}
		c.Revoked = append(c.Revoked, thumbprint)
		return nil
	})
}
