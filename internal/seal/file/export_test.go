package file

// Stored returns the bytes of a file with the salt given, for frozen examples.
func Stored(key, salt, text []byte) []byte {
	h, aead, err := headerOf([KeySize]byte(key), [saltSize]byte(salt))
	if err != nil {
		panic(err)
	}
	return sealChunk(aead, h, headerSize, head{}, text)
}
