package fhirhttp

import (
	"net"
	"net/http"
	"sync"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// neighbours counts what strangers of one network hold, so that one of them cannot
// take what is there for all.
type neighbours struct {
	mu    sync.Mutex
	holds map[string]int // by network
}

func newNeighbours() *neighbours { return &neighbours{holds: map[string]int{}} }

// enter counts one more of a network, if there may be. leave takes it off again and
// may be called more than once.
func (n *neighbours) enter(network string) (leave func(), ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.holds[network] >= maxNeighbours {
		return nil, false
	}
	n.holds[network]++
	return sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.holds[network]--; n.holds[network] == 0 {
			delete(n.holds, network)
		}
	}), true
}

// peer is the network that a request comes from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return identity.Network(host)
}
