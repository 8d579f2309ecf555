package collector

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wardkeep/wardkeep/internal/outbound"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 20 * time.Second
	// ackTimeout ends a connection at which nobody takes in what was sent. It MUST be
	// shorter than the time after which what was sent counts as arrived.
	ackTimeout = 20 * time.Second
	endTimeout = 2 * time.Second
)

// connection is one way to the collector, which never answers: that its end closes
// is all that can be read.
type connection struct {
	tls  *tls.Conn
	out  *bufio.Writer
	dead chan error // one error, once the other end is gone
}

func dial(ctx context.Context, address string, config *tls.Config) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	config = config.Clone()
	outbound.Secure(config)
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Control: acknowledged}, Config: config}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) {
			return nil, fmt.Errorf("the collector's certificate is not believed: %w", untrusted.Err)
		}
		return nil, fmt.Errorf("the collector cannot be reached: %w", err)
	}
	conn := &connection{tls: c.(*tls.Conn), out: bufio.NewWriterSize(c, 64<<10), dead: make(chan error, 1)}
	go conn.watch()
	return conn, nil
}

func acknowledged(_, _ string, raw syscall.RawConn) error {
	var set error
	err := raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(ackTimeout.Milliseconds()))
	})
	return errors.Join(err, set)
}

// watch notices that the other end is gone, though nothing is being sent.
func (c *connection) watch() {
	_, err := io.Copy(io.Discard, c.tls)
	c.dead <- err
}

func (c *connection) send(frames []byte) error {
	if err := c.tls.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.out.Write(frames)
	return err
}

func (c *connection) flush() error {
	if err := c.tls.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.out.Flush()
}

// why prefers what the other end said, if it said something, to what failed here.
func (c *connection) why(err error) error {
	select {
	case said := <-c.dead:
		return cmp.Or(said, errGone)
	case <-time.After(100 * time.Millisecond):
		return err
	}
}

// end says goodbye, and reports whether the other end answered in kind: then it has
// read all that was sent.
func (c *connection) end() bool {
	defer c.tls.Close()
	_ = c.tls.SetDeadline(time.Now().Add(endTimeout))
	if c.tls.CloseWrite() != nil {
		return false
	}
	return <-c.dead == nil
}
