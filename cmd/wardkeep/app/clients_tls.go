package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// byCertificate are the flags that say which certificate a program comes by.
type byCertificate struct {
	TLSSubjectDN string   `name:"tls-subject-dn" help:"Its certificate, signed by an authority of mtls_ca, has this subject (RFC 4514, as openssl x509 -subject -nameopt RFC2253 prints it)." xor:"auth" required:"" placeholder:"DN"`
	TLSSANDNS    string   `name:"tls-san-dns" help:"Such a certificate has this alternative DNS name." xor:"auth" required:"" placeholder:"NAME"`
	TLSSANURI    string   `name:"tls-san-uri" help:"Such a certificate has this alternative URI." xor:"auth" required:"" placeholder:"URI"`
	TLSSANIP     string   `name:"tls-san-ip" help:"Such a certificate has this alternative IP address." xor:"auth" required:"" placeholder:"IP"`
	TLSSANEmail  string   `name:"tls-san-email" help:"Such a certificate has this alternative e-mail address." xor:"auth" required:"" placeholder:"ADDRESS"`
	TLSCert      []string `name:"tls-cert" help:"File of its certificate (PEM), whoever signed it; repeat for several." xor:"auth" required:"" placeholder:"FILE" type:"existingfile" sep:"none"`
}

// credentials reads the flags; Auth is "" if none is given.
func (b byCertificate) credentials() (identity.ClientCredentials, error) {
	name := identity.CertificateName{SubjectDN: b.TLSSubjectDN, DNS: b.TLSSANDNS, URI: b.TLSSANURI, IP: b.TLSSANIP, Email: b.TLSSANEmail}
	switch {
	case name != identity.CertificateName{}:
		return identity.ClientCredentials{Auth: identity.AuthPKI, Certificate: &name}, nil
	case len(b.TLSCert) == 0:
		return identity.ClientCredentials{}, nil
	}
	var list []*x509.Certificate
	for _, path := range b.TLSCert {
		c, err := readCertificate(path)
		if err != nil {
			return identity.ClientCredentials{}, err
		}
		list = append(list, c)
	}
	set, err := identity.CertificateSet(list)
	return identity.ClientCredentials{Auth: identity.AuthSelfSigned, JWKS: set}, err
}

// readCertificate reads the first certificate of a file.
func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	for block, rest := pem.Decode(text); err == nil && block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				return c, nil
			}
		}
	}
	return nil, fault.New(fault.Invalid, "app.readCertificate", path+" holds no certificate in PEM that can be read")
}

func showClient(ctx context.Context, h *House, who string, id string) (listedClient, error) {
	clients, err := h.Identity.Clients(ctx, operator(who, "operator"))
	if err != nil {
		return listedClient{}, err
	}
	for _, c := range clients {
		if c.ID == id {
			return listed(c), nil
		}
	}
	return listedClient{}, fault.New(fault.NotFound, "app.showClient", "There is no program of that client_id.")
}

type identified struct {
	clientChange
	identity.ClientCredentials
}

func identifyClient(ctx context.Context, h *House, who string, in identified) (listedClient, error) {
	c, err := h.Identity.ChangeCredentials(ctx, operator(who, "operator"), in.ID, in.Reason, in.ClientCredentials)
	return listed(c), err
}

type revoked struct {
	clientChange
	Thumbprint string
}

func revokeCertificate(ctx context.Context, h *House, who string, in revoked) (listedClient, error) {
	c, err := h.Identity.RevokeCertificate(ctx, operator(who, "operator"), in.ID, in.Thumbprint, in.Reason)
	return listed(c), err
}

type clientShowCmd struct {
	place
	ID   string `arg:"" help:"Its client_id."`
	JSON bool   `help:"Print the result as JSON."`
}

func (c *clientShowCmd) Run(ctx context.Context, t Terminal) error {
	var out listedClient
	if err := c.atDesk(ctx, "client-show", c.ID, &out); err != nil {
		return err
	}
	return out.print(t, c.JSON)
}

func (c listedClient) print(t Terminal, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(t.Out).Encode(c)
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t.Out, "%-17s %s\n", name, value)
		}
	}
	line("client_id", c.ID)
	line("name", c.Name)
	line("status", c.Status)
	line("scope", c.Scope)
	line("authenticates by", c.Auth)
	if c.Certificate != nil {
		line("certificate of", c.Certificate.String())
	}
	line("keys at", c.JWKSURL)
	line("x5t#S256", strings.Join(c.Thumbprints, " "))
	line("taken back", strings.Join(c.Revoked, " "))
	line("in addresses", c.inURLs())
	if c.Bound {
		line("tokens", "bound to its certificate")
	}
	return nil
}

type clientIdentifyCmd struct {
	place
	ID string `arg:"" help:"Its client_id."`
	byCertificate
	Reason string `help:"Why; it is kept in the audit log." required:""`
	JSON   bool   `help:"Print the result as JSON."`
}

func (clientIdentifyCmd) Help() string {
	return `What was there before, a secret too, is good no more; name two files to change from one certificate to the next.

Examples:
  wardkeep client identify --dir hospital ID --tls-cert old.pem --tls-cert new.pem --reason 'certificate ends in May'
  wardkeep client identify --dir hospital ID --tls-san-dns batch.example.org --reason 'new authority'`
}

func (c *clientIdentifyCmd) Run(ctx context.Context, t Terminal) error {
	known, err := c.credentials()
	if err != nil {
		return err
	}
	var out listedClient
	if err := c.atDesk(ctx, "client-known", identified{clientChange{c.ID, c.Reason}, known}, &out); err != nil {
		return err
	}
	return out.print(t, c.JSON)
}

type clientRevokeCmd struct {
	place
	ID         string `arg:"" help:"Its client_id."`
	Cert       string `help:"File of the certificate (PEM)." xor:"cert" required:"" placeholder:"FILE" type:"existingfile"`
	Thumbprint string `help:"Its SHA-256 in base64url, as client show and the audit log have it." xor:"cert" required:"" placeholder:"x5t#S256"`
	Reason     string `help:"Why; it is kept in the audit log." required:""`
	JSON       bool   `help:"Print the result as JSON."`
}

func (c *clientRevokeCmd) Run(ctx context.Context, t Terminal) error {
	in := revoked{clientChange{c.ID, c.Reason}, c.Thumbprint}
	if c.Cert != "" {
		certificate, err := readCertificate(c.Cert)
		if err != nil {
			return err
		}
		in.Thumbprint = identity.Thumbprint(certificate)
	}
	var out listedClient
	if err := c.atDesk(ctx, "client-revoke", in, &out); err != nil {
		return err
	}
	return out.print(t, c.JSON)
}
