package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/outbound"
	"github.com/wardkeep/wardkeep/internal/smart"
)

// keySets gets programs' keys from the hosts that the server may call.
func (h *House) keySets() *smart.KeySets {
	client := outbound.New(outbound.Policy{Hosts: strings.Fields(h.Config.OutboundHosts), Private: h.Config.OutboundPrivate})
	return &smart.KeySets{Do: client.Do, Clock: h.Clock}
}

type newClient struct {
	Name, Scope         string
	Auth                identity.ClientAuth
	JWKS                json.RawMessage `json:",omitempty"`
	JWKSURL, LaunchURL  string
	RedirectURIs, Pages []string
	Inspects, Bound     bool
	NamesInURLs         bool
	Certificate         *identity.CertificateName `json:",omitempty"`
}

type addedClient struct {
	ID       string `json:"client_id"`
	Secret   string `json:"client_secret,omitempty"`
	TokenURL string `json:"token_url"`
	FHIRURL  string `json:"fhir_url"`
}

func addClient(ctx context.Context, h *House, who string, in newClient) (addedClient, error) {
	asked, err := identity.ParseAsked(in.Scope)
	if err != nil || asked.Unknown {
		return addedClient{}, fault.New(fault.Invalid, "app.addClient", "The scope is not one that is granted here. Examples: 'system/*.cruds', 'system/Patient.rs system/Observation.rs?category=laboratory', and for apps 'launch openid fhirUser patient/*.rs'.")
	}
	client, secret, err := h.Identity.RegisterClient(ctx, operator(who, "operator"), identity.NewClient{
		Name: in.Name, Scopes: asked.Scopes, Words: asked.Words, Auth: in.Auth, JWKS: in.JWKS, JWKSURL: in.JWKSURL,
		RedirectURIs: in.RedirectURIs, LaunchURL: in.LaunchURL, Origins: in.Pages, Inspects: in.Inspects,
		Certificate: in.Certificate, Bound: in.Bound, NamesInURLs: in.NamesInURLs,
	})
	base := h.Config.Base()
	if client.BindsTokens() {
		base = h.Config.MTLSBase()
	}
	return addedClient{ID: client.ID, Secret: secret, TokenURL: base + "/oauth2/token", FHIRURL: base + "/fhir"}, err
}

