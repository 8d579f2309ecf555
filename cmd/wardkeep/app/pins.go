package app

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

type tlsCmd struct {
	Rotate  tlsRotateCmd  `cmd:"" help:"Show a certificate of the next key from now on, and make another key next."`
	Request tlsRequestCmd `cmd:"" help:"Print a request (CSR) for a certificate of the next key, for an authority of yours."`
}

type tlsRequestCmd struct {
	place
}

func (tlsRequestCmd) Help() string {
	return `Have the request signed, put the next key and the certificate where tls_key and tls_cert say, and start the server anew.
The key stays sealed on its way.

Example:
  wardkeep tls request --dir hospital > next.csr`
}

func (c *tlsRequestCmd) Run(ctx context.Context, t Terminal) error {
	var request string
	if err := c.atDesk(ctx, "tls-request", struct{}{}, &request); err != nil {
		return err
	}
	_, err := io.WriteString(t.Out, request)
	return err
}

func requestTLS(_ context.Context, h *House, _ string, _ struct{}) (string, error) {
	text, err := h.keys().Request(hostOf(h.Config.Base()))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "app.requestTLS", err)
	}
	return string(text), nil
}

type tlsRotateCmd struct {
	place
}

func (tlsRotateCmd) Help() string {
	return `Of the server's own certificate, while it runs or not. Apps that pinned both keys go on; give them the new pair
(wardkeep doctor --pins) before the next time. A certificate from files (tls_cert) is changed there: docs/tls.md says how.

Example:
  wardkeep tls rotate --dir hospital`
}

func (c *tlsRotateCmd) Run(ctx context.Context, t Terminal) error {
	var pins web.Pins
	if err := c.atDesk(ctx, "tls-rotate", struct{}{}, &pins); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "current  %s\nnext     %s\n", pins.Current, pins.Next)
	return nil
}

func rotateTLS(ctx context.Context, h *House, who string, _ struct{}) (web.Pins, error) {
	keeper, err := h.keeper()
	if err != nil {
		return web.Pins{}, err
	}
	next, err := keysOf(h.Config).NextPin()
	if err != nil {
		return web.Pins{}, err
	}
	e := identity.Event{Time: h.Clock.Now(), Actor: "os:" + who, Action: "rotate-tls", Outcome: identity.Success, Detail: "to the key " + next}
	if err := (events{h.Log}).Append(ctx, e); err != nil {
		return web.Pins{}, err
	}
	if err := keeper.Rotate(ctx, h.Clock.Now()); err != nil {
		e.Outcome = identity.Failure
		return web.Pins{}, errors.Join(err, events{h.Log}.Append(ctx, e))
	}
	return pinsOf(h.Config, keeper.Certificate().Leaf.RawSubjectPublicKeyInfo)
}

func pinsOf(cfg config.Config, spki []byte) (web.Pins, error) {
	next, err := keysOf(cfg).NextPin()
	if err != nil {
		return web.Pins{}, fault.New(fault.Unavailable, "app.pins", "There is no next key yet, or it cannot be read. Start the server once: it makes one, which wardkeep doctor finds.")
	}
	return web.Pins{Current: web.Pin(spki), Next: next}, nil
}

// pinFormats write pins for the host as the systems of phones take them.
var pinFormats = map[string]string{
	"android": `<?xml version="1.0" encoding="utf-8"?>
<network-security-config>
  <domain-config cleartextTrafficPermitted="false">
    <domain includeSubdomains="false">%[1]s</domain>
    <pin-set>
      <pin digest="SHA-256">%[2]s</pin>
      <pin digest="SHA-256">%[3]s</pin>
    </pin-set>
  </domain-config>
</network-security-config>
`,
	"ios": `<key>NSAppTransportSecurity</key>
<dict>
  <key>NSPinnedDomains</key>
  <dict>
    <key>%[1]s</key>
    <dict>
      <key>NSIncludesSubdomains</key><false/>
      <key>NSPinnedLeafIdentities</key>
      <array>
        <dict><key>SPKI-SHA256-BASE64</key><string>%[2]s</string></dict>
        <dict><key>SPKI-SHA256-BASE64</key><string>%[3]s</string></dict>
      </array>
    </dict>
  </dict>
</dict>
`,
	"text": "pin-sha256=\"%[2]s\"  current\npin-sha256=\"%[3]s\"  next\n",
}

func writePins(t Terminal, base, format string, pins web.Pins) error {
	u, err := url.Parse(base)
	if err != nil {
		return errors.New("base_url is no address")
	}
	_, err = fmt.Fprintf(t.Out, pinFormats[format], html.EscapeString(u.Hostname()), pins.Current, pins.Next)
	return err
}
