package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/web"
)

const (
	day       = 24 * time.Hour
	soon      = 14 * day // before which a certificate should have been replaced
	clockSlip = 2 * time.Minute

	littleSpace, leastSpace = 5 << 30, 1 << 30 // bytes
)

func (d *doctor) examine(ctx context.Context) {
	d.add("settings", fine, "they can be read, and agree with each other", "")
	d.addresses()
	d.scanner(ctx)
	d.folder()
	d.policies()
	d.keyFiles()
	d.trust()
	d.rootKey(ctx)
	d.keys()
	d.secrets()
	d.certificates()
	d.nextKey()
	d.authorities()
	d.time()
	d.space()
	d.checkpoint()
	d.logsElsewhere()
	d.running(ctx)
}

// addresses tells what programs may write into them.
func (d *doctor) addresses() {
	if d.cfg.SearchInURLs == config.SearchAll {
		d.add("addresses", warning, "search_in_urls is all: every program may search by GET with names in its addresses, which histories and logs of others keep", "leave it out, and let single programs by wardkeep client urls ID all")
		return
	}
	d.add("addresses", fine, "values that tell of people come by POST alone, but of programs that were let (wardkeep client list)", "")
}

// secrets finds those of settings that no vault keeps.
func (d *doctor) secrets() {
	bare := d.cfg.BareSecrets()
	if len(bare) == 0 {
		d.add("secrets", fine, "those that settings name are sealed, or credentials of this service", "")
		return
	}
	state, end := warning, ""
	if d.cfg.ServesOthers() && !d.cfg.SecretsInFiles {
		state, end = failure, "; a server for other machines would not start"
	}
	d.add("secrets", state, "they lie in files or the environment: "+strings.Join(bare, ", ")+end, "wardkeep secrets set NAME, and sealed:NAME in the setting; or secrets_in_files: true")
}

func (d *doctor) folder() {
	if err := checkFolder(d.cfg.Dir); err != nil {
		d.add("folder", failure, "everybody may put files into the data folder", "chmod 700 "+d.cfg.Dir)
		return
	}
	d.add("folder", fine, "the data folder is closed to others", "")
}

func (d *doctor) policies() {
	p, err := policyOf(d.cfg, d.clock)
	switch {
	case err != nil:
		d.add("policies", failure, err.Error(), "mend it: a server does not start with it")
	case d.cfg.Policies != "":
		d.add("policies", fine, "those of "+d.cfg.Policies+" over those of the program, together "+p.Version(), "")
	default:
		d.add("policies", fine, "those of the program, "+p.Version(), "")
	}
}

func (d *doctor) keyFiles() {
	_, key, next := keysOf(d.cfg).Files()
	paths := []string{d.topKeyFile(), filepath.Join(d.cfg.Dir, fileKeyFile), key, next}
	if d.cfg.TLSCert == "" {
		paths = append(paths, filepath.Join(d.cfg.Dir, "ca.key"))
	}
	if d.cfg.ACME.Directory != "" {
		paths = append(paths, filepath.Join(d.cfg.Dir, "acme.key"))
	}
	before := len(d.findings)
	for i, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && i > 1: // what a start makes
		case err != nil:
			d.add("key files", failure, path+" is missing or cannot be looked at", "put it back from its copy; without it nothing here can be read")
		case info.Mode().Perm()&0o077 != 0:
			d.add("key files", failure, path+" is open to others", "chmod 600 "+path)
		}
	}
	if len(d.findings) == before {
		d.add("key files", fine, "none is open to others", "")
	}
}

