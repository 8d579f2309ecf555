package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// FakeAWS is a fake of the JSON protocol of the AWS Key Management Service, as far as
// this project speaks it: DescribeKey, Encrypt, Decrypt. It looks for a signature and
// does not check it.
type FakeAWS struct {
	mu    sync.Mutex
	state map[string]string // by alias
	calls map[string]int
	away  bool
	code  string
	left  int // calls until code is said
}

// Account is the one of every key of the fake; nothing of ours may tell it.
const Account = "111122223333"

// NewFakeAWS returns a service with an enabled key under each alias.
func NewFakeAWS(aliases ...string) *FakeAWS {
	f := &FakeAWS{state: map[string]string{}, calls: map[string]int{}}
	for _, a := range aliases {
		f.state[a] = "Enabled"
	}
	return f
}

// SetState changes the state of a key: Enabled, Disabled, PendingDeletion, or "" for
// one that is no more.
func (f *FakeAWS) SetState(alias, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state[alias] = state; state == "" {
		delete(f.state, alias)
	}
}

// SetAway has every call answered by an error of the service's own.
func (f *FakeAWS) SetAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// Fail has every call after some refused by an error of that code, "" for none.
func (f *FakeAWS) Fail(code string, after int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code, f.left = code, after
}

// Calls returns how often an operation was asked for.
func (f *FakeAWS) Calls(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[operation]
}

type request struct {
	KeyID             string `json:"KeyId"`
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

type answer map[string]any

func (f *FakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !known {
		say(w, http.StatusBadRequest, wrong("SerializationException"))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[operation]++
	f.left--
	switch {
	case f.away:
		say(w, http.StatusInternalServerError, wrong("KMSInternalException"))
		return
	case f.code != "" && f.left < 0:
		say(w, http.StatusBadRequest, wrong(f.code))
		return
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="):
		say(w, http.StatusBadRequest, wrong("MissingAuthenticationTokenException"))
		return
	}
	out, code := f.do(operation, in)
	if code != "" {
		say(w, http.StatusBadRequest, wrong(code))
		return
	}
	say(w, http.StatusOK, out)
}

func (f *FakeAWS) do(operation string, in request) (answer, string) {
	alias := strings.TrimPrefix(in.KeyID, arnOf(""))
	alias = strings.TrimPrefix(alias, "alias/")
	if by, _, found := strings.Cut(string(in.CiphertextBlob), "\n"); found && in.KeyID == "" { // as the service does
		alias = strings.TrimPrefix(by, arnOf(""))
	}
	state, there := f.state[alias]
	if !there {
		return nil, "NotFoundException"
	}
	if operation == "DescribeKey" {
		return answer{"KeyMetadata": answer{
			"Arn": arnOf(alias), "KeyId": alias, "CreationDate": 1767225600, "KeyState": state,
			"KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
		}}, ""
	}
	switch state {
	case "Enabled":
	case "Disabled":
		return nil, "DisabledException"
	default:
		return nil, "KMSInvalidStateException"
	}
	about, err := json.Marshal(in.EncryptionContext) // in the order of names
	if err != nil {
		return nil, "ValidationException"
	}
	switch operation {
	case "Encrypt":
		nonce := make([]byte, 12)
		rand.Read(nonce)
		blob := append([]byte(arnOf(alias)+"\n"), nonce...)
		return answer{"KeyId": arnOf(alias), "CiphertextBlob": aead(alias).Seal(blob, nonce, in.Plaintext, about)}, ""
	case "Decrypt":
		by, sealed, found := strings.Cut(string(in.CiphertextBlob), "\n")
		if !found || len(sealed) < 12 || !strings.HasPrefix(by, arnOf("")) {
			return nil, "InvalidCiphertextException"
		}
		if by != arnOf(alias) {
			return nil, "IncorrectKeyException"
		}
		text, err := aead(alias).Open(nil, []byte(sealed[:12]), []byte(sealed[12:]), about)
		if err != nil {
			return nil, "InvalidCiphertextException"
		}
		return answer{"KeyId": arnOf(alias), "Plaintext": text}, ""
	}
	return nil, "UnknownOperationException"
}

// aead is the same in every process, so that a fake that is started anew opens what the
// one before has wrapped.
func aead(alias string) cipher.AEAD {
	key := sha256.Sum256([]byte("fake key of " + alias))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	out, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return out
}

func arnOf(alias string) string { return "arn:aws:kms:eu-central-1:" + Account + ":key/" + alias }

// wrong says what the real service says, too: whose key it was.
func wrong(code string) answer {
	return answer{"__type": code, "message": "it failed for " + arnOf("x") + " and user/somebody"}
}

func say(w http.ResponseWriter, status int, body answer) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller notices
}
