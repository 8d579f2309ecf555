package fhirhttp

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// compressed gzips answers for those who ask. Bodies hold no secret beside what
// a caller may read anyway, so their length tells him nothing new.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.ContentTypes(append([]string{fhirNDJSON}, served...)))
	if err != nil {
		return next // the options above are constants and valid
	}
	return wrap(next)
}
