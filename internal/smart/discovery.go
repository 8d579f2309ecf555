package smart

import (
	"net/http"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// Metadata is what all discovery documents say (RFC 8414 §2).
type Metadata struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	PushEndpoint             string   `json:"pushed_authorization_request_endpoint"`
	KeysURI                  string   `json:"jwks_uri"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	TokenEndpointAuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	TokenEndpointAlgorithms  []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	GrantTypes               []string `json:"grant_types_supported"`
	ResponseTypes            []string `json:"response_types_supported"`
	ResponseModes            []string `json:"response_modes_supported"`
	Scopes                   []string `json:"scopes_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`
	NamesIssuer              bool     `json:"authorization_response_iss_parameter_supported"`

	BindsTokens bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	Aliases     *Aliases `json:"mtls_endpoint_aliases,omitempty"`
}

// Aliases are where clients show certificates (RFC 8705 §5).
type Aliases struct {
	TokenEndpoint         string `json:"token_endpoint"`
	PushEndpoint          string `json:"pushed_authorization_request_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
}

// Discovery is SMART App Launch 2.2 §8.
type Discovery struct {
	Metadata
	ManagementEndpoint string   `json:"management_endpoint"` // for people
	Capabilities       []string `json:"capabilities"`
}

// OpenID is OpenID Connect Discovery 1.0 §3.
type OpenID struct {
	Metadata
	SubjectTypes []string `json:"subject_types_supported"`
	Algorithms   []string `json:"id_token_signing_alg_values_supported"`
	Claims       []string `json:"claims_supported"`
	ByRequest    bool     `json:"request_parameter_supported"`
	ByRequestURI bool     `json:"request_uri_parameter_supported"`
	ByClaims     bool     `json:"claims_parameter_supported"`
}

func metadataOf(cfg Config) Metadata {
	m := Metadata{
		Issuer:                   cfg.Issuer,
		AuthorizationEndpoint:    cfg.Issuer + authorizePath,
		TokenEndpoint:            cfg.Issuer + tokenPath,
		PushEndpoint:             cfg.Issuer + pushPath,
		KeysURI:                  cfg.Issuer + keysPath,
		RevocationEndpoint:       cfg.Issuer + revokePath,
		IntrospectionEndpoint:    cfg.Issuer + introspectPath,
		TokenEndpointAuthMethods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		TokenEndpointAlgorithms:  []string{"RS384", "ES384"},
		GrantTypes:               []string{grantCode, grantRefresh, grantClientCredentials},
		ResponseTypes:            []string{"code"},
		ResponseModes:            []string{"query"},
		Scopes: slices.Concat(identity.Words(), []string{
			"patient/*.cruds", "patient/*.rs", "user/*.cruds", "user/*.rs", "system/*.cruds", "system/*.rs",
		}),
		CodeChallengeMethods: []string{"S256"},
		NamesIssuer:          true,
	}
	if cfg.Mutual == "" {
		return m
	}
	m.BindsTokens = true
	m.Aliases = &Aliases{cfg.Mutual + tokenPath, cfg.Mutual + pushPath, cfg.Mutual + revokePath, cfg.Mutual + introspectPath}
	m.TokenEndpointAuthMethods = append(m.TokenEndpointAuthMethods, string(identity.AuthSelfSigned))
	if cfg.Authorities {
		m.TokenEndpointAuthMethods = append(m.TokenEndpointAuthMethods, string(identity.AuthPKI))
	}
	return m
}

// ClientPaths are those that programs call, and no browser of a person: what is
// served at the address of Config.Mutual.
func ClientPaths() []string { return []string{tokenPath, pushPath, revokePath, introspectPath} }

func discoveryOf(cfg Config) Discovery {
	return Discovery{Metadata: metadataOf(cfg), ManagementEndpoint: cfg.Issuer + appsPath, Capabilities: []string{
		"launch-ehr", "launch-standalone", "authorize-post",
		"client-public", "client-confidential-symmetric", "client-confidential-asymmetric", "sso-openid-connect",
		"context-banner", "context-ehr-patient", "context-standalone-patient",
		"permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2",
	}}
}

func openIDOf(cfg Config) OpenID {
	return OpenID{
		Metadata: metadataOf(cfg), SubjectTypes: []string{"public"}, Algorithms: []string{"RS256"},
		Claims: []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "fhirUser", "name", "given_name", "family_name", "preferred_username"},
	}
}

// document answers in JSON whatever the client says it accepts.
func document(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(text) // the client hung up: nobody is left to tell
	}
}

func (s *Server) handleKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := s.cfg.Clients.PublicKeys(r.Context())
	if err != nil {
		refuseFault(w, fault.Wrap(fault.Unavailable, "smart.handleKeys", err))
		return
	}
	document(keys)(w, r)
}

// shared mounts what pages of apps may call from browsers: those of the origins
// that apps are registered with, and no others (SMART App Launch 2.2 §4.1.3). No
// credentials are among what a browser adds by itself.
func (s *Server) shared(method, path string, next http.HandlerFunc) {
	s.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
		if ok, err := s.crossOrigin(w, r); err != nil {
			refuseFault(w, err)
			return
		} else if ok {
			w.Header().Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, X-Request-Id")
		}
		next(w, r)
	})
	s.mux.HandleFunc("OPTIONS "+path, func(w http.ResponseWriter, r *http.Request) {
		if ok, err := s.crossOrigin(w, r); err != nil {
			refuseFault(w, err)
			return
		} else if ok {
			w.Header().Set("Access-Control-Allow-Methods", method)
			w.Header().Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
			w.Header().Set("Access-Control-Max-Age", "600")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func (s *Server) crossOrigin(w http.ResponseWriter, r *http.Request) (bool, error) {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false, nil
	}
	ok, err := s.cfg.Clients.AllowsOrigin(r.Context(), origin)
	if err == nil && ok {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
	return ok, err
}
