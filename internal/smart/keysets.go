package smart

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// KeySets gets key sets of programs from where they keep them, no oftener than
// the answers' Cache-Control asks for, and believes none for longer than that.
type KeySets struct {
	// Do sends a request to an address that a program chose (package outbound).
	Do    func(*http.Request) (*http.Response, error)
	Clock clock.Clock

	mu     sync.Mutex
	kept   map[string]keySet
	flight singleflight.Group
}

type keySet struct {
	text    []byte
	fetched time.Time
	until   time.Time
}

const (
	maxKeySets   = 1000
	maxKeySet    = 256 << 10
	keySetTime   = 5 * time.Second
	maxKeySetAge = 24 * time.Hour
	// refetch is how soon a set is looked at anew because a key is missing.
	refetch = 10 * time.Second
)

// KeySet implements identity.KeySets.
func (k *KeySets) KeySet(ctx context.Context, url string, fresh bool) ([]byte, error) {
	now := k.Clock.Now()
	k.mu.Lock()
	had := k.kept[url]
	k.mu.Unlock()
	if now.Before(had.until) && (!fresh || now.Sub(had.fetched) < refetch) {
		return had.text, nil
	}
	got, err, _ := k.flight.Do(url, func() (any, error) { return k.fetch(context.WithoutCancel(ctx), url, now) })
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Op: "smart.KeySet", Err: err, Public: "The program's key set could not be fetched from its URL. The setting outbound_hosts must name its host."}
	}
	return got.([]byte), nil
}

func (k *KeySets) fetch(ctx context.Context, url string, now time.Time) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, keySetTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fault.New(fault.Internal, "smart.fetch", "")
	}
	r.Header.Set("Accept", "application/json")
	answer, err := k.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxKeySet+1))
	if err != nil || answer.StatusCode != http.StatusOK || len(text) > maxKeySet {
		return nil, fault.New(fault.Unavailable, "smart.fetch", "")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= maxKeySets {
		k.kept = map[string]keySet{}
	}
	k.kept[url] = keySet{text, now, now.Add(freshness(answer.Header))}
	return text, nil
}

// freshness is how long an answer says it may be kept (RFC 9111 §4.2.1); of one
// that does not say, nothing is kept.
func freshness(h http.Header) time.Duration {
	var seconds int
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			n, err := strconv.Atoi(strings.Trim(value, `"`))
			if err != nil || n < 0 {
				return 0
			}
			seconds = n
		}
	}
	age, err := strconv.Atoi(h.Get("Age"))
	if err != nil || age < 0 {
		age = 0
	}
	return min(max(0, time.Duration(seconds-age)*time.Second), maxKeySetAge)
}
