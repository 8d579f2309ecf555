package box

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// ErrSelfTest means that a cipher of this machine or build computes something
// else than the standards say. Nothing may be sealed or opened.
var ErrSelfTest = errors.New("a cipher fails its known-answer test")

// SelfTest compares HMAC, HKDF, AES-GCM and the box with known answers, and
// checks that a box opens for its own key only. It takes some 20 µs.
func SelfTest() error {
	if hmacAnswers() && hkdfAnswers() && gcmAnswers() && boxAnswers() {
		return nil
	}
	return ErrSelfTest
}

// RFC 4231, test case 1.
func hmacAnswers() bool {
	h := hmac.New(sha256.New, bytes.Repeat([]byte{0x0b}, 20))
	h.Write([]byte("Hi There"))
	return bytes.Equal(h.Sum(nil), unhex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"))
}

// RFC 5869, appendix A.1.
func hkdfAnswers() bool {
	okm, err := hkdf.Key(sha256.New, bytes.Repeat([]byte{0x0b}, 22), unhex("000102030405060708090a0b0c"),
		string(unhex("f0f1f2f3f4f5f6f7f8f9")), 42)
	return err == nil && bytes.Equal(okm, unhex("3cb25f25faacd57a90434f64d0362f2a"+
		"2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16, with
// the nonce in front as the module wants it.
func gcmAnswers() bool {
	sealed := unhex("cafebabefacedbaddecaf888" +
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
		"76fc6ece0f4e1768cddf8853bb2d551b")
	aad := unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
	block, err := aes.NewCipher(bytes.Repeat(unhex("feffe9928665731c6d6a8f9467308308"), 2))
	if err != nil {
		return false
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return false
	}
	plain, err := aead.Open(nil, nil, sealed, aad)
	if err != nil || !bytes.Equal(plain, unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"+
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")) {
		return false
	}
	sealed[12] ^= 1
	_, err = aead.Open(nil, nil, sealed, aad)
	return err != nil
}

// The first vector of testdata/box.json.
const frozenBox = "016f8281f850f391d05e4edf4c74f6de02400868d276ce2dae733134496444d2067b7215b0ce9321cec951756a" +
	"97ec23f85711d20c3122a33495cbe5fb6f3480d1691cc9edbee65cb0f776d6c321bdc841b436201e0dff4f9d4e173398"

// A frozen box, and a round trip with its refusals.
func boxAnswers() bool {
	key, other := new(Key), new(Key)
	for i := range key {
		key[i], other[i] = byte(i), byte(i)
	}
	other[31] ^= 1
	info, aad, plain := "self-test", []byte("additional data"), []byte("wardkeep")
	if got, err := Open(nil, key, info, aad, unhex(frozenBox)); err != nil || !bytes.Equal(got, plain) {
		return false
	}
	fresh := Seal(nil, key, info, aad, plain)
	got, err := Open(nil, key, info, aad, fresh)
	if err != nil || !bytes.Equal(got, plain) {
		return false
	}
	_, errKey := Open(nil, other, info, aad, fresh)
	_, errInfo := Open(nil, key, info+"x", aad, fresh)
	_, errAAD := Open(nil, key, info, aad[1:], fresh)
	return errKey != nil && errInfo != nil && errAAD != nil
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}
