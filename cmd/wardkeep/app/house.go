// Package app wires the house together and offers it as commands. It is a value,
// not a main function, so that end-to-end tests run the same thing users do.
package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/collector"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
	"github.com/wardkeep/wardkeep/internal/job"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/notify"
	"github.com/wardkeep/wardkeep/internal/outbound"
	"github.com/wardkeep/wardkeep/internal/reindex"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Files of a data folder.
const (
	storeDir    = "store"
	blobsDir    = "blobs"
	rootKeyFile = "root.key"
	fileKeyFile = "store.key"
	demoFile    = "demo.json"
	socketFile  = "admin.sock"
)

// House is everything that stands on one data folder. It is sealed until Open
// returns: keys unwrapped, self-tests passed, and an audit entry written.
type House struct {
	Config   config.Config
	Clock    clock.Clock
	Slog     *slog.Logger
	Keyring  kms.Keyring
	Store    *pebble.Store
	Book     *emergency.Book
	Sealer   *seal.Sealer
	Log      *audit.Log
	Vault    *vault.Vault
	Spool    *vault.Spool // of emergencies while Log cannot be written
	Policy   *authz.Policy
	Identity *identity.Service
	Chart    *chart.Chart
	Jobs     *job.Engine
	Indexing *reindex.Manager
	Notifier *notify.Manager
	Keys     *rekey.Manager
	Outbound *outbound.Client                 // of notifications
	Sources  *outbound.Client                 // of imports
	Sender   atomic.Pointer[collector.Sender] // to log_out, while a server runs

	safe   *seal.Safe // of keys and secrets that lie beside the store
	onDisk bool       // the store's files lie in the data folder, not in a test's memory

	keeping sync.Mutex
	kept    *web.Keeper // of the server's certificate, once it is asked for
}

// Options change how a house is opened; the zero value is what a server does.
type Options struct {
	Clock     clock.Clock
	FS        vfs.FS // below the encrypting layer; nil: the operating system's
	TokenBits int    // tests narrow the tokens
	TokenLife time.Duration
	Successor *audit.Decision
	MoveTo    string // where the root key moves from where the settings say it is
	Renewing  bool   // the folder is not whole yet: wardkeep keys renew makes it
}

// OpenHouse opens the data folder cfg.Dir, creating it if it is not there.
func OpenHouse(ctx context.Context, cfg config.Config, log *slog.Logger, opt Options) (_ *House, err error) {
	h := &House{Config: cfg, Slog: log, Clock: opt.Clock}
	if h.Clock == nil {
		h.Clock = clock.System{}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close(context.WithoutCancel(ctx)))
		}
	}()
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	if err := checkFolder(cfg.Dir); err != nil {
		return nil, err
	}
	if exists(filepath.Join(cfg.Dir, renewingFile)) != opt.Renewing {
		return nil, fmt.Errorf("%s is not whole: wardkeep keys renew was cut short. Say it again, as before; until then the folder that it reads is in force", cfg.Dir)
	}
	if err := h.openStore(ctx, opt); err != nil {
		return nil, err
	}
	if err := h.openKeys(ctx, opt); err != nil {
		return nil, err
	}
	if err := h.openRecords(ctx, opt); err != nil {
		return h, err
	}
	return h, h.sealKeys(ctx)
}

// checkFolder refuses a data folder in which everybody may put a file of his own
// in the place of a key, a certificate or the admin socket.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the data folder cannot be looked at: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("everybody on this machine may write to %s; close it first: chmod 700 %s", dir, dir)
	}
	return nil
}

func (h *House) openRoot(ctx context.Context, opt Options) (kms.Keyring, error) {
	if opt.MoveTo != "" {
		return openMove(ctx, h.Config.Dir, h.Config.KMS, opt.MoveTo)
	}
	return openKeyring(ctx, h.Config.Dir, h.Config.KMS)
}

