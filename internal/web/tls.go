package web

import (
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
)

// TLS returns the configuration of every listener: TLS 1.3 and nothing older.
func TLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

const (
	caFile   = "ca.pem"
	caKey    = "ca.key"
	certFile = "tls.pem"
	certKey  = "tls.key"
	caYears  = 10
	certLife = 397 * 24 * time.Hour
	renewAt  = 30 * 24 * time.Hour
)

// LocalCertificate returns a certificate for hosts, signed by a certificate
// authority that lives in dir and is made at the first start. dir/ca.pem is
// what a browser or curl has to trust. A certificate that expires within a
// month, or lacks a host, is replaced.
func LocalCertificate(dir string, hosts []string, now time.Time) (tls.Certificate, error) {
	ca, key, err := localCA(dir, now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("web.LocalCertificate: %w", err)
	}
	certPath, keyPath := filepath.Join(dir, certFile), filepath.Join(dir, certKey)
	if cert, err := tls.LoadX509KeyPair(certPath, keyPath); err == nil && usable(cert, ca, hosts, now) {
		return cert, nil
	}
	if err := issue(dir, ca, key, hosts, now); err != nil {
		return tls.Certificate{}, fmt.Errorf("web.LocalCertificate: %w", err)
	}
	return tls.LoadX509KeyPair(certPath, keyPath)
}

func usable(cert tls.Certificate, ca *x509.Certificate, hosts []string, now time.Time) bool {
	leaf := cert.Leaf
	if leaf == nil || leaf.CheckSignatureFrom(ca) != nil || now.Add(renewAt).After(leaf.NotAfter) {
		return false
	}
	for _, host := range hosts {
		if leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

func localCA(dir string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, caFile), filepath.Join(dir, caKey))
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
	return ca, key, write(dir, caFile, caKey, ca, key)
}

func issue(dir string, ca *x509.Certificate, caKey *ecdsa.PrivateKey, hosts []string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: hosts[0], Organization: []string{"Wardkeep"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
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
	return write(dir, certFile, certKey, cert, key)
}

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
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
// the other way round it is made again.
func write(dir, certName, keyName string, cert *x509.Certificate, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, keyName), keyPEM, 0o600); err != nil {
		return err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return os.WriteFile(filepath.Join(dir, certName), certPEM, 0o644)
}
