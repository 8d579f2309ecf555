package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// neighbour is the house that is served beside the one that all stages attack: other
// people under the same user names, other records, and some of the same ids.
const neighbour = "second"

// found builds the houses, and the server on them. The first has the name and the address
// that it would have by itself.
func found(ctx context.Context, binary, dir string, w, beside *world) (first, second *server, err error) {
	p := &process{}
	first = &server{binary: binary, dir: filepath.Join(dir, "data"), tenant: "default", process: p}
	second = &server{binary: binary, dir: filepath.Join(dir, neighbour, "data"), tenant: neighbour, process: p}
	if err := os.Mkdir(filepath.Dir(second.dir), 0o700); err != nil {
		return nil, nil, err
	}
	if err := first.settle(ctx, w); err != nil {
		return nil, nil, err
	}
	if err := second.settle(ctx, beside); err != nil {
		return nil, nil, fmt.Errorf("the second house: %w", err)
	}
	return first, second, p.serve(ctx, dir, first, second)
}

// freePort is an address of this machine that nobody listens on.
func freePort() (address, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port, l.Close()
}

// serve starts the program on both houses.
func (p *process) serve(ctx context.Context, dir string, first, second *server) error {
	address, port, err := freePort()
	if err != nil {
		return err
	}
	mutual, _, err := freePort()
	if err != nil {
		return err
	}
	first.base, second.base = "https://localhost:"+port, "https://"+neighbour+".localhost:"+port
	settings := filepath.Join(dir, "wardkeep.yaml")
	if p.provider, err = newProvider(); err != nil {
		return err
	}
	secret, ca := filepath.Join(dir, "secret"), filepath.Join(dir, "provider.pem")
	if err := errors.Join(os.WriteFile(secret, []byte("a secret of the attack, long enough\n"), 0o600), os.WriteFile(ca, p.provider.ca(), 0o600)); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%sdir: %s\nlisten: %s\nmtls_listen: %s\ntenants:\n", minors, dir, address, mutual)
	for _, s := range []*server{first, second} {
		authority := filepath.Join(filepath.Dir(s.dir), "authority.pem")
		if s.authority, err = newAuthority(); err != nil {
			return err
		}
		if err := os.WriteFile(authority, s.authority.pem(), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&text, "  - {name: %s, base_url: '%s', dir: %s, mtls_ca: %s, %s}\n", s.tenant, s.base, s.dir, authority, p.provider.settings(s, secret, ca))
	}
	if err := os.WriteFile(settings, []byte(text.String()), 0o600); err != nil {
		return err
	}
	p.cmd = exec.Command(first.binary, "serve", "--config", settings)
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "WARDKEEP_") }), "WARDKEEP_LOG=debug", "WARDKEEP_PERSON_RATE=0", "WARDKEEP_ADDRESS_RATE=0", "WARDKEEP_SEARCH_IN_URLS=all") // so that each road is tried
	p.cmd.Stdout, p.cmd.Stderr = &p.screen, &p.screen
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.exited = make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(p.exited) }()
	if err := first.await(ctx, address, mutual); err != nil {
		return err
	}
	return second.await(ctx, address, mutual)
}

// beside makes the world of a house beside this one. Canaries of both are looked for
// wherever one is.
func (w *world) beside(name string) *world {
	o := &world{aviary: &aviary{key: append([]byte(name+" beside "), w.key...), words: w.words, dates: w.dates}, name: name, now: w.now, byID: w.byID, staff: w.staff, house: w.house}
	for _, l := range layouts {
		if !strings.Contains(l.why, "appointment") && l.why != "encounter" && l.why != "referral" {
			o.admit(l.why, l.relation, mandate{})
		}
	}
	o.admit("ward", []string{"ward"}, mandates[5])
	o.admit("none", nil, mandates[8])
	return o
}
