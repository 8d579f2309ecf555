package app

import (
	"context"
	"net/url"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/web"
)

// acmeOf says who signs the server's certificate, nil if nobody is to.
func acmeOf(cfg config.Config) *web.ACME {
	u, err := url.Parse(cfg.BaseURL)
	if cfg.ACME.Directory == "" || err != nil {
		return nil
	}
	return &web.ACME{
		Directory: cfg.ACME.Directory, Contact: cfg.ACME.Contact, Names: []string{u.Hostname()}, CAFile: cfg.ACME.CA,
		KID: cfg.ACME.KID, Dir: cfg.Dir,
	}
}

// How often the certificate is looked at, and tried for after a failure: authorities
// take five failures of a name in an hour.
const (
	certificateEvery = time.Hour
	firstRetry       = 15 * time.Minute
	longestRetry     = 6 * time.Hour
)

// keepCertificate renews the certificate when it is time.
func (h *House) keepCertificate(ctx context.Context, keeper *web.Keeper) {
	retry := firstRetry
	for {
		wait := certificateEvery
		if err := keeper.Renew(ctx, h.Clock.Now()); err == nil {
			retry = firstRetry
		} else if ctx.Err() == nil {
			wait = retry
			if after, ok := acme.RateLimit(err); ok {
				wait = max(wait, after)
			}
			h.Slog.ErrorContext(ctx, "the certificate could not be renewed", "error", err, "again_in", wait.String())
			retry = min(2*retry, longestRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// trust finds out whether those who are served have a reason to believe the certificate.
func (d *doctor) trust() {
	const name = "trust"
	keys := keysOf(d.cfg)
	switch issued := keys.Signed(d.clock.Now()); {
	case d.cfg.ServesOthers() && d.cfg.CheckTrust() != nil:
		d.add(name, failure, "other machines are to be served with a certificate that nobody has signed; a server would not start", "give tls_cert and tls_key, or acme; or tls_local: true on an inner network whose machines trust ca.pem")
	case d.cfg.TLSCert != "":
		d.add(name, fine, "the certificate is yours, from files", "")
	case keys.ACME != nil && issued:
		d.add(name, fine, "the certificate is signed by the authority of acme", "")
	case keys.ACME != nil && d.server != nil:
		d.add(name, failure, "the authority of acme has signed no certificate that is good: browsers do not believe the one that is shown", "look at the server's log; the authority must reach port 443 of "+keys.ACME.Names[0]+" by TLS, and find this server there")
	case keys.ACME != nil:
		d.add(name, warning, "the authority of acme has signed no certificate yet", "start the server: it asks for one")
	case d.cfg.ACME.TLSLocal:
		d.add(name, warning, "tls_local: whoever comes must trust this server's ca.pem", "for people's own devices and other houses give tls_cert, or acme")
	default:
		d.add(name, fine, "this machine alone is served, with a certificate of the server's own", "")
	}
}
