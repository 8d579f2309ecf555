// Package aws wraps keys by a key of the AWS Key Management Service, which never leaves
// it. Credentials are found where AWS programs find them: they are nothing that is
// configured here.
package aws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go/logging"

	"github.com/wardkeep/wardkeep/internal/kms"
)

// Config names the key.
type Config struct {
	Key      string // ARN, ID, or alias/name
	Region   string
	Endpoint string // "": the region's own
}

// Bounds of one call: it is tried again within them when the service does not answer.
const (
	deadline   = 20 * time.Second
	onceTime   = 5 * time.Second
	attempts   = 5
	longestGap = 500 * time.Millisecond
)

// Lengths in bytes, by the contract of kms and by the service (API reference, Decrypt).
const (
	maxKey        = 64
	maxCiphertext = 6144
)

// The encryption context, which the service authenticates and notes in its log, and
// which policies of the key may demand. It is part of the stored format.
const (
	contextService = "service"
	contextAbout   = "about"
	serviceName    = "wardkeep"
)

// Service is one key of the service. It is safe for concurrent use.
type Service struct {
	client *awskms.Client
	arn    string
	id     string
	made   time.Time
}

// Errors of a key that cannot be used at all.
var (
	errLength = errors.New("a key to wrap is 1 to 64 bytes long")
	errKind   = errors.New("the key must be a symmetric one (SYMMETRIC_DEFAULT): no other kind binds a key to what it is for")
)

// Open asks the service about the key, so that what it wraps is by that key whatever
// an alias is changed to.
func Open(ctx context.Context, c Config) (*Service, error) {
	const op = "aws.Open"
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region), config.WithLogger(logging.Nop{}),
		config.WithHTTPClient(client()), config.WithRetryer(retryer))
	if err != nil {
		return nil, failed(op, errCredentials)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, failed(op, errCredentials)
	}
	s := &Service{client: awskms.NewFromConfig(cfg, func(o *awskms.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
	})}
	out, err := s.client.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: &c.Key})
	if err != nil {
		return nil, failed(op, err)
	}
	return s, s.take(out.KeyMetadata)
}

// ciphers are those of TLS 1.2 with forward secrecy and authenticated encryption that
// the service has; TLS 1.3 has no others.
var ciphers = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
}

func client() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(onceTime).WithTransportOptions(func(t *http.Transport) {
		t.Proxy = nil
		t.TLSClientConfig.MinVersion, t.TLSClientConfig.CipherSuites = tls.VersionTLS12, ciphers
	})
}

func retryer() sdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = attempts, longestGap
	})
}

// take holds what is told of the key. Its account is no part of the name.
func (s *Service) take(m *types.KeyMetadata) error {
	const op = "aws.Open"
	if m == nil || m.Arn == nil {
		return failed(op, errAnswer)
	}
	name, err := arn.Parse(*m.Arn)
	resource, isKey := strings.CutPrefix(name.Resource, "key/")
	switch {
	case err != nil || !isKey:
		return failed(op, errAnswer)
	case m.KeySpec != types.KeySpecSymmetricDefault:
		return fmt.Errorf("%s: %w", op, errKind)
	case m.KeyState != types.KeyStateEnabled:
		return fmt.Errorf("%s: %w: its state is %s", op, kms.ErrRefused, m.KeyState)
	}
	s.arn, s.id = *m.Arn, "awskms/"+name.Region+"/"+resource
	if m.CreationDate != nil {
		s.made = m.CreationDate.UTC()
	}
	return nil
}

// ID names the region and the key.
func (s *Service) ID() string { return s.id }

// Made is when the service made the key, zero if it does not tell.
func (s *Service) Made() time.Time { return s.made }

// Wrap has the service encrypt a key for the given context.
func (s *Service) Wrap(ctx context.Context, about string, key []byte) ([]byte, error) {
	const op = "aws.Wrap"
	if len(key) == 0 || len(key) > maxKey {
		return nil, fmt.Errorf("%s: %w", op, errLength)
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	out, err := s.client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &s.arn, Plaintext: key, EncryptionContext: contextOf(about)})
	if err != nil {
		return nil, failed(op, err)
	}
	if len(out.CiphertextBlob) == 0 || len(out.CiphertextBlob) > maxCiphertext {
		return nil, failed(op, errAnswer)
	}
	return out.CiphertextBlob, nil
}

// Unwrap has the service decrypt, by this key and no other: what another key of the
// same account, or of a stranger, has wrapped is refused.
func (s *Service) Unwrap(ctx context.Context, about string, wrapped []byte) ([]byte, error) {
	const op = "aws.Unwrap"
	if len(wrapped) == 0 || len(wrapped) > maxCiphertext {
		return nil, fmt.Errorf("%s: %w", op, kms.ErrRefused)
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	out, err := s.client.Decrypt(ctx, &awskms.DecryptInput{KeyId: &s.arn, CiphertextBlob: wrapped, EncryptionContext: contextOf(about)})
	if err != nil {
		return nil, failed(op, err)
	}
	if len(out.Plaintext) == 0 || len(out.Plaintext) > maxKey {
		return nil, fmt.Errorf("%s: %w", op, kms.ErrRefused)
	}
	return out.Plaintext, nil
}

func contextOf(about string) map[string]string {
	return map[string]string{contextService: serviceName, contextAbout: about}
}
