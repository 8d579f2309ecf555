package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// client is a program that signs its assertions (SMART Backend Services).
type client struct {
	s     *server
	ID    string
	Scope string
	key   *ecdsa.PrivateKey

	mu      sync.Mutex
	token   string
	expires time.Time
}

func (s *server) addClient(ctx context.Context, name, scope string, more ...string) (*client, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES384"}}})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(filepath.Dir(s.dir), "keys.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		return nil, err
	}
	var c struct {
		ID string `json:"client_id"`
	}
	err = s.json(ctx, &c, append([]string{"client", "add", "--name", name, "--scope", scope, "--jwks", file}, more...)...)
	return &client{s: s, ID: c.ID, Scope: scope, key: key}, err
}

// claims are those of an assertion in order.
func (c *client) claims() map[string]any {
	return map[string]any{"iss": c.ID, "sub": c.ID, "aud": c.s.base + "/oauth2/token", "jti": rand.Text(), "exp": time.Now().Add(4 * time.Minute).Unix()}
}

// sign makes a JWT of claims by the client's key, with further headers.
func (c *client) sign(claims map[string]any, headers map[string]any) (string, error) {
	return signed(jose.SigningKey{Algorithm: jose.ES384, Key: c.key}, claims, headers)
}

func signed(key jose.SigningKey, claims, headers map[string]any) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if _, given := headers["kid"]; !given {
		options = options.WithHeader("kid", "k1")
	}
	for k, v := range headers {
		options = options.WithHeader(jose.HeaderKey(k), v)
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	s, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return s.CompactSerialize()
}

func assertionForm(assertion string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

// bearer is a token that is good for a while; one is fetched if there is none.
func (c *client) bearer(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Until(c.expires) > time.Minute {
		return c.token, nil
	}
	assertion, err := c.sign(c.claims(), nil)
	if err != nil {
		return "", err
	}
	b := c.s.browser()
	defer b.close()
	got, err := b.want(ctx, 200, "POST", "/oauth2/token", assertionForm(assertion))
	if err != nil {
		return "", fmt.Errorf("client %s: %w", c.ID, err)
	}
	var g grant
	if err := json.Unmarshal(got.Body, &g); err != nil {
		return "", err
	}
	c.token, c.expires = g.Access, time.Now().Add(4*time.Minute)
	return c.token, nil
}
