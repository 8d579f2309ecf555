package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// LogOut says where audit entries and lines of the log are sent while they are made.
type LogOut struct {
	// To is the host and port of a collector that takes syslog over TLS (RFC 5425);
	// "" for none.
	To string `koanf:"log_out"`
	// CA is a file of certificates (PEM): the authorities that may have signed the
	// collector's, and no others.
	CA string `koanf:"log_out_ca"`
	// Name is what that certificate is for; "" is the host of To.
	Name string `koanf:"log_out_name"`
	// Cert and Key are files of a certificate that the collector asks for; "": none.
	Cert string `koanf:"log_out_cert"`
	Key  string `koanf:"log_out_key"`
}

func (l LogOut) check() error {
	if l.To == "" {
		if l != (LogOut{}) {
			return errors.New("log_out_ca, log_out_name, log_out_cert and log_out_key are of use with log_out only: give that, too")
		}
		return nil
	}
	host, port, err := net.SplitHostPort(l.To)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n == 0 || host == "" {
		return errors.New("log_out must be a host and a port, such as siem.example.org:6514")
	}
	if l.CA == "" {
		return errors.New("log_out_ca is missing: name the file of the authority that signed the collector's certificate")
	}
	if (l.Cert == "") != (l.Key == "") {
		return errors.New("give log_out_cert and log_out_key together, or neither")
	}
	return nil
}

// TLS reads whose certificate is believed, and our own.
func (l LogOut) TLS(sealed Sealed) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(l.To)
	if err != nil {
		return nil, fmt.Errorf("log_out must be a host and a port: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool(), ServerName: host}
	if l.Name != "" {
		c.ServerName = l.Name
	}
	text, err := os.ReadFile(l.CA)
	if err != nil || !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("log_out_ca must be a file of certificates in PEM that can be read")
	}
	if l.Cert != "" {
		pair, err := l.pair(sealed)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func (l LogOut) pair(sealed Sealed) (tls.Certificate, error) {
	if _, ok := SealedName(l.Key); ok && sealed == nil { // who looks from outside cannot open it
		return tls.Certificate{}, nil
	}
	cert, err := os.ReadFile(l.Cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("log_out_cert cannot be read: %w", wholefile.WithoutPath(err))
	}
	key, err := secretFile("log_out_key", l.Key, sealed)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, []byte(key))
	if err != nil {
		return pair, errors.New("log_out_cert and log_out_key cannot be read, or do not belong together")
	}
	return pair, nil
}
