package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// Terminal is where a command reads and writes.
type Terminal struct {
	Args     []string
	In       io.Reader
	Out, Err io.Writer
	Version  string
}

// Exit codes of every command.
const (
	exitOK    = 0
	exitFail  = 1 // it did not work
	exitUsage = 2 // it was asked wrongly
)

// errSilent ends a command with exit 1 when everything has been said.
var errSilent = errors.New("")

type cli struct {
	Demo    demoCmd    `cmd:"" help:"Run a synthetic hospital on this machine."`
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Init    initCmd    `cmd:"" help:"Make a data folder: keys, local CA, first administrator."`
	User    userCmd    `cmd:"" help:"Add and disable people, reset their second factor."`
	Client  clientCmd  `cmd:"" help:"Add programs that use the API."`
	Import  importCmd  `cmd:"" help:"Import FHIR bundles and NDJSON."`
	Export  exportCmd  `cmd:"" help:"Export all records as NDJSON, a file a type."`
	Package packageCmd `cmd:"" help:"Load FHIR packages: profiles, value sets, search parameters."`
	Audit   auditCmd   `cmd:"" help:"Verify the audit log, prove entries, export it."`
	Policy  policyCmd  `cmd:"" help:"Say which rules decide what somebody may do."`
	Doctor  doctorCmd  `cmd:"" help:"Look at settings, data folder and server, and say what to mend; print TLS pins."`
	Keys    keysCmd    `cmd:"" help:"Tell what keys there are, and replace them."`
	Secrets secretsCmd `cmd:"" help:"Seal secrets that settings name, in the data folder."`
	TLS     tlsCmd     `cmd:"" name:"tls" help:"Change to the next TLS key, or ask an authority for a certificate of it."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// Main runs one command and returns its exit code.
func Main(ctx context.Context, term Terminal) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("wardkeep"),
		kong.Description("Health records on storage that is not trusted."),
		kong.Vars{"demo_dir": demoDir},
		kong.Writers(term.Out, term.Err),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(term.Err, "wardkeep:", err)
		return exitFail
	}
	k, err := parser.Parse(askedFor(term.Args))
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(term.Err, "wardkeep: %v\n%s --help lists what there is.\n", err, understood(err))
		return exitUsage
	}
	k.BindTo(ctx, (*context.Context)(nil))
	return exitCode(k.Run(term), term.Err)
}

// askedFor reads no arguments, and help before them, as --help.
func askedFor(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// understood is as much of what was typed as was understood: its help is the one to read.
func understood(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if node := wrong.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "wardkeep"
}

// exitCode says what went wrong, unless the command has, and returns the code.
func exitCode(err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFail
	}
	fmt.Fprintln(w, "wardkeep:", errorText(err))
	if fault.Is(err, fault.Invalid) {
		return exitUsage
	}
	return exitFail
}

// errorText is what a person at a terminal reads: the public text of a fault,
// the whole text of our own errors.
func errorText(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Public != "" {
		return f.Public
	}
	if errors.Is(err, context.Canceled) {
		return "stopped before it was done"
	}
	return err.Error()
}

// place is where the data lies; every command that touches data takes it.
type place struct {
	Dir    string `help:"Data folder." placeholder:"DIR" env:"WARDKEEP_DIR"`
	Config string `help:"Settings file (YAML)." placeholder:"FILE" type:"path"`
	Tenant string `help:"Organisation, where the settings have several." placeholder:"NAME"`
}

// load reads the settings of one organisation.
func (p place) load() (config.Config, error) {
	cfg, err := p.settings()
	if err == nil && len(cfg.Tenants) > 0 {
		return p.oneOf(cfg)
	}
	return cfg, err
}

// settings are those of the whole server.
func (p place) settings() (config.Config, error) {
	cfg, err := config.Load(p.Config, config.Environ())
	if err == nil && len(cfg.Tenants) == 0 {
		err = p.overlay(&cfg)
	}
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return cfg, fault.New(fault.Invalid, "config", err.Error())
	}
	return cfg, nil
}

// existing loads the settings and insists that the data folder is there: a
// misspelt --dir must not make a new, empty hospital.
func (p place) existing() (config.Config, error) {
	cfg, err := p.load()
	if err != nil {
		return cfg, err
	}
	return cfg, thereIs(cfg)
}

func thereIs(cfg config.Config) error {
	if _, err := os.Stat(cfg.Dir); err != nil {
		return fault.New(fault.Invalid, "config",
			"there is no data folder "+cfg.Dir+"; name it by --dir or --config, or make one by wardkeep init")
	}
	if !isHouse(cfg.Dir) {
		return fault.New(fault.Invalid, "config",
			cfg.Dir+" is not a data folder of Wardkeep; name one by --dir or --config, or make one by wardkeep init")
	}
	return nil
}

// isHouse reports whether dir holds what a data folder holds: without the keys it
// is one that misses them, and OpenHouse says so.
func isHouse(dir string) bool {
	for _, name := range []string{storeDir, fileKeyFile, rootKeyFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

func newLogger(w io.Writer, level string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, logOptions(level)))
}

func logOptions(level string) *slog.HandlerOptions {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	return &slog.HandlerOptions{Level: l, ReplaceAttr: inUTC}
}

func inUTC(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindTime {
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}

type versionCmd struct{}

func (versionCmd) Run(term Terminal) error {
	fmt.Fprintln(term.Out, "wardkeep", term.Version)
	return nil
}
