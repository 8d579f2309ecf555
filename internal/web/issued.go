package web

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// TLS returns the configuration of the listener that browsers come to, and the authority
// when it looks.
func (k *Keeper) TLS() *tls.Config {
	c := TLS(k.Certificate)
	c.GetConfigForClient = k.Answer
	return c
}

// Answer is for the authority when it looks, and nil for everybody else.
func (k *Keeper) Answer(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if k.keys.ACME == nil {
		return nil, nil
	}
	return k.keys.ACME.answer(hello)
}

// Issued returns the certificate that the authority has signed, if it is of the current
// key, for our names, and has not ended.
func (k Keys) Issued(now time.Time) (tls.Certificate, bool) {
	if k.ACME == nil {
		return tls.Certificate{}, false
	}
	cert, err := k.pair(filepath.Join(k.Dir, acmeCert), filepath.Join(k.Dir, certKey))
	return cert, err == nil && k.ACME.good(cert.Leaf, now) == nil
}

func (a *ACME) good(leaf *x509.Certificate, now time.Time) error {
	if now.After(leaf.NotAfter) {
		return errors.New("the certificate has ended")
	}
	for _, name := range a.Names {
		if err := leaf.VerifyHostname(name); err != nil {
			return errors.New("the certificate is for other names")
		}
	}
	return nil
}

// due is when the last third of a certificate's life begins.
func due(leaf *x509.Certificate, now time.Time) bool {
	return now.After(leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3))
}

// obtain gets a certificate of the current key, or of the next one, and shows it. Before
// the first one the certificate of our own is shown, of the same key, so that pins hold.
func (k *Keeper) obtain(ctx context.Context, now time.Time, rotate bool) error {
	const op = "web.obtain"
	k.mu.Lock()
	defer k.mu.Unlock()
	dir := k.keys.Dir
	path := filepath.Join(dir, certKey)
	if rotate {
		path = k.keys.next()
	}
	key, err := readKey(k.keys.Safe, path)
	if err != nil {
		return fmt.Errorf("%s: key: %w", op, err)
	}
	chain, err := k.keys.ACME.order(ctx, key)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err == nil {
		err = k.keys.ACME.good(leaf, now)
	}
	if own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); err == nil && (!ok || !own.Equal(leaf.PublicKey)) {
		err = errors.New("the certificate is of another key")
	}
	if err != nil {
		return fmt.Errorf("%s: what the authority signed cannot be used: %w", op, err)
	}
	var text bytes.Buffer
	for _, der := range chain {
		if err := pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	// Key before certificate: a process that dies between the two orders anew.
	if err = writeKey(k.keys.Safe, filepath.Join(dir, certKey), key); err == nil {
		err = wholefile.Replace(filepath.Join(dir, acmeCert), text.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	cert, err := k.keys.pair(filepath.Join(dir, acmeCert), filepath.Join(dir, certKey))
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return k.show(cert)
}
