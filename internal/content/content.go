// Package content tells whether the bytes of a file can be what they are said to be,
// and has a scanner for malware look at them.
package content

import (
	"bytes"
	"encoding/json"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// Agrees reports whether data can be of the media type that is declared for it. A type
// without a mark that is known here agrees with everything, and so does none: such a
// file is given out as something that no program opens by itself.
func Agrees(declared string, data []byte) bool {
	// What stands behind the type may be wrong, and the type still be read by somebody.
	media, _, _ := strings.Cut(strings.ToLower(declared), ";")
	media = strings.TrimSpace(media)
	_, params, _ := mime.ParseMediaType(declared)
	known := mimetype.Lookup(media)
	switch {
	case media == "application/pdf", media == "application/x-pdf":
		// Readers take a PDF behind anything, which is how one file is two.
		return bytes.HasPrefix(data, []byte("%PDF-"))
	case media == "text/rtf", media == "application/rtf":
		return bytes.HasPrefix(data, []byte(`{\rtf`))
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return json.Valid(data) && utf8.Valid(data)
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml") && !within(known, "application/zip"):
		return isText(data, params["charset"]) && startsMarkup(data)
	case strings.HasPrefix(media, "text/"), within(known, "text/plain"):
		return isText(data, params["charset"])
	case known == nil, known.Parent() == nil: // application/octet-stream is anything
		return true
	}
	found := mimetype.Detect(data)
	return within(found, media) || unsure(found, known) || sameContainer(found, known)
}

// within reports whether a type is another one, or a kind of it.
func within(m *mimetype.MIME, of string) bool {
	for ; m != nil; m = m.Parent() {
		if m.Is(of) {
			return true
		}
	}
	return false
}

// unsure: what was found is a container, such as ZIP, of which what is declared is a
// kind. Which one it is may be told by parts that lie further behind.
func unsure(found, declared *mimetype.MIME) bool {
	return found.Parent() != nil && within(declared, found.String())
}

// containers bear one mark, whatever is in them: sound, pictures or both.
var containers = [][]string{
	{"video/mp4", "audio/mp4", "audio/x-m4a", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2"},
	{"application/ogg", "audio/ogg", "video/ogg"},
	{"video/webm", "video/x-matroska"},
	{"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"},
}

func sameContainer(a, b *mimetype.MIME) bool {
	return slices.ContainsFunc(containers, func(kin []string) bool {
		return slices.ContainsFunc(kin, a.Is) && slices.ContainsFunc(kin, b.Is)
	})
}

// isText reports whether data holds no bytes that no text has (WHATWG MIME Sniffing
// §7.2), and is UTF-8 if it is said to be. UTF-16 and UTF-32 have such bytes.
func isText(data []byte, charset string) bool {
	switch charset = strings.ToLower(charset); {
	case strings.HasPrefix(charset, "utf-16"), strings.HasPrefix(charset, "utf-32"):
		return true
	case bytes.HasPrefix(data, []byte("\xFE\xFF")), bytes.HasPrefix(data, []byte("\xFF\xFE")):
		return charset == ""
	case bytes.HasPrefix(data, []byte("%PDF-")), (charset == "utf-8" || charset == "us-ascii") && !utf8.Valid(data):
		return false
	}
	return !slices.ContainsFunc(data, func(c byte) bool {
		return c < ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r' && c != 0x1B
	})
}

// startsMarkup looks for the first sign of XML, which UTF-16 has a zero beside.
func startsMarkup(data []byte) bool {
	data = bytes.TrimLeft(data, "\uFEFF \t\r\n\x00\xFE\xFF")
	return len(data) > 0 && data[0] == '<'
}
