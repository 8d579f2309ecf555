package smart_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"sync"
)

// signing is what is stored of the key of id_tokens, made once: RSA keys are slow to
// come by.
var signing = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(map[string]any{"keys": []map[string]any{{"kid": "k1", "pkcs8": der, "created": rigTime}}})
	if err != nil {
		panic(err)
	}
	return text
})
