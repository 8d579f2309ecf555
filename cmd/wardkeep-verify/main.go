// Command wardkeep-verify checks what Wardkeep's audit log promises, without
// Wardkeep: a store's files, a single proof, or a checkpoint. It never asks a
// server and writes nothing.
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
)

// Exit codes.
const (
	exitOK    = 0
	exitFail  = 1 // something is wrong, or the work could not be done
	exitUsage = 2
)

type cli struct {
	Folder     folderCmd     `cmd:"" help:"Verify the files of a store: signature, tree, chains, and every version against its entry."`
	Proof      proofCmd      `cmd:"" help:"Check a proof that an entry is in the log."`
	Checkpoint checkpointCmd `cmd:"" help:"Check a signed checkpoint, and that another one does not contradict it."`
}

const description = `Verifies Wardkeep's audit log from files alone.

Examples:
  wardkeep-verify folder hospital --keys hospital/root.key --key audit.pub --pinned /mnt/elsewhere/checkpoint
  wardkeep-verify proof proof.json --key audit.pub
  wardkeep-verify checkpoint /mnt/elsewhere/checkpoint --key audit.pub

audit.pub and the checkpoint come from wardkeep audit key --out /mnt/elsewhere.
--key takes a file or the key itself: PEM, 32 bytes in base64 or hex, or a note verifier key.
The key that signs may have been replaced: any key that leads to the one that signs now will do. What says so lies
in the folder, in proofs, and in checkpoint.handovers beside a checkpoint.
Exit codes: 0 nothing is wrong, 1 something is, 2 wrong use.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// terminal is where commands write.
type terminal struct{ out, err io.Writer }

var errFound = errors.New("something is wrong") // and has been said

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	exited := -1
	parser, err := kong.New(&cli{}, kong.Name("wardkeep-verify"), kong.Description(description),
		kong.Writers(out, errOut), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(errOut, "wardkeep-verify:", err)
		return exitFail
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "wardkeep-verify: %v\nwardkeep-verify --help lists what there is.\n", err)
		return exitUsage
	}
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(terminal{out, errOut}); err != nil {
		if !errors.Is(err, errFound) {
			fmt.Fprintln(errOut, "wardkeep-verify:", err)
		}
		if errors.As(err, new(wrongUse)) {
			return exitUsage
		}
		return exitFail
	}
	return exitOK
}

// wrongUse is what was asked wrongly: nothing has been looked at.
type wrongUse string

func (w wrongUse) Error() string { return string(w) }

// read reads a file that was named; what says what it is to be.
func read(what, name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, wrongUse("there is no file " + name + " for " + what)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", what, err)
	}
	return text, nil
}

// publicKey reads --key: the key itself, or a file that holds it.
func publicKey(arg string) (ed25519.PublicKey, error) {
	if key, err := verify.ParsePublicKey(arg); err == nil {
		return key, nil
	}
	text, err := os.ReadFile(arg)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
		return nil, wrongUse("--key is neither a key nor a file: give PEM, 32 bytes in base64 or hex, or a note verifier key")
	}
	if err != nil {
		return nil, fmt.Errorf("the key cannot be read: %w", err)
	}
	key, err := verify.ParsePublicKey(string(text))
	if err != nil {
		return nil, wrongUse("--key: " + err.Error())
	}
	return key, nil
}

type proofCmd struct {
	File string `arg:"" help:"The proof, as wardkeep audit prove writes it."`
	Key  string `required:"" help:"Public key: a file or the key itself." placeholder:"KEY"`
	JSON bool   `help:"Print the result as JSON."`
}

// proven is what a proof shows to whoever has no keys but the public one.
type proven struct {
	OK         bool   `json:"ok"`
	Problem    string `json:"problem,omitempty"`
	Index      uint64 `json:"index"`
	Shard      string `json:"shard,omitempty"`
	Counter    uint64 `json:"counter,omitempty"`
	Linked     string `json:"linked,omitempty"`
	Origin     string `json:"origin,omitempty"`
	Size       uint64 `json:"size,omitempty"`
	Root       string `json:"root,omitempty"`
	HasContent bool   `json:"hasContent"`
}

func (c *proofCmd) Run(t terminal) error {
	key, err := publicKey(c.Key)
	if err != nil {
		return err
	}
	text, err := read("the proof", c.File)
	if err != nil {
		return err
	}
	var result proven
	p, err := verify.ParseProof(text)
	if err == nil {
		var e *verify.Entry
		var at verify.Checkpoint
		if e, at, err = p.Check(key); err == nil {
			result = proven{
				OK: true, Index: p.Index, Shard: fmt.Sprintf("%016x", e.Shard), Counter: e.Counter,
				Linked: e.Time.Format("2006-01-02T15:04:05.000000Z"), Origin: at.Origin, Size: at.Size, Root: at.Root.String(),
				HasContent: e.Content != [32]byte{},
			}
		}
	}
	if err != nil {
		result.Problem = err.Error()
	}
	if c.JSON {
		err = json.NewEncoder(t.out).Encode(result)
	} else {
		_, err = io.WriteString(t.out, result.text())
	}
	if err == nil && !result.OK {
		return errFound
	}
	return err
}

func (p proven) text() string {
	if !p.OK {
		return fmt.Sprintf("FAILED     the proof does not hold: %s\n", p.Problem)
	}
	return fmt.Sprintf("entry      %d of shard %s, linked %s\nleaf       %d of %s\nsigned     size %d, root %s\nOK         the entry is in the signed log\n",
		p.Counter, p.Shard, p.Linked, p.Index, p.Origin, p.Size, p.Root)
}

type checkpointCmd struct {
	File    string `arg:"" help:"A signed checkpoint."`
	Key     string `required:"" help:"Public key: a file or the key itself." placeholder:"KEY"`
	Against string `help:"An older checkpoint of the same log." placeholder:"FILE"`
}

func (c *checkpointCmd) Run(t terminal) error {
	key, err := publicKey(c.Key)
	if err != nil {
		return err
	}
	signers, err := c.signers(key)
	if err != nil {
		return err
	}
	now, err := openCheckpoint(c.File, signers)
	if err != nil {
		return err
	}
	for _, h := range signers.HandOvers() {
		fmt.Fprintf(t.out, "key        %s\n", h)
	}
	fmt.Fprintf(t.out, "signed     %s\nsize       %d\nroot       %s\n", now.Origin, now.Size, now.Root)
	if c.Against == "" {
		return nil
	}
	old, err := openCheckpoint(c.Against, signers)
	if err != nil {
		return err
	}
	if err := now.Follows(old); err != nil {
		fmt.Fprintf(t.out, "FAILED     %v\n", err)
		return errFound
	}
	fmt.Fprintf(t.out, "OK         it does not contradict the older one of size %d; verify the folder to be sure that it contains it\n", old.Size)
	return nil
}

// signers are whom the key leads to, by what lies beside either file.
func (c *checkpointCmd) signers(key ed25519.PublicKey) (*verify.Signers, error) {
	var notes [][]byte
	for _, name := range []string{c.File, c.Against} {
		if name == "" {
			continue
		}
		n, err := handOversBeside(name)
		if err != nil {
			return nil, err
		}
		notes = append(notes, n)
	}
	return verify.Believe(key, notes...)
}

// handOversBeside reads which key signed after which, nil if nothing says so.
func handOversBeside(checkpoint string) ([]byte, error) {
	text, err := os.ReadFile(checkpoint + verify.HandOversBeside)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s%s cannot be read: %w", checkpoint, verify.HandOversBeside, err)
	}
	return text, nil
}

func openCheckpoint(name string, signers *verify.Signers) (verify.Checkpoint, error) {
	signed, err := read("the checkpoint", name)
	if err != nil {
		return verify.Checkpoint{}, err
	}
	return signers.OpenCheckpoint(signed)
}
