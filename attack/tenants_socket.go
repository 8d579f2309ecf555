package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// sockets are web sockets of this house, bound with a token for a Subscription of the
// other.
func (x *crossing) sockets(ctx context.Context) error {
	root := x.from.clients[len(x.from.clients)-1]
	at, err := x.from.subscribe(ctx, root, "Observation?patient="+x.from.patients[0].ID)
	if err != nil {
		return err
	}
	token := ""
	for try := 0; token == "" && try < 100; try++ { // until it is active
		time.Sleep(aMoment)
		got, err := x.from.ask(ctx, root, request{Method: "GET", Target: at + "/$get-ws-binding-token"})
		if err != nil {
			return err
		}
		var p struct {
			Parameter []struct{ Name, ValueString string }
		}
		_ = json.Unmarshal(got.Body, &p)
		for _, one := range p.Parameter {
			if one.Name == "token" {
				token = one.ValueString
			}
		}
	}
	if token == "" {
		return fmt.Errorf("there is no token for a web socket")
	}
	one := x.foreign(attempt{Route: "web socket", Trick: "cross-tenant handle", As: &caller{Name: root.Name, Role: root.Role}, Relation: x.relation("token of a Subscription"), Want: refused, Own: true, Via: x.bound}, token, func(v string) request {
		return request{Method: "GET", Target: "/fhir/websocket", Body: "bind-with-token " + v}
	})
	return x.now(ctx, one)
}

// bound opens a web socket and says the words of the request. One that is shut with 1008
// has refused them.
func (x *crossing) bound(ctx context.Context, q request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	config := x.to.s.tls.Clone()
	config.NextProtos = []string{"http/1.1"}
	transport := &http.Transport{TLSClientConfig: config, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, x.to.s.address)
	}}
	defer transport.CloseIdleConnections()
	conn, resp, err := websocket.Dial(ctx, x.to.s.base+q.Target, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil && resp != nil {
		return answer{Status: resp.StatusCode, Line: resp.Status, Header: http.Header{}}, nil
	}
	if err != nil {
		return answer{}, err
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, []byte(q.Body)); err != nil {
		return answer{}, err
	}
	_, said, err := conn.Read(ctx)
	if websocket.CloseStatus(err) == websocket.StatusPolicyViolation {
		return answer{Status: http.StatusForbidden, Line: "shut", Header: http.Header{}}, nil
	}
	return answer{Status: http.StatusOK, Line: "bound", Header: http.Header{}, Body: said}, nil
}
