package web

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// A key file that is sealed holds the public key in the clear, by which pins are told and
// certificates compared without the root, and behind it the private one. What a key is for
// and its public half are authenticated; its file may be moved.
const publicBlock = "PUBLIC KEY"

var (
	errNoKey  = errors.New("it holds no private key in PEM")
	errSecret = errors.New("it is sealed whole")
)

// aboutKey says what a sealed file holds: a key of ours, or, without a public half, a
// secret of that name.
func aboutKey(path string, spki []byte) string {
	use := "tls"
	switch base := filepath.Base(path); {
	case spki == nil:
		return seal.AboutSecret(base)
	case base == caKey, base == accountKey:
		use = base
	}
	return "key/" + use + "/" + Pin(spki)
}

// keyText is the PEM of a key file.
func keyText(safe *seal.Safe, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, wholefile.WithoutPath(err)
	}
	if !seal.IsSealed(text) {
		return text, nil
	}
	if safe == nil {
		return nil, errors.New("it is sealed, and the root key is not at hand")
	}
	return safe.Open(aboutKey(path, publicIn(text)), text)
}

func publicIn(text []byte) []byte {
	if block, _ := pem.Decode(text); block != nil && block.Type == publicBlock {
		return block.Bytes
	}
	return nil
}

// readKey reads a private key from PEM, in any of the usual forms, sealed or bare.
func readKey(safe *seal.Safe, path string) (crypto.Signer, error) {
	text, err := keyText(safe, path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if signer, ok := key.(crypto.Signer); ok {
				return signer, nil
			}
		}
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
	}
	return nil, errNoKey
}

func readOrMakeKey(safe *seal.Safe, path string) (crypto.Signer, error) {
	key, err := readKey(safe, path)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey()
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used; put it back, or remove it to have a new one made: %w", filepath.Base(path), err)
	}
	return key, nil
}

func writeKey(safe *seal.Safe, path string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if safe != nil {
		spki, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return err
		}
		text = append(pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: spki}), safe.Seal(aboutKey(path, spki), text)...)
	}
	return wholefile.ReplaceSecret(path, text)
}

// publicOf is the public half (SubjectPublicKeyInfo) of a key file, which of a sealed one
// is only as good as who can write there.
func publicOf(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, wholefile.WithoutPath(err)
	}
	if seal.IsSealed(text) {
		spki := publicIn(text)
		if spki == nil {
			return nil, errSecret
		}
		_, err := x509.ParsePKIXPublicKey(spki)
		return spki, err
	}
	key, err := readKey(nil, path)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(key.Public())
}

// Reseal is a file of a folder as another one has it: what is sealed is sealed anew.
func Reseal(path string, text []byte, from, to *seal.Safe) ([]byte, error) {
	if !seal.IsSealed(text) {
		return text, nil
	}
	spki := publicIn(text)
	about := aboutKey(path, spki)
	plain, err := from.Open(about, text)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be sealed anew: %w", filepath.Base(path), err)
	}
	defer clear(plain)
	if spki == nil {
		return to.Seal(about, plain), nil
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: spki}), to.Seal(about, plain)...), nil
}

// Bare are the files of keys that were made here and are not sealed.
func (k Keys) Bare() (paths []string, err error) {
	for _, path := range []string{filepath.Join(k.Dir, caKey), filepath.Join(k.Dir, certKey), k.next(), filepath.Join(k.Dir, accountKey)} {
		text, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("%s cannot be read: %w", filepath.Base(path), wholefile.WithoutPath(err))
		case !seal.IsSealed(text):
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// TakeOver seals what is bare, and writes over it.
func (k Keys) TakeOver(paths []string) error {
	for _, path := range paths {
		key, err := readKey(nil, path)
		if err == nil {
			err = writeKey(k.Safe, path, key)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be sealed: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// pair reads a certificate and its key.
func (k Keys) pair(certPath, keyPath string) (tls.Certificate, error) {
	cert, err := os.ReadFile(certPath)
	if err != nil {
		return tls.Certificate{}, wholefile.WithoutPath(err)
	}
	key, err := keyText(k.Safe, keyPath)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}

// Match reports whether a certificate is of a key file, as far as that can be told without
// opening it.
func (k Keys) Match(leaf *x509.Certificate, keyPath string) error {
	spki, err := publicOf(keyPath)
	if errors.Is(err, errSecret) {
		return nil
	}
	if err == nil && !bytes.Equal(spki, leaf.RawSubjectPublicKeyInfo) {
		err = errors.New("the certificate is of another key")
	}
	return err
}

// Signed reports whether the authority has signed a certificate of the current key that is
// good.
func (k Keys) Signed(now time.Time) bool {
	text, err := os.ReadFile(filepath.Join(k.Dir, acmeCert))
	block, _ := pem.Decode(text)
	if k.ACME == nil || err != nil || block == nil {
		return false
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	return err == nil && k.Match(leaf, filepath.Join(k.Dir, certKey)) == nil && k.ACME.good(leaf, now) == nil
}

// Pair is the certificate there is, whatever it is good for.
func (k Keys) Pair() (tls.Certificate, error) {
	cert, key, _ := k.Files()
	return k.pair(cert, key)
}

// Request is a request (PKCS #10, PEM) for a certificate of the next key by a name, for an
// authority of the operator's.
func (k Keys) Request(name string) ([]byte, error) {
	key, err := readKey(k.Safe, k.next())
	if err != nil {
		return nil, fmt.Errorf("web.Request: the next key: %w", err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		return nil, fmt.Errorf("web.Request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
