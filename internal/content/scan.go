package content

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
)

// Bounds of a Scanner: how many files are looked at at the same time, and how long one
// may take, with the time that it waits for a place.
const (
	scansAtOnce = 4
	scanTime    = 30 * time.Second
	scanChunk   = 64 << 10
)

// Scanner has ClamAV's clamd look for malware, by its command INSTREAM. It is safe for
// concurrent use.
type Scanner struct {
	network, address string
	places           chan struct{}
}

var errScanner = errors.New("scanner must look like unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310, on this machine: clamd encrypts nothing; or be none")

// NewScanner returns the scanner at an address: unix:PATH, or tcp:HOST:PORT of this
// machine.
func NewScanner(address string) (*Scanner, error) {
	network, where, _ := strings.Cut(address, ":")
	host, port, err := net.SplitHostPort(where)
	ip := net.ParseIP(host)
	local := network == "tcp" && err == nil && port != "" && (host == "localhost" || ip != nil && ip.IsLoopback())
	if !local && (network != "unix" || !strings.HasPrefix(where, "/")) {
		return nil, errScanner
	}
	return &Scanner{network: network, address: where, places: make(chan struct{}, scansAtOnce)}, nil
}

// Scan returns the name of the malware that data holds, "" if the scanner finds none. An
// error says that it did not answer, and tells nothing of data.
func (s *Scanner) Scan(ctx context.Context, data []byte) (malware string, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return "", fmt.Errorf("content.Scan: all places are taken: %w", ctx.Err())
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, s.network, s.address)
	if err != nil {
		return "", fmt.Errorf("content.Scan: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := send(conn, data); err != nil {
		return "", fmt.Errorf("content.Scan: %w", err)
	}
	reply, err := bufio.NewReaderSize(conn, 1024).ReadSlice(0)
	if err != nil {
		return "", fmt.Errorf("content.Scan: the reply: %w", err)
	}
	return verdict(string(reply))
}

// send writes the command, the data in chunks behind their lengths, and an empty chunk.
func send(conn net.Conn, data []byte) error {
	if _, err := conn.Write([]byte("zINSTREAM\x00")); err != nil {
		return err
	}
	for {
		n := min(len(data), scanChunk)
		chunk := append(binary.BigEndian.AppendUint32(nil, uint32(n)), data[:n]...)
		if _, err := conn.Write(chunk); err != nil || n == 0 {
			return err
		}
		data = data[n:]
	}
}

// ErrUnread says that the scanner works, and could not look at this file.
var ErrUnread = errors.New("the scanner could not look at it")

// unnamed are signs that no name of malware needs and a log should not have.
var unnamed = regexp.MustCompile(`[^A-Za-z0-9._:/-]`)

// verdict reads "stream: OK" and "stream: NAME FOUND". All else is no verdict.
func verdict(reply string) (string, error) {
	reply = strings.TrimSuffix(reply, "\x00")
	if reply == "stream: OK" {
		return "", nil
	}
	name, found := strings.CutSuffix(strings.TrimPrefix(reply, "stream: "), " FOUND")
	if !found || !strings.HasPrefix(reply, "stream: ") || name == "" {
		return "", fmt.Errorf("content.Scan: %w", ErrUnread)
	}
	name = unnamed.ReplaceAllString(name, "_")
	return name[:min(len(name), 100)], nil
}
