package config

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// ACME says who signs a certificate that browsers trust, by RFC 8555.
type ACME struct {
	// Directory is the authority's address, such as
	// https://acme-v02.api.letsencrypt.org/directory; "" for none.
	Directory string `koanf:"acme"`
	// TermsAgreed says that you have read the authority's terms and agree.
	TermsAgreed bool `koanf:"acme_terms_agreed"`
	// Contact is the mail address that the authority may write to; "" for none.
	Contact string `koanf:"acme_contact"`
	// CA is a file of certificates (PEM) to believe as the authority's own server;
	// "": the system's list.
	CA string `koanf:"acme_ca"`
	// KID and KeyFile bind the account to one that you have there; "": neither.
	// The file is a path, credential:NAME or sealed:NAME.
	KID     string `koanf:"acme_eab_kid"`
	KeyFile string `koanf:"acme_eab_key_file"`
	// TLSLocal says that all who come are machines of yours that trust the authority
	// of this server (ca.pem): it may then serve other machines with its own certificate.
	TLSLocal bool `koanf:"tls_local"`
}

// Secret reads the key of the account, in base64url.
func (a ACME) Secret(sealed Sealed) (string, error) {
	return secretFile("acme_eab_key_file", a.KeyFile, sealed)
}

func (c Config) checkACME() error {
	a := c.ACME
	if a.Directory == "" {
		a.TLSLocal = false
		if a != (ACME{}) {
			return errors.New("acme_terms_agreed, acme_contact, acme_ca and acme_eab_… are of use with acme only: give the authority's directory there")
		}
		return nil
	}
	directory, err := url.Parse(a.Directory)
	base, wrong := url.Parse(c.BaseURL)
	switch {
	case err != nil || directory.Scheme != "https" || directory.Host == "":
		return errors.New("acme must be the https address of an authority's directory, such as https://acme-v02.api.letsencrypt.org/directory")
	case c.TLSCert != "":
		return errors.New("give tls_cert or acme, one of them")
	case c.BaseURL == "" || wrong != nil || net.ParseIP(base.Hostname()) != nil:
		return errors.New("acme needs a base_url with the name that the certificate is to be for, such as https://ehr.example.org")
	case !a.TermsAgreed:
		return errors.New("read the terms of the authority that acme names, and set acme_terms_agreed: true")
	case strings.ContainsAny(a.Contact, " :,") || a.Contact != "" && !strings.Contains(a.Contact, "@"):
		return errors.New("acme_contact must be one mail address")
	case (a.KID == "") != (a.KeyFile == ""):
		return errors.New("give acme_eab_kid and acme_eab_key_file together, or neither")
	}
	if mutual, err := url.Parse(c.MTLSBase()); c.MTLSListen != "" && (err != nil || mutual.Hostname() != base.Hostname()) {
		return errors.New("with acme, mtls_base_url must have the host of base_url: the certificate is for that alone")
	}
	return nil
}

// CheckServing finds out whether what other machines may rely on has been decided: a server
// for this machine alone is one to try. All that is missing is told at once.
func (c Config) CheckServing() error {
	if !c.ServesOthers() {
		return nil
	}
	return errors.Join(c.CheckTrust(), c.checkScanner(), c.checkRoot(), c.checkSecrets())
}

// ServesOthers reports whether other machines are served.
func (c Config) ServesOthers() bool {
	return !Loopback(c.Listen) || c.MTLSListen != "" && !Loopback(c.MTLSListen)
}

// CheckTrust finds out whether those who are served can know whom they talk to: other
// machines have no reason to believe a certificate of this server's own.
func (c Config) CheckTrust() error {
	if c.TLSCert != "" || c.ACME.Directory != "" || c.ACME.TLSLocal {
		return nil
	}
	return errors.New("other machines are to be served, and nobody has signed the certificate: give tls_cert and tls_key, or acme; " +
		"or set tls_local: true if all who come are machines of yours that trust this server's ca.pem")
}

func (c Config) checkScanner() error {
	if c.Scanner != "" {
		return nil
	}
	return errors.New("other machines are to be served, and nobody looks at their files for malware: set scanner: unix:/run/clamav/clamd.ctl and run ClamAV beside the server; " +
		"or scanner: none if the files are to be looked at nowhere")
}

func (c Config) checkRoot() error {
	if c.KMS != "" {
		return nil
	}
	return errors.New("other machines are to be served, and nothing says what keeps the root key: set kms: awskms:///alias/NAME?region=REGION, a key service; " +
		"or kms: local if it is to lie in a file beside the data, for whoever copies the disk")
}
