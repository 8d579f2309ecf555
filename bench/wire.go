package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn speaks just enough HTTP/1.1 over TLS 1.3 to cost little beside the server
// that it measures on the same cores: one request at a time, answers read into
// one buffer.
type conn struct {
	server *server
	tls    *tls.Conn
	in     *bufio.Reader
	out    []byte
	body   []byte
}

// answer is a response. Its body is good until the next request.
type answer struct {
	status   int
	location string
	body     []byte
}

const maxWait = 2 * time.Minute

func (s *server) dial() (*conn, error) {
	raw, err := net.DialTimeout("tcp", s.address, maxWait)
	if err != nil {
		return nil, fmt.Errorf("the server cannot be reached: %w", err)
	}
	c := &conn{server: s, tls: tls.Client(raw, s.tlsConfig("http/1.1"))}
	if err := c.tls.Handshake(); err != nil {
		return nil, errors.Join(fmt.Errorf("the server cannot be reached: %w", err), raw.Close())
	}
	c.in = bufio.NewReaderSize(c.tls, 32<<10)
	return c, nil
}

func (c *conn) close() { _ = c.tls.Close() }

// do sends one request and reads its answer whole.
func (c *conn) do(method, path string, body []byte) (answer, error) {
	c.out = append(append(append(c.out[:0], method...), " /fhir"...), slash(path)...)
	c.out = append(c.out, " HTTP/1.1\r\nHost: "...)
	c.out = append(c.out, c.server.address...)
	c.out = append(c.out, "\r\nAuthorization: Bearer "...)
	c.out = append(c.out, c.server.token...)
	if body != nil {
		c.out = append(c.out, "\r\nContent-Type: application/fhir+json\r\nContent-Length: "...)
		c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	}
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if err := c.tls.SetDeadline(time.Now().Add(maxWait)); err != nil {
		return answer{}, err
	}
	if _, err := c.tls.Write(c.out); err != nil {
		return answer{}, fmt.Errorf("%s: the request cannot be sent: %w", method, err)
	}
	a, err := c.read(method)
	if err != nil {
		return a, fmt.Errorf("%s: the answer cannot be read: %w", method, err)
	}
	return a, nil
}

// slash puts a path below the base; the base itself, also with a query, has none.
func slash(path string) string {
	if path == "" || path[0] == '?' {
		return path
	}
	return "/" + path
}

func (c *conn) read(method string) (answer, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return answer{}, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return answer{}, errors.New("no HTTP/1.1 status line")
	}
	var a answer
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return answer{}, err
	}
	length, chunked := 0, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return answer{}, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return answer{}, err
			}
		case "Transfer-Encoding":
			chunked = true
		case "Location", "Content-Location":
			a.location = string(value)
		}
	}
	c.body = c.body[:0]
	switch {
	case a.status == 204 || a.status == 304 || method == "HEAD":
	case chunked:
		err = c.readChunks()
	default:
		err = c.take(length)
	}
	a.body = c.body
	return a, err
}

// take appends n bytes of the stream to the body.
func (c *conn) take(n int) error {
	from := len(c.body)
	if cap(c.body)-from < n {
		c.body = append(make([]byte, 0, 2*(from+n)), c.body...)
	}
	c.body = c.body[:from+n]
	_, err := io.ReadFull(c.in, c.body[from:])
	return err
}

func (c *conn) readChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return err
		}
		if err := c.take(int(n)); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil || n == 0 {
			return err
		}
	}
}
