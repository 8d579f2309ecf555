package web

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// Keys are where a server's certificate and keys lie.
type Keys struct {
	Dir   string   // of the certificate that it makes itself
	Hosts []string // that one is for
	// Files of a certificate that others made; "": it makes its own.
	CertFile, KeyFile string
	// ACME gets a certificate of the same key that browsers trust; nil: nobody does.
	ACME *ACME
	// NextFile is the key of the certificate after this one; "" lies in Dir.
	NextFile string
	LeastRSA int // bits that an RSA key of others' certificate has at least
	// Safe seals the keys that are made here, and opens those of files that it has sealed;
	// nil: they lie bare.
	Safe *seal.Safe
}

func (k Keys) next() string {
	if k.NextFile != "" {
		return k.NextFile
	}
	return filepath.Join(k.Dir, nextKey)
}

// Files returns the paths of certificate, key and next key.
func (k Keys) Files() (cert, key, next string) {
	if k.CertFile != "" {
		return k.CertFile, k.KeyFile, k.next()
	}
	if issued := filepath.Join(k.Dir, acmeCert); k.ACME != nil && exists(issued) {
		return issued, filepath.Join(k.Dir, certKey), k.next()
	}
	return filepath.Join(k.Dir, certFile), filepath.Join(k.Dir, certKey), k.next()
}

// Keeper holds the certificate that a server shows, and sees to it that the key of
// the one after it is there: apps that pin keys know both before either is shown.
type Keeper struct {
	keys  Keys
	mu    sync.Mutex
	shown atomic.Pointer[tls.Certificate]
}

// Open reads the certificate, or makes one, and the next key.
func (k Keys) Open(now time.Time) (*Keeper, error) {
	keeper := &Keeper{keys: k}
	cert, err := k.load(now, false)
	if err == nil {
		err = keeper.show(cert)
	}
	if err != nil {
		return nil, err
	}
	return keeper, nil
}

func (k Keys) load(now time.Time, rotate bool) (tls.Certificate, error) {
	if cert, ok := k.Issued(now); ok {
		return cert, nil
	}
	if k.CertFile == "" {
		return k.own(now, rotate)
	}
	if info, err := os.Stat(k.KeyFile); err == nil && info.Mode().Perm()&0o007 != 0 {
		return tls.Certificate{}, errors.New("tls_key is open to everybody on this machine: chmod 600, or 640, what it names")
	}
	cert, err := k.pair(k.CertFile, k.KeyFile)
	if err != nil {
		return cert, fmt.Errorf("tls_cert and tls_key cannot be used: %w", err)
	}
	if key, ok := cert.Leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < k.LeastRSA {
		return cert, fmt.Errorf("tls_cert has an RSA key of %d bits: get one of an EC key or of %d bits, or write least_rsa: 2048", key.N.BitLen(), k.LeastRSA)
	}
	return cert, nil
}

func (k *Keeper) show(cert tls.Certificate) error {
	if err := k.keys.makeNext(cert.Leaf); err != nil {
		return err
	}
	k.shown.Store(&cert)
	return nil
}

// Certificate is the one shown now.
func (k *Keeper) Certificate() *tls.Certificate { return k.shown.Load() }

// Renew replaces a certificate of the server's own that ends within a month by one
// of the next key, and one of the authority in the last third of its life by one of the
// same key: those live for weeks, and apps could not follow.
func (k *Keeper) Renew(ctx context.Context, now time.Time) error {
	if k.keys.ACME != nil {
		if cert, ok := k.keys.Issued(now); ok && !due(cert.Leaf, now) {
			return nil
		}
		return k.obtain(ctx, now, false)
	}
	if k.keys.CertFile != "" || !worn(k.Certificate().Leaf, now) {
		return nil
	}
	return k.change(now, false)
}

// Rotate shows a certificate of the next key from now on, and makes another next.
func (k *Keeper) Rotate(ctx context.Context, now time.Time) error {
	if k.keys.ACME != nil {
		if err := k.obtain(ctx, now, true); err != nil {
			return &fault.Error{Kind: fault.Unavailable, Op: "web.Rotate", Err: err, Public: "The authority has signed no certificate of the next key, so nothing was changed. " +
				"Rotate while the server runs, and look at the authority and at the server's log."}
		}
		return nil
	}
	if k.keys.CertFile != "" {
		return fault.New(fault.Unprocessable, "web.Rotate", "The certificate comes from files. Have one made for the next key (wardkeep doctor --pins says where it is), put that key and the certificate where tls_key and tls_cert say, and start the server anew.")
	}
	return k.change(now, true)
}

func (k *Keeper) change(now time.Time, rotate bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	cert, err := k.keys.load(now, rotate)
	if err != nil {
		return err
	}
	return k.show(cert)
}

// makeNext makes the next key if there is none, or if it has become the one of the
// certificate.
func (k Keys) makeNext(leaf *x509.Certificate) error {
	next, err := readKey(k.Safe, k.next())
	if err == nil {
		var pin []byte
		if pin, err = x509.MarshalPKIXPublicKey(next.Public()); err == nil && !bytes.Equal(pin, leaf.RawSubjectPublicKeyInfo) {
			return nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the next key (tls_next_key) cannot be used: %w", err)
	}
	if _, key, next := k.Files(); sameFile(key, next) {
		return errors.New("tls_next_key is the file of tls_key: name another one, in which the next key is made")
	}
	key, err := newKey()
	if err == nil {
		err = writeKey(k.Safe, k.next(), key)
	}
	if err != nil {
		return fmt.Errorf("the next key (tls_next_key) cannot be made: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}

// Pins are what apps may pin (RFC 7469 §2.4), of the key shown and of the next.
type Pins struct {
	Current string `json:"current"`
	Next    string `json:"next"`
}

// Pin is the SHA-256 of a public key as certificates hold it (SubjectPublicKeyInfo).
func Pin(spki []byte) string {
	sum := sha256.Sum256(spki)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// NextPin reads the next key's pin from its file.
func (k Keys) NextPin() (string, error) {
	spki, err := publicOf(k.next())
	if err != nil {
		return "", err
	}
	return Pin(spki), nil
}

func newKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
