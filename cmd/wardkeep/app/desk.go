package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os/user"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// desk is where commands do their work: at a house they opened themselves, or,
// while a server holds the data folder, at that server's through its socket.
type desk interface {
	// call runs an operation (operations.go) with JSON in and out.
	call(ctx context.Context, name string, in, out any) error
	// Apply files one unit of an import.
	bulk.Target
	// addPackage stores the definitions of a FHIR package (.tgz).
	addPackage(ctx context.Context, body []byte) (addedPackage, error)
	// export writes all records of a type as NDJSON and returns how many.
	export(ctx context.Context, typ string, s chart.Snapshot, w io.Writer) (int, error)
	io.Closer
}

// openDesk returns the desk of the data folder of cfg.
func openDesk(ctx context.Context, cfg config.Config, log *slog.Logger) (desk, error) {
	if d := dialDesk(cfg.Dir); d != nil {
		return d, nil
	}
	house, err := OpenHouse(ctx, cfg, log, Options{})
	if err != nil {
		return nil, err
	}
	return &ownDesk{house: house, who: processUser()}, nil
}

// ownDesk works on a house in this process.
type ownDesk struct {
	house *House
	who   string // user of the operating system, for the audit trail
}

func (d *ownDesk) call(ctx context.Context, name string, in, out any) error {
	request, err := json.Marshal(in)
	if err != nil {
		return err
	}
	result, err := d.house.operate(ctx, d.who, name, request)
	if err != nil || out == nil {
		return err
	}
	answer, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (d *ownDesk) Apply(ctx context.Context, u bulk.Unit) (bulk.Report, error) {
	return d.house.file(ctx, d.who, u)
}

func (d *ownDesk) addPackage(ctx context.Context, body []byte) (addedPackage, error) {
	return d.house.addPackage(ctx, d.who, body)
}

func (d *ownDesk) export(ctx context.Context, typ string, s chart.Snapshot, w io.Writer) (int, error) {
	return d.house.export(ctx, d.who, typ, s, w)
}

func (d *ownDesk) Close() error { return d.house.Close(context.Background()) }

// operator is the actor behind a command: the user of the operating system who
// typed it. Whoever can read the data folder owns the machine.
func operator(who, role string) identity.Actor {
	return identity.System("os:"+who, role)
}

func processUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func userName(uid uint32) string {
	if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		return u.Username
	}
	return "uid " + strconv.FormatUint(uint64(uid), 10)
}

// wireFault is a fault on its way through the socket.
type wireFault struct {
	Kind   fault.Kind `json:"kind"`
	Public string     `json:"public"`
	Later  bool       `json:"later,omitempty"`
}