func (h *House) openStore(ctx context.Context, opt Options) error {
	keyring, err := h.openRoot(ctx, opt)
	if err != nil {
		return fmt.Errorf("the keys cannot be used: %w", err)
	}
	h.Keyring = keyring
	key, err := seal.LoadOrCreateFileKey(ctx, keyring, filepath.Join(h.Config.Dir, fileKeyFile))
	if err != nil {
		return fmt.Errorf("the keys cannot be used: %w", explain(h.Config.Dir, keyring.ID(), err))
	}
	defer clear(key[:])
	h.safe = seal.NewSafe(key)
	base := opt.FS
	if base == nil {
		base = vfs.Default
	}
	disk, err := file.New(base, key[:])
	if err != nil {
		return fmt.Errorf("the keys cannot be used: %w", err)
	}
	// Opening writes files: a process that dies while it does must not leave them
	// beside an inventory that does not know them.
	putBack, err := openInventory(h.Config.Dir)
	if err != nil {
		return fmt.Errorf("the store cannot be opened: %w", err)
	}
	h.Store, err = pebble.Open(pebble.Config{
		Dir: filepath.Join(h.Config.Dir, storeDir), FS: disk, Clock: h.Clock,
		Logger: h.Slog, CacheSize: int64(h.Config.CacheMB) << 20,
	})
	if err != nil {
		err = errors.Join(err, putBack())
	}
	if errors.Is(err, pebble.ErrInUse) {
		return fmt.Errorf("%s is in use: a server is running there. Stop it, or use the command while it runs", h.Config.Dir)
	}
	if err != nil {
		return fmt.Errorf("the store cannot be opened: %w", err)
	}
	h.onDisk = opt.FS == nil
	return nil
}

func (h *House) openKeys(ctx context.Context, opt Options) error {
	if err := h.checkTenant(ctx); err != nil {
		return err
	}
	cfg := seal.Config{
		Tenant: h.Config.Tenant, Keyring: h.Keyring, Cells: h.Store,
		Clock: h.Clock, TokenBits: opt.TokenBits,
	}
	fresh, err := seal.Init(ctx, cfg)
	if err != nil {
		return fmt.Errorf("the keys cannot be used: %w", err)
	}
	fresh.Time = h.Clock.Now()
	fresh.Guards = append(fresh.Guards, untouched())
	fresh.Cells = append(fresh.Cells, vault.FormatCell())
	receipt, err := h.Store.Commit(ctx, fresh)
	if err == nil {
		err = receipt.Wait()
	}
	if err != nil && !errors.Is(err, store.ErrGuard) { // a guard that fails says: the keys are there
		return fmt.Errorf("the keys cannot be stored: %w", err)
	}
	if err := vault.CheckFormat(ctx, h.Store); err != nil {
		return fmt.Errorf("the store cannot be used: %w", err)
	}
	if h.Sealer, err = seal.Open(ctx, cfg); err != nil {
		return fmt.Errorf("the keys cannot be used: %w", explain(h.Config.Dir, h.Keyring.ID(), err))
	}
	return nil
}

func (h *House) openRecords(ctx context.Context, opt Options) error {
	var err error
	if h.Policy, err = policyOf(h.Config, h.Clock); err != nil {
		return err
	}
	h.Log, err = audit.Open(ctx, audit.Config{
		Store: h.Store, Sealer: h.Sealer, Keyring: h.Keyring, Clock: h.Clock,
		Tenant: h.Config.Tenant, Server: "wardkeep", About: "policies " + h.Policy.Version(), CheckpointOut: h.Config.CheckpointOut,
		DeclareSuccessor: opt.Successor, Logger: h.Slog,
	})
	if err != nil {
		return fmt.Errorf("the audit log cannot be used: %w", err)
	}
	h.Vault = vault.New(vault.Config{Store: h.Store, Sealer: h.Sealer, Log: h.Log, Clock: h.Clock})
	kept, err := h.openSpool(ctx)
	if err != nil {
		return err
	}
	authorities, err := authoritiesOf(h.Config)
	if err != nil {
		return err
	}
	h.Identity, err = identity.New(identity.Config{
		MutualTLS: h.Config.MTLSListen != "", Authorities: authorities,
		Records: records{h.Vault}, Audit: events{h.Log}, Gate: h.Policy, Clock: h.Clock, Outage: outages{h.Spool},
		RelyingParty: relyingParty(h.Config), Origin: h.Config.Base(), Providers: federation.Names(h.Config.Federation),
		TokenLife: opt.TokenLife, LeastPassword: h.Config.PasswordLength, LeastRSA: h.Config.LeastRSA,
		IdleLock: h.Config.IdleLock, SessionLife: h.Config.SessionLife, StepUpLife: h.Config.StepUpLife,
		KeySets:   h.keySets(),
		Narrowing: func(ctx context.Context, typ, query string) error { return h.Chart.CheckScope(ctx, typ, query) },
	})
	if err != nil {
		return err
	}
	for _, k := range kept {
		if err := h.Identity.EndKept(ctx, identityEvent(k.Event)); err != nil {
			return err
		}
	}
	h.Indexing, err = reindex.Open(ctx, reindex.Config{Vault: h.Vault, Compile: reindex.FHIRPath, Clock: h.Clock, Slog: h.Slog})
	if err != nil {
		return fmt.Errorf("the search parameters cannot be used: %w", err)
	}
	hosts := outbound.Policy{Hosts: strings.Fields(h.Config.OutboundHosts), Private: h.Config.OutboundPrivate}
	h.Outbound = outbound.New(hosts)
	hosts.Bytes, hosts.Timeout = bulk.SourceBytes, bulk.SourceTime
	h.Sources = outbound.New(hosts)
	h.Notifier = notify.New(notify.Config{
		Act: h.Identity.Act, Catalog: h.Vault.Catalog, Client: h.Outbound, Allow: h.Outbound.Allow,
		Base: h.Config.Base() + "/fhir", Clock: h.Clock, Slog: h.Slog,
	})
	h.Book = emergency.New(emergency.Config{Docs: h.Vault, Log: h.Log, Gate: h.Policy, Clock: h.Clock, Slog: h.Slog, Seen: h.seenByEmergency, Spool: h.Spool})
	minors, err := minorsOf(h.Config, h.Policy)
	if err != nil {
		return err
	}
	scan, err := scanOf(h.Config)
	usual, wrong := h.Config.ChartsOfRoles()
	if err := errors.Join(err, wrong); err != nil {
		return err
	}
	h.Chart = chart.New(chart.Config{
		Vault: h.Vault, Log: h.Log, Policy: h.Policy, Clock: h.Clock, Slog: h.Slog, Glass: h.Book, Spool: h.Spool,
		Base: h.Config.Base() + "/fhir", Validation: validationOf(h.Config), Minors: minors, UsualCharts: usual, Scan: scan,
		Changed: h.changed, Vet: h.Notifier.Vet,
	})
	return h.openJobs(ctx) // whose files rest on the rights that the chart tells
}

