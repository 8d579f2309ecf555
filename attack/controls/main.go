// Command controls proves that the attack can fail: it builds the server with one check
// switched off at a time, and wants the attack to name the hole.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}

// run returns 0 if every control was seen, 1 if one was not, 2 for wrong use.
func run(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("controls", flag.ContinueOnError)
	root := flags.String("source", ".", "the source")
	only := flags.String("only", "", "controls whose name begins so")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 2
	}
	dir, err := os.MkdirTemp("", "wardkeep-controls-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "controls:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	attack := filepath.Join(dir, "attack")
	if err := build(ctx, *root, "-o", attack, "./attack"); err != nil {
		fmt.Fprintln(os.Stderr, "controls:", err)
		return 1
	}
	blind, seen := 0, 0
	for _, c := range controls {
		if !strings.HasPrefix(c.name, *only) {
			continue
		}
		says, err := c.try(ctx, *root, dir, attack)
		if err != nil {
			blind++
			fmt.Fprintf(out, "NOT SEEN  %-40s %v\n", c.name, err)
			continue
		}
		seen++
		fmt.Fprintf(out, "seen      %-40s %s\n", c.name, says)
	}
	fmt.Fprintf(out, "Of %[2]d checks, the attack sees %[1]d when they are switched off\n", seen, seen+blind)
	if blind > 0 || seen == 0 {
		return 1
	}
	return 0
}

func build(ctx context.Context, root string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not build: %w: %s", err, text)
	}
	return nil
}

// try builds the variant, attacks it, and returns the hole that was to be named.
func (c control) try(ctx context.Context, root, dir, attack string) (string, error) {
	binary := filepath.Join(dir, "wardkeep")
	overlay, err := c.overlay(root, dir)
	if err != nil {
		return "", err
	}
	if err := build(ctx, root, "-overlay", overlay, "-o", binary, "./cmd/wardkeep"); err != nil {
		return "", err
	}
	report := filepath.Join(dir, "report.json")
	_ = os.Remove(report)
	cmd := exec.CommandContext(ctx, attack, "-bin", binary, "-each", "1", "-only", c.only, "-route", c.route, "-seed", "controls", "-json", report)
	text, failed := cmd.CombinedOutput()
	if failed == nil {
		return "", fmt.Errorf("the attack ends well")
	}
	return c.named(report, text)
}

// overlay writes the patched file and the map that lays it over the source.
func (c control) overlay(root, dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(root, c.file))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), c.old); n != c.times {
		return "", fmt.Errorf("the text to exchange stands %d times in %s, not %d: mend the control", n, c.file, c.times)
	}
	patched := filepath.Join(dir, "patched.go")
	if err := os.WriteFile(patched, []byte(strings.ReplaceAll(string(source), c.old, c.new)+c.beside), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: patched}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, overlay, 0o600)
}

// named finds the hole among those of the report that belong to no open finding.
func (c control) named(report string, output []byte) (string, error) {
	text, err := os.ReadFile(report)
	if err != nil {
		return "", fmt.Errorf("the attack made no report: %s", output)
	}
	var r struct {
		Holes []struct {
			Trick, Route, Role, Relation, Why, Known string
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return "", err
	}
	for _, h := range r.Holes {
		if h.Known == "" && h.Trick == c.trick && strings.Contains(h.Route, c.route) && strings.Contains(h.Role, c.role) && strings.Contains(h.Relation, c.relation) {
			return fmt.Sprintf("%s / %s / %s / %s: %s", h.Trick, h.Route, h.Role, h.Relation, h.Why), nil
		}
	}
	return "", fmt.Errorf("%d holes, and not the one of this check", len(r.Holes))
}
