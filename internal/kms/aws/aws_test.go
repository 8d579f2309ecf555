package aws_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/aws"
	"github.com/wardkeep/wardkeep/internal/kms/kmstest"
	"github.com/wardkeep/wardkeep/internal/kms/service"
)

// TestMain sets the only credentials that are found, unless a real service is asked.
func TestMain(m *testing.M) {
	if os.Getenv("AWSKMS_TEST") == "" {
		for name, value := range map[string]string{
			"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secretexample", "AWS_EC2_METADATA_DISABLED": "true",
			"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		} {
			if err := os.Setenv(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

func fake(t *testing.T) (*kmstest.FakeAWS, string) {
	f := kmstest.NewFakeAWS("one", "another")
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.URL
}

func open(t *testing.T, url, alias string) *aws.Service {
	t.Helper()
	s, err := aws.Open(t.Context(), aws.Config{Key: "alias/" + alias, Region: "eu-central-1", Endpoint: url})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestContract runs on a fake of the protocol.
func TestContract(t *testing.T) {
	t.Parallel()
	_, url := fake(t)
	dir := t.TempDir()
	kmstest.Run(t, func(t *testing.T, name string) kms.Keyring {
		k, err := service.OpenOrCreate(t.Context(), open(t, url, name), filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
}

// TestContractOfAService runs on a service that the environment names by two settings
// of kms, apart by a space, with the credentials that are found there.
func TestContractOfAService(t *testing.T) {
	settings := strings.Fields(os.Getenv("AWSKMS_TEST"))
	if len(settings) != 2 {
		t.Skip("AWSKMS_TEST names no two keys of a service")
	}
	dir := t.TempDir()
	kmstest.Run(t, func(t *testing.T, name string) kms.Keyring {
		c, err := config.ParseKMS(settings[map[string]int{"one": 0, "another": 1}[name]])
		if err != nil {
			t.Fatal(err)
		}
		s, err := aws.Open(t.Context(), aws.Config(*c))
		if err != nil {
			t.Fatal(err)
		}
		k, err := service.OpenOrCreate(t.Context(), s, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
}

// TestRefused: a key that is destroyed, switched off or gone does not open and is not
// asked for again and again.
func TestRefused(t *testing.T) {
	t.Parallel()
	f, url := fake(t)
	s := open(t, url, "one")
	wrapped, err := s.Wrap(t.Context(), "x", []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"PendingDeletion", "Disabled", ""} {
		f.SetState("one", state)
		before := f.Calls("Decrypt")
		_, err := s.Unwrap(t.Context(), "x", wrapped)
		if !errors.Is(err, kms.ErrRefused) || f.Calls("Decrypt") != before+1 {
			t.Errorf("state %q: %v, after %d calls", state, err, f.Calls("Decrypt")-before)
		}
		silent(t, err)
		if _, err := aws.Open(t.Context(), aws.Config{Key: "alias/one", Region: "eu-central-1", Endpoint: url}); !errors.Is(err, kms.ErrRefused) {
			t.Errorf("state %q, opened: %v", state, err)
		}
	}
	f.SetState("one", "Enabled")
	if _, err := s.Unwrap(t.Context(), "x", wrapped); err != nil {
		t.Error("enabled again it is refused:", err)
	}
}

// TestNotReached: a service that cannot do it now is asked again, within bounds; one
// that lets nobody in is not. Neither is a refusal of the key.
func TestNotReached(t *testing.T) {
	t.Parallel()
	for code, calls := range map[string]int{"AccessDeniedException": 1, "ExpiredTokenException": 1, "SomethingNewException": 1, "ThrottlingException": 5, "": 5} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f, url := fake(t)
			s := open(t, url, "one")
			f.Fail(code, 0)
			f.SetAway(code == "")
			_, err := s.Wrap(t.Context(), "x", []byte("key"))
			if !fault.Is(err, fault.Unavailable) || errors.Is(err, kms.ErrRefused) {
				t.Error(err)
			}
			if n := f.Calls("Encrypt"); n != calls {
				t.Errorf("asked %d times", n)
			}
			silent(t, err)
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	_, err := aws.Open(t.Context(), aws.Config{Key: "alias/one", Region: "eu-central-1", Endpoint: gone.URL})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	silent(t, err)
}

// TestStrangersCertificate: what answers under another certificate is not the service.
func TestStrangersCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(kmstest.NewFakeAWS("one"))
	defer server.Close()
	_, err := aws.Open(t.Context(), aws.Config{Key: "alias/one", Region: "eu-central-1", Endpoint: server.URL})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "certificate is not believed") {
		t.Error(err)
	}
}

// TestOldCiphersOfTheService: what offers suites without authenticated encryption alone
// is not spoken to, though its certificate is believed.
func TestOldCiphersOfTheService(t *testing.T) {
	for suite, good := range map[uint16]bool{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: false, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: true} {
		server := httptest.NewUnstartedServer(kmstest.NewFakeAWS("one"))
		server.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		server.StartTLS()
		defer server.Close()
		bundle := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_CA_BUNDLE", bundle)
		_, err := aws.Open(t.Context(), aws.Config{Key: "alias/one", Region: "eu-central-1", Endpoint: server.URL})
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), err)
		}
	}
}

// TestServiceLeadsNowhere: an answer that names another address is no answer, and nobody
// is asked there.
func TestServiceLeadsNowhere(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		server := httptest.NewServer(http.RedirectHandler(other.URL, code))
		defer server.Close()
		_, err := aws.Open(t.Context(), aws.Config{Key: "alias/one", Region: "eu-central-1", Endpoint: server.URL})
		if err == nil || asked.Load() > 0 {
			t.Errorf("%d: %v, the other is asked %d times", code, err, asked.Load())
		}
	}
	if _, err := http.Get(other.URL); err != nil || asked.Load() != 1 { // the control
		t.Error(err, asked.Load())
	}
}

func TestNoCredentials(t *testing.T) {
	_, url := fake(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err := aws.Open(t.Context(), aws.Config{Key: "alias/one", Region: "eu-central-1", Endpoint: url})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "no credentials") {
		t.Error(err)
	}
}

// silent finds what no error may tell: accounts and credentials. The fake says them.
func silent(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{kmstest.Account, "arn:", "AKIDEXAMPLE", "secretexample"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, err)
		}
	}
}

// TestNames: the ID is the key's, whatever name it was asked for by, and holds no
// account.
func TestNames(t *testing.T) {
	t.Parallel()
	_, url := fake(t)
	s := open(t, url, "one")
	if s.ID() != "awskms/eu-central-1/one" || s.Made().IsZero() {
		t.Errorf("%q, made %v", s.ID(), s.Made())
	}
	again, err := aws.Open(t.Context(), aws.Config{Key: "arn:aws:kms:eu-central-1:" + kmstest.Account + ":key/one", Region: "eu-central-1", Endpoint: url})
	if err != nil || again.ID() != s.ID() {
		t.Error(err)
	}
}
