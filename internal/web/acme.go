package web

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/wardkeep/wardkeep/internal/outbound"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// ACME gets certificates that browsers trust (RFC 8555), by proving at this server's own
// listener that the names are ours (TLS-ALPN-01, RFC 8737).
type ACME struct {
	Directory string   // of the authority
	Contact   string   // mail address, "" for none
	Names     []string // that certificates are for
	CAFile    string   // whom to believe as the authority's own server; "": the system's list
	// KID and Secret, a key in base64url, bind the account to one at the authority
	// (RFC 8555 §7.3.4).
	KID    string
	Secret func() (string, error)
	Dir    string // of the account's key
	Safe   *seal.Safe

	mu     sync.Mutex
	proofs map[string]*tls.Certificate // by name, while the authority looks
}

const (
	accountKey    = "acme.key"
	acmeCert      = "acme.pem"
	orderTimeout  = 5 * time.Minute
	answerTimeout = 30 * time.Second
)

// Check finds out whether the files can be read that an order needs.
func (a *ACME) Check() error {
	_, err := a.client()
	if err == nil {
		_, err = a.binding()
	}
	return err
}

func (a *ACME) client() (*acme.Client, error) {
	trust := &tls.Config{}
	outbound.Secure(trust)
	if a.CAFile != "" {
		text, err := os.ReadFile(a.CAFile)
		trust.RootCAs = x509.NewCertPool()
		if err != nil || !trust.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("acme_ca must be a file of certificates in PEM that can be read")
		}
	}
	return &acme.Client{DirectoryURL: a.Directory, UserAgent: "wardkeep", HTTPClient: &http.Client{
		Timeout: answerTimeout, Transport: &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (a *ACME) binding() (*acme.ExternalAccountBinding, error) {
	if a.KID == "" {
		return nil, nil
	}
	text, err := a.Secret()
	if err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
	if err != nil || len(key) < 16 {
		return nil, errors.New("acme_eab_key_file must hold the key as the authority gave it, in base64url")
	}
	return &acme.ExternalAccountBinding{KID: a.KID, Key: key}, nil
}

// order returns a certificate of key, the leaf first.
func (a *ACME) order(ctx context.Context, key crypto.Signer) (chain [][]byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	client, err := a.account(ctx)
	if err != nil {
		return nil, fmt.Errorf("web.order: account: %w", err)
	}
	defer client.HTTPClient.CloseIdleConnections()
	order, err := client.AuthorizeOrder(ctx, acme.DomainIDs(a.Names...))
	if err != nil {
		return nil, fmt.Errorf("web.order: %w", err)
	}
	for _, at := range order.AuthzURLs {
		if err := a.prove(ctx, client, at); err != nil {
			return nil, fmt.Errorf("web.order: proof: %w", err)
		}
	}
	if _, err = client.WaitOrder(ctx, order.URI); err != nil {
		return nil, fmt.Errorf("web.order: %w", err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: a.Names}, key)
	if err != nil {
		return nil, fmt.Errorf("web.order: request: %w", err)
	}
	chain, _, err = client.CreateCertFromOrder(ctx, order, request, true)
	if err != nil {
		return nil, fmt.Errorf("web.order: certificate: %w", err)
	}
	return chain, nil
}

// account registers this server with the authority, unless it is known there.
func (a *ACME) account(ctx context.Context) (*acme.Client, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(a.Dir, accountKey)
	if client.Key, err = readOrMakeKey(a.Safe, path); err != nil {
		return nil, err
	}
	if err := writeKey(a.Safe, path, client.Key); err != nil {
		return nil, err
	}
	who := &acme.Account{}
	if a.Contact != "" {
		who.Contact = []string{"mailto:" + a.Contact}
	}
	if who.ExternalAccountBinding, err = a.binding(); err != nil {
		return nil, err
	}
	if _, err := client.Register(ctx, who, acme.AcceptTOS); err != nil && !errors.Is(err, acme.ErrAccountAlreadyExists) {
		return nil, err
	}
	return client, nil
}

var errNoProof = errors.New("the authority does not offer tls-alpn-01")

func (a *ACME) prove(ctx context.Context, client *acme.Client, at string) error {
	authorization, err := client.GetAuthorization(ctx, at)
	if err != nil || authorization.Status == acme.StatusValid {
		return err
	}
	i := slices.IndexFunc(authorization.Challenges, func(c *acme.Challenge) bool { return c.Type == "tls-alpn-01" })
	if i < 0 {
		return errNoProof
	}
	name := authorization.Identifier.Value
	proof, err := client.TLSALPN01ChallengeCert(authorization.Challenges[i].Token, name)
	if err != nil {
		return err
	}
	a.show(name, &proof)
	defer a.show(name, nil)
	if _, err := client.Accept(ctx, authorization.Challenges[i]); err != nil {
		return err
	}
	_, err = client.WaitAuthorization(ctx, at)
	return err
}

func (a *ACME) show(name string, proof *tls.Certificate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.proofs == nil {
		a.proofs = map[string]*tls.Certificate{}
	}
	if proof == nil {
		delete(a.proofs, name)
		return
	}
	a.proofs[name] = proof
}

// answer is for the authority alone: a client that speaks no other protocol. It is shown
// the proof, and gets no further (RFC 8737 §4).
func (a *ACME) answer(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if !slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}) {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	proof := a.proofs[strings.ToLower(hello.ServerName)]
	if proof == nil {
		return nil, errors.New("no proof is being asked for")
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*proof}, NextProtos: []string{acme.ALPNProto}}, nil
}