func (d *doctor) certificates() {
	file, key, _ := keysOf(d.cfg).Files()
	cert, err := d.certificate()
	if d.cfg.TLSCert == "" && !exists(file) {
		d.add("certificate", warning, "there is none yet", "start the server once: it makes one")
		return
	}
	if err != nil || keysOf(d.cfg).Match(cert, key) != nil {
		d.add("certificate", failure, "certificate and key cannot be read, or do not belong together", "look at "+file+" and "+key)
		return
	}
	d.validity("certificate", cert)
	for _, base := range []string{d.cfg.Base(), d.cfg.MTLSBase()} {
		u, err := url.Parse(base)
		if base == "" || err != nil {
			continue
		}
		if cert.VerifyHostname(u.Hostname()) != nil {
			d.add("host name", failure, "the certificate is not for "+u.Hostname(), "have one made for it; the server's own is made anew at the next start")
		} else {
			d.add("host name", fine, "the certificate is for "+u.Hostname(), "")
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (d *doctor) validity(check string, c *x509.Certificate) {
	left := c.NotAfter.Sub(d.clock.Now())
	days := fmt.Sprintf("good until %s, %d days", c.NotAfter.Format(time.DateOnly), left/day)
	switch {
	case d.clock.Now().Before(c.NotBefore):
		d.add(check, failure, "not good before "+c.NotBefore.Format(time.RFC3339), "look at the machine's clock, or have another one made")
	case left < 0:
		d.add(check, failure, "ended on "+c.NotAfter.Format(time.DateOnly), "replace it; the server's own is made anew at the next start")
	case left < min(soon, c.NotAfter.Sub(c.NotBefore)/4): // some live for days
		d.add(check, warning, days, "replace it")
	default:
		d.add(check, fine, days, "")
	}
}

// nextKey finds out whether apps that pin keys will go on at the next change.
func (d *doctor) nextKey() {
	_, _, file := keysOf(d.cfg).Files()
	next, err := keysOf(d.cfg).NextPin()
	cert, wrong := d.certificate()
	switch {
	case err != nil:
		d.add("next key", warning, "the next TLS key is missing or cannot be read: apps cannot pin it before it is used", "start the server once: it makes "+file)
		return
	case wrong != nil:
		return
	}
	configured := web.Pin(cert.RawSubjectPublicKeyInfo)
	switch {
	case configured == next && d.server != nil && d.server.Pin != next:
		d.add("next key", fine, "the certificate is of the next key, and is shown from the next start", "")
	case configured == next:
		d.add("next key", warning, "the next key is the one of the certificate", "start the server anew: it makes another one")
	case d.server != nil && configured != d.server.Pin:
		d.add("next key", failure, "the configured certificate is neither of the key that is shown nor of the next: apps that pinned those will not connect once it is", "have the certificate made for "+file)
	default:
		d.add("next key", fine, "made in advance; wardkeep doctor --pins prints both pins", "")
	}
}

func (d *doctor) authorities() {
	if d.cfg.MTLSCA == "" {
		return
	}
	text, err := os.ReadFile(d.cfg.MTLSCA)
	if _, wrong := authoritiesOf(d.cfg); err != nil || wrong != nil {
		d.add("mtls_ca", failure, "it cannot be read, or holds no certificate in PEM", "look at "+d.cfg.MTLSCA)
		return
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			d.validity("mtls_ca", c)
		}
	}
}

// time finds out whether the clock can be right: it is not before what was written
// already, and something keeps it.
func (d *doctor) time() {
	entries, err := os.ReadDir(d.cfg.Dir)
	if err != nil {
		d.add("clock", warning, "the data folder cannot be listed", "run the command as the server's user")
		return
	}
	limit := d.clock.Now().Add(clockSlip)
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		info, err := e.Info()
		return err == nil && info.ModTime().After(limit)
	}) {
		d.add("clock", failure, "the clock is behind files that were written already", "set it, and have it kept by NTP")
		return
	}
	if state, err := unix.Adjtimex(&unix.Timex{}); err == nil && state == unix.TIME_ERROR {
		d.add("clock", warning, "nothing keeps the clock: it is not synchronised", "have it kept by NTP; tokens, codes and the audit log rest on it")
		return
	}
	d.add("clock", fine, d.clock.Now().Format(time.RFC3339), "")
}

func (d *doctor) space() {
	var s unix.Statfs_t
	if err := unix.Statfs(d.cfg.Dir, &s); err != nil {
		d.add("free space", warning, "it cannot be told", "")
		return
	}
	free := s.Bavail * uint64(s.Bsize)
	text := fmt.Sprintf("%.1f GB", float64(free)/1e9)
	switch {
	case free < leastSpace:
		d.add("free space", failure, text, "make room: without it nothing can be written, and so nothing shown")
	case free < littleSpace:
		d.add("free space", warning, text, "make room soon")
	default:
		d.add("free space", fine, text, "")
	}
}

func (d *doctor) checkpoint() {
	const name = "checkpoint"
	if d.cfg.CheckpointOut == "" {
		d.add(name, warning, "checkpoint_out is not set: a store put back to yesterday would not be noticed", "set it to a file on another machine's disk")
		return
	}
	out, err := os.Stat(d.cfg.CheckpointOut)
	home, wrong := os.Stat(d.cfg.Dir)
	switch {
	case err != nil || wrong != nil:
		d.add(name, failure, "the file of checkpoint_out is missing or cannot be read", "look at "+d.cfg.CheckpointOut)
	case device(out) == device(home):
		d.add(name, warning, "the checkpoints lie on the disk of the data: who puts that back puts them back, too", "set checkpoint_out to a file on another machine's disk")
	default:
		d.add(name, fine, "written on "+out.ModTime().UTC().Format(time.RFC3339), "")
	}
}

func device(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Dev
	}
	return 0
}

func (d *doctor) running(ctx context.Context) {
	switch {
	case d.unreached != nil:
		d.add("server", failure, "a server runs here, and does not answer: "+errorText(d.unreached), "run the command as the server's user, and of the same release")
		return
	case d.server == nil:
		d.add("server", warning, "none runs on this data folder", "wardkeep serve")
		return
	}
	d.add("server", fine, "it answers at "+socketFile, "")
	pin, err := d.ready(ctx)
	switch {
	case err != nil:
		d.add("https", failure, d.cfg.Base()+" is not ready, or not believed: "+err.Error(), "look at the server's log, and at base_url, listen and the certificate")
	case pin != d.server.Pin:
		d.add("https", failure, "at "+d.cfg.Listen+" another certificate is shown than the server has", "is something between, or another server there?")
	default:
		d.add("https", fine, d.cfg.Base()+" is ready", "")
	}
}

// ready asks the server as a client does, at the address that it listens on, and
// returns the pin of what it was shown.
func (d *doctor) ready(ctx context.Context) (pin string, err error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, file := range []string{filepath.Join(d.cfg.Dir, "ca.pem"), d.cfg.ACME.CA} {
		if ca, err := os.ReadFile(file); err == nil {
			roots.AppendCertsFromPEM(ca)
		}
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, reachable(d.cfg.Listen))
		},
	}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.cfg.Base()+"/readyz", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answers %d", resp.StatusCode)
	}
	return web.Pin(resp.TLS.PeerCertificates[0].RawSubjectPublicKeyInfo), nil
}

// reachable is where this machine reaches a listener.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
