package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"net/url"
	"strings"
)

// Codes follow RFC 6238 as every authenticator app does it: SHA-1, six digits,
// thirty seconds.
const (
	totpStep   = 30 // seconds
	totpSecret = 20 // bytes (RFC 4226 §4 R6)
)

var totpEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// noTOTP stands in for the secret of nobody, so that there is as much to do.
var noTOTP = totpEncoding.EncodeToString(make([]byte, totpSecret))

func (s *Service) newTOTP() (string, error) {
	b, err := s.random(totpSecret)
	if err != nil {
		return "", err
	}
	return totpEncoding.EncodeToString(b), nil
}

func validTOTPSecret(secret string) bool {
	b, err := totpEncoding.DecodeString(secret)
	return err == nil && len(b) >= 16 && len(b) <= 64
}

// provisioning returns the URI that authenticator apps read from a picture.
func (s *Service) provisioning(userName, secret string) string {
	v := url.Values{
		"secret": {secret}, "issuer": {s.cfg.Issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"},
	}
	u := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + s.cfg.Issuer + ":" + userName,
		RawQuery: strings.ReplaceAll(v.Encode(), "+", "%20"), // apps do not read + as a space
	}
	return u.String()
}

// Recovery codes and enrolment codes are written down and typed in: 128 random
// bits in letters that are hard to confuse, so that a plain hash hides them.
const (
	recoveryCodes = 10
	codeSize      = 16 // bytes
)

var codeEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newCode returns a code in groups of four, and its digest.
func (s *Service) newCode() (text, digest string, err error) {
	b, err := s.random(codeSize)
	if err != nil {
		return "", "", err
	}
	plain := codeEncoding.EncodeToString(b)
	var groups []string
	for len(plain) > 4 {
		groups, plain = append(groups, plain[:4]), plain[4:]
	}
	text = strings.Join(append(groups, plain), "-")
	return text, digestCode(text), nil
}

// digestCode reads a code as people type it: any case, spaces or dashes, and o
// for 0, i or l for 1 (Crockford's rules).
func digestCode(typed string) string {
	if len(typed) > 64 {
		typed = ""
	}
	plain := strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(typed))
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

// useRecovery takes a recovery code out of a list; ok is false if it is not there.
func useRecovery(list []string, typed string) (rest []string, ok bool) {
	want := []byte(digestCode(typed))
	for _, d := range list {
		if subtle.ConstantTimeCompare([]byte(d), want) == 1 {
			ok = true
			continue
		}
		rest = append(rest, d)
	}
	return rest, ok
}

func (s *Service) newRecovery() (texts, digests []string, err error) {
	for range recoveryCodes {
		text, digest, err := s.newCode()
		if err != nil {
			return nil, nil, err
		}
		texts, digests = append(texts, text), append(digests, digest)
	}
	return texts, digests, nil
}
