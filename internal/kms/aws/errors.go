package aws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/aws/smithy-go"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
)

var (
	errCredentials = errors.New("no credentials were found: give the server's user or machine a role, or set AWS_PROFILE or its like")
	errAnswer      = errors.New("the answer is none that was expected")
	errSilence     = errors.New("it does not answer")
)

// refusals are the answers by which the key does not open, whoever asks and however often.
var refusals = map[string]bool{
	"InvalidCiphertextException": true, "IncorrectKeyException": true, "NotFoundException": true,
	"KMSInvalidStateException": true, "DisabledException": true, "InvalidKeyUsageException": true,
}

// denials are the answers to a caller who may not ask.
var denials = map[string]bool{
	"AccessDeniedException": true, "UnrecognizedClientException": true, "InvalidSignatureException": true,
	"IncompleteSignature": true, "InvalidClientTokenId": true, "MissingAuthenticationTokenException": true,
	"ExpiredTokenException": true, "SignatureDoesNotMatch": true, "OptInRequired": true,
}

// failed tells what the service refuses from what it could not be asked. What it says
// beside the code of an error holds ARNs, and with them accounts: it goes nowhere.
func failed(op string, err error) error {
	var api smithy.APIError
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", op, context.Canceled)
	case errors.As(err, &api) && refusals[api.ErrorCode()]:
		return fmt.Errorf("%s: %w: %s", op, kms.ErrRefused, api.ErrorCode())
	case errors.As(err, &api) && denials[api.ErrorCode()]:
		return unavailable(op, "The key service does not let this server use the key. Look at the key's policy and at the server's role.", errors.New(api.ErrorCode()))
	case errors.As(err, &api):
		return unavailable(op, "The key service cannot do it now.", errors.New(api.ErrorCode()))
	}
	return unavailable(op, "The key service cannot be reached.", plain(err))
}

func unavailable(op, public string, err error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: op, Public: public, Err: err}
}

// plain is as much of an error without an answer as holds no name.
func plain(err error) error {
	var call *net.OpError
	var name *net.DNSError
	var stranger *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errCredentials), errors.Is(err, errAnswer):
		return err
	case errors.As(err, &name):
		return errors.New("its name is not found")
	case errors.As(err, &stranger):
		return errors.New("its certificate is not believed")
	case errors.As(err, &call):
		return call.Err
	}
	return errSilence
}