// minorsOf refuses a category that the table of policies does not know.
func minorsOf(cfg config.Config, policy *authz.Policy) (chart.Minors, error) {
	zone, err := time.LoadLocation(cfg.Zone)
	if err != nil {
		return chart.Minors{}, errors.New("zone must be an IANA time zone, such as Europe/Berlin")
	}
	minors := chart.Minors{AdultAge: cfg.Minors.AdultAge, Zone: zone}
	for _, one := range cfg.Minors.Confidential {
		if policy.Category(one.Category) == nil {
			return minors, fmt.Errorf("minors.confidential has a category that is not known; known are: %s", strings.Join(policy.Categories(), ", "))
		}
		minors.Confidential = append(minors.Confidential, chart.Confidential(one))
	}
	return minors, nil
}

// authoritiesOf reads whose certificates of programs are believed, nil for nobody's.
func authoritiesOf(cfg config.Config) (*x509.CertPool, error) {
	if cfg.MTLSCA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(cfg.MTLSCA)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("mtls_ca must be a file of certificates in PEM that can be read")
	}
	return pool, nil
}

// relyingParty is the name that passkeys are bound to, "" where the address is
// none (WebAuthn §5.1.3 wants a domain).
func relyingParty(cfg config.Config) string {
	u, err := url.Parse(cfg.Base())
	if err != nil || net.ParseIP(u.Hostname()) != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// openJobs reads the jobs that there are; their files are sealed objects.
func (h *House) openJobs(ctx context.Context) error {
	folder, err := blob.OpenFolder(filepath.Join(h.Config.Dir, blobsDir), h.Clock)
	if err != nil {
		return fmt.Errorf("the folder of sealed files cannot be used: %w", err)
	}
	blobs, err := blob.New(blob.Config{Bucket: folder, Sealer: h.Sealer})
	if err != nil {
		return fmt.Errorf("the folder of sealed files cannot be used: %w", err)
	}
	h.Jobs, err = job.Open(ctx, job.Config{Cells: h.Vault, Blobs: blobs, Clock: h.Clock, Slog: h.Slog, Act: h.Identity.Act, Rights: h.Chart.Rights})
	if err != nil {
		return fmt.Errorf("the jobs cannot be read: %w", err)
	}
	h.Keys = h.newKeys()
	return nil
}

// changed wakes what works in the background on what was written.
func (h *House) changed(types ...string) {
	h.Indexing.Changed(types...)
	h.Notifier.Changed(types...)
}

// validationOf reads the policy for writes from settings that were checked.
func validationOf(cfg config.Config) chart.Validation {
	modes := map[string]chart.ValidationMode{"warn": chart.ValidateWarn, "entered": chart.ValidateEntered, "enforce": chart.ValidateEnforce}
	return chart.Validation{Mode: modes[cfg.Validation], RefuseUnknown: cfg.UnknownProfiles == "refuse"}
}

// isDemo reports whether the folder was made by the demo.
func isDemo(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, demoFile))
	return err == nil
}
