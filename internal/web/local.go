package web

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

const (
	caFile   = "ca.pem"
	caKey    = "ca.key"
	certFile = "tls.pem"
	certKey  = "tls.key"
	nextKey  = "tls-next.key"
	caYears  = 10
	certLife = 397 * 24 * time.Hour
	renewAt  = 30 * 24 * time.Hour
)

// LocalCertificate returns a certificate for hosts, signed by a certificate
// authority that lives in dir and is made at the first start. dir/ca.pem is
// what a browser or curl has to trust. A certificate that expires within a
// month is replaced by one of the next key; one that lacks a host keeps its key.
func LocalCertificate(dir string, hosts []string, now time.Time) (tls.Certificate, error) {
	return Keys{Dir: dir, Hosts: hosts}.own(now, false)
}

func (k Keys) own(now time.Time, rotate bool) (tls.Certificate, error) {
	const op = "web.own"
	ca, signer, err := k.localCA(now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", op, err)
	}
	certPath, keyPath := filepath.Join(k.Dir, certFile), filepath.Join(k.Dir, certKey)
	cert, err := k.pair(certPath, keyPath)
	if err == nil && !rotate && usable(cert, ca, k.Hosts, now) {
		return cert, nil
	}
	if rotate || err == nil && worn(cert.Leaf, now) {
		keyPath = k.next()
	}
	key, err := readOrMakeKey(k.Safe, keyPath)
	if err == nil {
		err = k.issue(ca, signer, key, now)
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", op, err)
	}
	return k.pair(certPath, filepath.Join(k.Dir, certKey))
}

func worn(leaf *x509.Certificate, now time.Time) bool { return now.Add(renewAt).After(leaf.NotAfter) }

func usable(cert tls.Certificate, ca *x509.Certificate, hosts []string, now time.Time) bool {
	leaf := cert.Leaf
	if leaf == nil || leaf.CheckSignatureFrom(ca) != nil || worn(leaf, now) {
		return false
	}
	for _, host := range hosts {
		if leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

func (k Keys) localCA(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := k.pair(filepath.Join(k.Dir, caFile), filepath.Join(k.Dir, caKey))
	if err == nil {
		key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
		if !ok {
			return nil, nil, errors.New("ca.key is not an ECDSA key")
		}
		return pair.Leaf, key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Wardkeep local CA", Organization: []string{"Wardkeep"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(caYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	ca, err := sign(template, template, key, key)
	if err != nil {
		return nil, nil, err
	}
	return ca, key, k.write(caFile, caKey, ca, key)
}

func (k Keys) issue(ca *x509.Certificate, caKey, key crypto.Signer, now time.Time) error {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: k.Hosts[0], Organization: []string{"Wardkeep"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range k.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	cert, err := sign(template, ca, key, caKey)
	if err != nil {
		return err
	}
	return k.write(certFile, certKey, cert, key)
}

func sign(template, parent *x509.Certificate, key, signer crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// write lays key before certificate: a certificate without its key is useless,
// the other way round it is made again, of the same key.
func (k Keys) write(certName, keyName string, cert *x509.Certificate, key crypto.Signer) error {
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return err
	}
	if err := writeKey(k.Safe, filepath.Join(k.Dir, keyName), key); err != nil {
		return err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return wholefile.Replace(filepath.Join(k.Dir, certName), certPEM, 0o644)
}
