package smart

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxForm bounds a request's body.
const maxForm = 16 << 10

// errForm carries a sentence that may be shown; it holds nothing of the request.
type errForm string

func (e errForm) Error() string { return string(e) }

// errCredentials means that the client said who it is in no way we take.
var errCredentials = errors.New("no client credentials")

// readForm reads a form strictly: parameters in the body only, none twice
// (RFC 6749 §3.2), no bad escapes, UTF-8. Empty parameters count as absent.
func readForm(w http.ResponseWriter, r *http.Request) (map[string]string, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || kind != "application/x-www-form-urlencoded" || charset != "" && !strings.EqualFold(charset, "utf-8") ||
		len(r.Header.Values("Content-Type")) != 1 {
		return nil, errForm("Send application/x-www-form-urlencoded.")
	}
	if r.URL.RawQuery != "" {
		return nil, errForm("Parameters belong in the body, not in the address.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, errForm("The body is too large or incomplete.")
	}
	return parseForm(string(body))
}

func parseForm(body string) (map[string]string, error) {
	out := map[string]string{}
	seen := map[string]bool{}
	if body == "" {
		return out, nil
	}
	for _, pair := range strings.Split(body, "&") {
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err1 := url.QueryUnescape(rawKey)
		value, err2 := url.QueryUnescape(rawValue)
		switch {
		case err1 != nil, err2 != nil, strings.Contains(pair, ";"), !utf8.ValidString(key), !utf8.ValidString(value),
			strings.ContainsRune(key+value, 0):
			return nil, errForm("The form is not well formed.")
		case key == "":
			return nil, errForm("A parameter has no name.")
		case seen[key]:
			return nil, errForm("A parameter is there twice.")
		}
		seen[key] = true
		if value != "" {
			out[key] = value
		}
	}
	return out, nil
}

// assertionType is the only one that is taken (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertion returns the signed assertion by which a client says who it is; ok is
// false if there is none.
func assertion(r *http.Request, form map[string]string) (text string, ok bool, err error) {
	text, kind := form["client_assertion"], form["client_assertion_type"]
	switch {
	case text == "" && kind == "":
		return "", false, nil
	case len(r.Header.Values("Authorization")) > 0 || form["client_secret"] != "":
		return "", false, errForm("Use one way of authenticating, not two.")
	case kind != assertionType || text == "":
		return "", false, errForm("client_assertion_type must be " + assertionType + ", and client_assertion a JWT.")
	}
	return text, true, nil
}

// credentials returns who the client says it is: by HTTP Basic or in the form,
// never both (RFC 6749 §2.3).
func credentials(r *http.Request, form map[string]string) (id, secret string, err error) {
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) > 1:
		return "", "", errForm("There is more than one Authorization header.")
	case len(headers) == 0 && (form["client_id"] == "" || form["client_secret"] == ""):
		return "", "", errCredentials
	case len(headers) == 0:
		return form["client_id"], form["client_secret"], nil
	case form["client_secret"] != "":
		return "", "", errForm("Use one way of authenticating, not two.")
	}
	if id, secret, err = basic(headers[0]); err != nil {
		return "", "", err
	}
	if other := form["client_id"]; other != "" && other != id {
		return "", "", errForm("Header and form name different clients.")
	}
	return id, secret, nil
}

// basic reads RFC 7617 with both parts form-encoded, as RFC 6749 §2.3.1 wants.
func basic(header string) (id, secret string, err error) {
	scheme, rest, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", errCredentials
	}
	plain, err := base64.StdEncoding.Strict().DecodeString(rest)
	if err != nil {
		return "", "", errCredentials
	}
	rawID, rawSecret, ok := strings.Cut(string(plain), ":")
	if !ok {
		return "", "", errCredentials
	}
	id, err1 := url.QueryUnescape(rawID)
	secret, err2 := url.QueryUnescape(rawSecret)
	if err1 != nil || err2 != nil || id == "" || secret == "" {
		return "", "", errCredentials
	}
	return id, secret, nil
}
