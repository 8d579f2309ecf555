package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
)

// freeAddress is one of this machine where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// stolen is a certificate without its key.
func stolen(t *testing.T) tls.Certificate {
	t.Helper()
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, keys[0].Public(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: keys[1]}
}

// TestStolenCertificatesAreTold: who shows a program's certificate without its key comes
// to no handler and into no audit entry; the log tells of it all the same.
func TestStolenCertificatesAreTold(t *testing.T) {
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.Listen, cfg.MTLSListen = t.TempDir(), 8, freeAddress(t), freeAddress(t)
	var out bytes.Buffer
	house, err := OpenHouse(t.Context(), cfg, newLogger(&out, cfg.Log), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- closeAfter(ctx, house, (&Server{House: house, Version: "test", Ready: func(string) { close(ready) }}).Run(ctx))
	}()
	<-ready
	for _, address := range []string{cfg.Listen, cfg.MTLSListen} {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{stolen(t)}}) // whom we talk to is not asked
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = conn.Write([]byte("GET /healthz HTTP/1.0\r\n\r\n"))
			answer := make([]byte, 12)
			if err == nil {
				_, err = conn.Read(answer)
			}
			_ = conn.Close()
		}
		if (err == nil) != (address == cfg.Listen) { // there no certificate is asked for: the control
			t.Errorf("%s: %v", address, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "TLS handshake error from 127.0.0.1:"); n != 1 || !strings.Contains(out.String(), "invalid signature by the client certificate") {
		t.Errorf("told %d times: %s", n, out.String())
	}
}
