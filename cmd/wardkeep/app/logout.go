package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/wardkeep/wardkeep/internal/collector"
	"github.com/wardkeep/wardkeep/internal/config"
)

// serverLog returns the log of a server, and its lines that wait for the collector, nil
// if there is none.
func serverLog(w io.Writer, cfg config.Config) (*slog.Logger, *collector.Lines) {
	return withLines(newLogger(w, cfg.Log), cfg)
}

// withLines has what is logged wait for the collector, too, if there is one.
func withLines(log *slog.Logger, cfg config.Config) (*slog.Logger, *collector.Lines) {
	if cfg.LogOut.To == "" {
		return log, nil
	}
	lines := collector.NewLines()
	return slog.New(slog.NewMultiHandler(log.Handler(), lines.Handler(logOptions(cfg.Log)))), lines
}

// sendLogs begins to send what is logged, if it is to be sent. What it returns ends
// that, once requests have ended and before the store closes.
func (h *House) sendLogs(ctx context.Context, lines *collector.Lines) (end func(), err error) {
	if h.Config.LogOut.To == "" {
		return func() {}, nil
	}
	trust, err := h.Config.LogOut.TLS(h.secret)
	if err != nil {
		return nil, err
	}
	if lines == nil {
		lines = collector.NewLines()
	}
	h.Sender.Store(collector.New(collector.Config{
		Address: h.Config.LogOut.To, TLS: trust, Log: h.Log, Lines: lines, Clock: h.Clock, Slog: h.Slog,
	}))
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Sender.Load().Run(ctx)
	}()
	return func() { cancel(); <-done }, nil
}

// logState is how the audit log stands, and how far it is elsewhere.
type logState struct {
	Entries    uint64           `json:"entries"` // in the tree
	Pending    uint64           `json:"pending"` // not yet there
	Signed     uint64           `json:"signed"`
	Origin     string           `json:"origin"`
	Failed     bool             `json:"failed"`
	Checkpoint string           `json:"checkpoint_problem,omitempty"`
	Broken     int              `json:"broken_chains"`
	Collector  *collector.State `json:"collector,omitempty"`
}

func tellLog(_ context.Context, h *House, _ string, _ struct{}) (logState, error) {
	st := h.Log.Status()
	out := logState{
		Entries: h.Log.Size(), Pending: st.Pending, Signed: st.Signed, Origin: st.Origin, Failed: st.Failure != nil, Broken: len(st.Broken), Collector: h.collectorState(),
	}
	if st.Publish != nil {
		out.Checkpoint = errorText(st.Publish)
	}
	return out, nil
}

func (h *House) collectorState() *collector.State {
	sender := h.Sender.Load()
	if sender == nil {
		return nil
	}
	state := sender.State()
	return &state
}

type auditStatusCmd struct {
	place
	JSON bool `help:"Print the result as JSON."`
}

func (auditStatusCmd) Help() string {
	return `Asks the running server how many entries the log has, whether they are signed, and how many of them the
collector (log_out) has. Exit 1 if the log has failed or the collector is away.

Example:
  wardkeep audit status --dir hospital`
}

func (c *auditStatusCmd) Run(ctx context.Context, t Terminal) error {
	cfg, err := c.existing()
	if err != nil {
		return err
	}
	desk := dialDesk(cfg.Dir)
	if desk == nil {
		return errors.New("no server runs on this data folder; wardkeep audit verify looks at its files")
	}
	defer desk.Close()
	var st logState
	if err := desk.call(ctx, "audit-status", struct{}{}, &st); err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(t.Out).Encode(st)
	} else {
		_, err = io.WriteString(t.Out, st.String())
	}
	if err == nil && (st.Failed || st.Collector != nil && !st.Collector.Connected) {
		return errSilent
	}
	return err
}

func (s logState) String() string {
	text := fmt.Sprintf("log        %s: %d entries, %d more to be taken in, %d signed\n", s.Origin, s.Entries, s.Pending, s.Signed)
	if s.Failed {
		text += "           it has failed; nothing is shown or changed. Look at the server's log\n"
	}
	if s.Checkpoint != "" {
		text += "           checkpoints cannot be published: " + s.Checkpoint + "\n"
	}
	c := s.Collector
	if c == nil {
		return text + "collector  none: set log_out to have entries and lines sent elsewhere\n"
	}
	state := "connected since "
	if !c.Connected {
		state = "away since "
	}
	text += fmt.Sprintf("collector  %s: %s%s\n", c.Address, state, c.Since.Format(time.RFC3339))
	text += fmt.Sprintf("           %d entries behind, %d arrived; %d lines wait, %d were lost\n", c.Behind(), c.Arrived, c.Waiting, c.Lost)
	if c.Problem != "" {
		text += "           " + c.Problem + "\n"
	}
	return text
}

// logsElsewhere finds out whether what is logged is also where nobody who breaks in here
// can change it.
func (d *doctor) logsElsewhere() {
	const name = "log_out"
	if d.cfg.LogOut.To == "" {
		d.add(name, warning, "log_out is not set: who breaks into this machine can take away what was logged here", "set it to a collector on another machine, or collect standard error and audit exports there")
		return
	}
	if _, err := d.cfg.LogOut.TLS(nil); err != nil {
		d.add(name, failure, err.Error(), "look at "+d.cfg.LogOut.CA+", and at log_out_cert and log_out_key if they are set")
		return
	}
	if d.server == nil || d.server.Collector == nil {
		d.add(name, warning, "no server runs that sends to "+d.cfg.LogOut.To, "start the server anew")
		return
	}
	switch c := d.server.Collector; {
	case !c.Connected:
		d.add(name, failure, fmt.Sprintf("%s is away since %s, %d entries wait: %s", c.Address, c.Since.Format(time.RFC3339), c.Behind(), c.Problem), "look at the collector, and at log_out_ca and log_out_name; nothing is lost meanwhile but lines that are too many")
	case c.Lost > 0:
		d.add(name, warning, fmt.Sprintf("%s has all entries but %d; %d lines were lost while it was away", c.Address, c.Behind(), c.Lost), "those lines are on standard error")
	default:
		d.add(name, fine, fmt.Sprintf("%s has all entries but %d", c.Address, c.Behind()), "")
	}
}