type listedClient struct {
	ID      string    `json:"client_id"`
	Name    string    `json:"name"`
	Status  string    `json:"status"`
	Scope   string    `json:"scope"`
	Created time.Time `json:"created"`

	Auth        string                    `json:"token_endpoint_auth_method"`
	Bound       bool                      `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	Certificate *identity.CertificateName `json:"certificate,omitempty"`
	Thumbprints []string                  `json:"x5t#S256,omitempty"`
	JWKSURL     string                    `json:"jwks_uri,omitempty"`
	Revoked     []string                  `json:"revoked_x5t#S256,omitempty"`
	NamesInURLs bool                      `json:"names_in_urls,omitempty"`
}

func listed(c identity.Client) listedClient {
	return listedClient{
		ID: c.ID, Name: c.Name, Status: string(c.Status), Scope: identity.Asked{Scopes: c.Scopes, Words: c.Words}.String(), Created: c.Created,
		Auth: c.Auth.Method(), Bound: c.BindsTokens(), Certificate: c.Certificate, Thumbprints: c.Thumbprints(), JWKSURL: c.JWKSURL, Revoked: c.Revoked, NamesInURLs: c.NamesInURLs,
	}
}

// inURLs tells what the program may write into addresses.
func (c listedClient) inURLs() string {
	if c.NamesInURLs {
		return "names, too"
	}
	return "ids and codes"
}

// known tells how a program authenticates in one column.
func (c listedClient) known() string {
	if c.Certificate != nil {
		return c.Auth + " " + c.Certificate.String()
	}
	return strings.Join(append([]string{c.Auth}, c.Thumbprints...), " ")
}

func listClients(ctx context.Context, h *House, who string, _ struct{}) ([]listedClient, error) {
	clients, err := h.Identity.Clients(ctx, operator(who, "operator"))
	out := []listedClient{}
	for _, c := range clients {
		out = append(out, listed(c))
	}
	return out, err
}

type clientChange struct{ ID, Reason string }

func endClient(ctx context.Context, h *House, who string, in clientChange) (struct{}, error) {
	return struct{}{}, h.Identity.DisableClient(ctx, operator(who, "operator"), in.ID, in.Reason)
}

type clientCmd struct {
	Add      clientAddCmd      `cmd:"" help:"Add a program that uses the API; prints its id, and its secret once."`
	List     clientListCmd     `cmd:"" help:"List the programs there are."`
	Show     clientShowCmd     `cmd:"" help:"Show one program, and the certificates it comes by."`
	Identify clientIdentifyCmd `cmd:"" help:"Have a program come by another certificate; its tokens end at once."`
	Revoke   clientRevokeCmd   `cmd:"" help:"Take one certificate of a program back; its tokens end at once."`
	URLs     clientURLsCmd     `cmd:"" name:"urls" help:"Let a program search with names in addresses, or no more; its tokens end at once."`
	Disable  clientDisableCmd  `cmd:"" help:"Shut a program out; its tokens end at once."`
}

type clientAddCmd struct {
	place
	Name    string `help:"What the program is called." required:""`
	Scope   string `help:"SMART scopes: of level system for a program in its own name; patient, user, launch, openid, fhirUser, offline_access and so on for an app." required:"" placeholder:"'system/*.cruds'"`
	Secret  bool   `help:"Make a client secret." xor:"auth" required:""`
	JWKS    string `name:"jwks" help:"File of its public keys (JWKS): it signs (private_key_jwt)." xor:"auth" required:"" placeholder:"FILE" type:"existingfile"`
	JWKSURL string `name:"jwks-url" help:"Where it keeps its public keys; outbound_hosts must name the host." xor:"auth" required:"" placeholder:"URL"`
	Public  bool   `help:"It cannot prove who it is: an app in a browser or on a phone." xor:"auth" required:""`
	byCertificate
	TLS       bool     `name:"tls" help:"With --jwks or --jwks-url: it comes by the certificates in that set (x5c, x5t#S256), and does not sign."`
	Bind      bool     `help:"Its tokens are bound to the certificate it asks with, however else it proves who it is."`
	Redirect  []string `help:"Where an app is answered, exactly as it will name it; repeat for several." placeholder:"URI" sep:"none"`
	LaunchURL string   `name:"launch-url" help:"Where an app is started from a chart." placeholder:"URL"`
	Origin    []string `help:"Origin of an app's pages, which then may call the API from browsers; repeat for several." placeholder:"https://app.example.org" sep:"none"`
	Inspect   bool     `help:"It may be told about the tokens of all programs: for resource servers."`
	Names     bool     `name:"names-in-urls" help:"It may search with names, numbers and birth dates in addresses (GET), which histories and logs on the way keep: for programs that cannot send POST …/_search."`
	JSON      bool     `help:"Print the result as JSON."`
}

func (clientAddCmd) Help() string {
	return `Examples:
  wardkeep client add --dir hospital --name 'lab feed' --scope 'system/Observation.cru system/Patient.rs' --secret
  wardkeep client add --dir hospital --name 'research export' --scope 'system/*.rs' --jwks keys.json
  wardkeep client add --dir hospital --name 'night batch' --scope 'system/*.rs' --tls-subject-dn 'CN=batch,O=Example,C=US'
  wardkeep client add --dir hospital --name 'imaging' --scope 'system/*.rs' --tls-cert imaging.pem
  wardkeep client add --dir hospital --name 'growth chart' --public --redirect https://growth.example.org/back \
    --origin https://growth.example.org --launch-url https://growth.example.org/launch \
    --scope 'launch launch/patient openid fhirUser offline_access patient/*.rs'`
}

func (c *clientAddCmd) Run(ctx context.Context, t Terminal) error {
	in := newClient{
		Name: c.Name, Scope: c.Scope, JWKSURL: c.JWKSURL, LaunchURL: c.LaunchURL, RedirectURIs: c.Redirect, Pages: c.Origin, Inspects: c.Inspect, Bound: c.Bind,
		NamesInURLs: c.Names,
	}
	if c.TLS && c.JWKS == "" && c.JWKSURL == "" {
		return fault.New(fault.Invalid, "app.clientAdd", "--tls goes with --jwks or --jwks-url")
	}
	known, err := c.credentials()
	if err != nil {
		return err
	}
	switch {
	case known.Auth != "":
		in.Auth, in.Certificate, in.JWKS = known.Auth, known.Certificate, known.JWKS
	case c.Public:
		in.Auth = identity.AuthNone
	case c.JWKS != "":
		text, err := os.ReadFile(c.JWKS)
		if err != nil || !json.Valid(text) {
			return fault.New(fault.Invalid, "app.clientAdd", "the file of keys cannot be read, or is not JSON")
		}
		in.Auth, in.JWKS = identity.AuthKey, text
	case c.JWKSURL != "":
		in.Auth = identity.AuthKey
	}
	if c.TLS {
		in.Auth = identity.AuthSelfSigned
	}
	var out addedClient
	if err := c.atDesk(ctx, "client-add", in, &out); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.Out).Encode(out)
	}
	fmt.Fprintf(t.Out, "client_id      %s\n", out.ID)
	if out.Secret != "" {
		fmt.Fprintf(t.Out, "client_secret  %s\n", out.Secret)
	}
	fmt.Fprintf(t.Out, "token_url      %s\nfhir_url       %s\n", out.TokenURL, out.FHIRURL)
	if out.Secret != "" {
		fmt.Fprint(t.Out, "\nThe secret is shown this once and stored nowhere.\n")
	}
	return nil
}

type clientListCmd struct {
	place
	JSON bool `help:"Print the result as JSON."`
}

func (c *clientListCmd) Run(ctx context.Context, t Terminal) error {
	var out []listedClient
	if err := c.atDesk(ctx, "client-list", struct{}{}, &out); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.Out).Encode(out)
	}
	tw := tabwriter.NewWriter(t.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "client_id\tname\tstatus\tscope\tauthenticates by\tin addresses")
	for _, one := range out {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, one.Name, one.Status, one.Scope, one.known(), one.inURLs())
	}
	return tw.Flush()
}

type clientDisableCmd struct {
	place
	ID     string `arg:"" help:"Its client_id."`
	Reason string `help:"Why; it is kept in the audit log." required:""`
}

func (c *clientDisableCmd) Run(ctx context.Context, t Terminal) error {
	if err := c.atDesk(ctx, "client-end", clientChange{c.ID, c.Reason}, nil); err != nil {
		return err
	}
	fmt.Fprintln(t.Out, "The program is disabled; its tokens have ended.")
	return nil
}
