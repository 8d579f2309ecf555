package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"time"
)

// certificates are of programs: of an authority that the other house believes, and for a
// program that is registered there.
func (x *crossing) certificates(ctx context.Context) error {
	ids := map[*attack]string{}
	for _, house := range []*attack{x.from, x.to} {
		var c struct {
			ID string `json:"client_id"`
		}
		if err := house.s.json(ctx, &c, "client", "add", "--name", "batch beside "+x.from.house(), "--scope", "system/*.rs", "--tls-subject-dn", "CN=batch,O=Attack"); err != nil {
			return err
		}
		ids[house] = c.ID
	}
	token := func(id string) request {
		return formTo("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}})
	}
	for _, by := range []*attack{x.from, x.to} {
		cert, err := by.s.authority.issue("batch", false)
		if err != nil {
			return err
		}
		for _, of := range []*attack{x.from, x.to} {
			for _, sni := range []*attack{x.to, x.from} {
				for _, host := range []*attack{x.to, x.from} {
					d := *x.to.s.mutual
					d.tls, d.host = &tls.Config{ServerName: sni.s.tls.ServerName, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}, host.s.mutual.host
					right := by == of && of == sni && sni == host
					relation := "certificate of the " + by.house() + ", program of the " + of.house() + ", connection for the " + sni.house() + ", request for the " + host.house()
					q := token(ids[of])
					q.From = x.address()
					one := attempt{Route: "token endpoint for certificates", Trick: "cross-tenant certificate", As: &caller{Name: "batch", Role: "client system/*.rs"}, Relation: relation, Req: q.with("X-Way: " + relation), Want: refused, Own: true, Via: over(&d)}
					if right {
						one.Trick, one.Want, one.Holds = "legitimate", shown, "access_token"
					}
					if err := x.now(ctx, &one); err != nil {
						return err
					}
					x.all = append(x.all, one)
				}
			}
		}
	}
	return nil
}

// over sends by a way of its own, on which no connection is a refusal.
func over(d *dialler) func(context.Context, request) (answer, error) {
	return func(ctx context.Context, q request) (answer, error) {
		l := &line{dialler: d, from: q.From}
		defer l.close()
		if l.open(ctx) != nil {
			return refusedThere, nil
		}
		_ = l.conn.SetDeadline(time.Now().Add(patience))
		if _, err := l.conn.Write(q.text(d.host)); err != nil {
			return refusedThere, nil
		}
		resp, err := http.ReadResponse(bufio.NewReader(l.conn), &http.Request{Method: q.Method})
		if err != nil {
			return refusedThere, nil // TLS 1.3 refuses a certificate after the first word
		}
		body, _ := io.ReadAll(resp.Body)
		return answer{resp.StatusCode, resp.Proto + " " + resp.Status, resp.Header, bytes.TrimSpace(body)}, nil
	}
}
