package e2e_test

import (
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

const codeLife = 30 * time.Second

// codeNow is the code that an authenticator shows, once there is time to type it.
func codeNow(t testing.TB, secret string) string {
	t.Helper()
	now := time.Now()
	if left := now.Truncate(codeLife).Add(codeLife).Sub(now); left < 4*time.Second {
		time.Sleep(left)
	}
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// codeAfter is the code that follows the one of a moment: each works once.
func codeAfter(t testing.TB, secret string, used time.Time) string {
	t.Helper()
	time.Sleep(time.Until(used.Truncate(codeLife).Add(codeLife)))
	return codeNow(t, secret)
}
