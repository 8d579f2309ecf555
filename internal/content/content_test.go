package content_test

import (
	"archive/zip"
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/content"
)

// samples are beginnings of files, as their formats' makers write them.
func samples(t testing.TB) map[string]string {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 2, 2))
	made := func(write func(*bytes.Buffer) error) string {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	archive := func(names ...string) string {
		return made(func(b *bytes.Buffer) error {
			w := zip.NewWriter(b)
			for _, name := range names {
				if _, err := w.Create(name); err != nil {
					return err
				}
			}
			return w.Close()
		})
	}
	return map[string]string{
		"application/pdf":   "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
		"image/png":         made(func(b *bytes.Buffer) error { return png.Encode(b, picture) }),
		"image/jpeg":        made(func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) }),
		"image/gif":         made(func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) }),
		"image/tiff":        "II*\x00\x08\x00\x00\x00",
		"image/webp":        "RIFF\x1a\x00\x00\x00WEBPVP8L",
		"image/bmp":         "BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00",
		"application/dicom": strings.Repeat("\x00", 128) + "DICM\x02\x00\x00\x00",
		"application/zip":   archive("a.txt"),
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       archive("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"),
		"application/gzip": "\x1f\x8b\x08\x00\x00\x00\x00\x00",
		"text/rtf":         `{\rtf1\ansi`,
		"video/mp4":        "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2",
		"audio/wav":        "RIFF\x24\x00\x00\x00WAVEfmt ",
		"audio/mpeg":       strings.Repeat("\xff\xfb\x90\x00"+strings.Repeat("\x00", 413), 6),
		"text/html":        "<!DOCTYPE html><script>1</script>",
		"application/xml":  "<?xml version='1.0'?><a/>",
		"application/json": `{"a":1}`,
		"text/plain":       "Gruesse aus der Chirurgie",
	}
}

// TestAgrees: each type takes its own content, and that of no other whose first bytes differ.
func TestAgrees(t *testing.T) {
	all := samples(t)
	text := []string{"text/html", "application/xml", "application/json", "text/plain", "text/rtf"}
	for declared := range all {
		for made, data := range all {
			fits := declared == made
			switch {
			case declared == "text/plain", declared == "text/html": // any text may be one of them
				fits = contains(text, made)
			case declared == "application/xml":
				fits = fits || made == "text/html"
			case declared == "application/zip":
				fits = fits || strings.Contains(made, "openxml")
			case strings.Contains(declared, "openxml"): // an archive may hold its parts further behind
				fits = fits || made == "application/zip"
			}
			if content.Agrees(declared, []byte(data)) != fits {
				t.Errorf("declared %s, is %s: agrees %v", declared, made, !fits)
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestAgreesWith(t *testing.T) {
	all := samples(t)
	for _, c := range []struct {
		name, declared, data string
		agrees               bool
	}{
		{"a page before the PDF", "application/pdf", "<html><script>1</script>" + all["application/pdf"], false},
		{"white space before the PDF", "application/pdf", "\n" + all["application/pdf"], false},
		{"capital letters", "Application/PDF", all["application/pdf"], true},
		{"capital letters, a page", "Application/PDF", all["text/html"], false},
		{"parameters", "image/png; q=1", all["text/html"], false},
		{"parameters that are none", "image/png; =", all["text/html"], false},
		{"a parameter twice", "image/png; a=1; a=2", all["text/html"], false},
		{"another name", "image/jpg", all["image/jpeg"], true},
		{"another name, another picture", "image/x-ms-bmp", all["image/png"], false},
		{"no type", "", all["text/html"], true},
		{"no type that anybody knows", "application/x-analyser", all["text/html"], true},
		{"bytes", "application/octet-stream", all["text/html"], true},
		{"sound in a container of pictures", "audio/mp4", all["video/mp4"], true},
		{"sound that is a page", "audio/mp4", all["text/html"], false},
		{"a program", "image/png", "MZ\x90\x00", false},
		{"a program as a text", "text/plain", "MZ\x90\x00", false},
		{"a letter of before Unicode", "text/plain", "Gr\xfc\xdfe", true},
		{"the same, said to be UTF-8", "text/plain; charset=UTF-8", "Gr\xfc\xdfe", false},
		{"the same, said to be Latin-1", "text/plain; charset=iso-8859-1", "Gr\xfc\xdfe", true},
		{"two bytes a sign", "text/plain; charset=utf-16", "\xfe\xff\x00a", true},
		{"two bytes a sign, unsaid", "text/xml", "\xfe\xff\x00<\x00a", true},
		{"a document of HL7", "application/hl7-sda+xml", "\uFEFF <ClinicalDocument/>", true},
		{"a document of HL7 that is a picture", "application/hl7-sda+xml", all["image/png"], false},
		{"a drawing", "image/svg+xml", "<svg/>", true},
		{"a drawing that is a text", "image/svg+xml", "svg", false},
		{"half of a JSON", "application/fhir+json", `{"a":`, false},
		{"lines of JSON", "application/fhir+ndjson", "{}\n{}\n", true},
		{"a table", "text/csv", "a;b\n1;2\n", true},
		{"nothing", "image/png", "", false},
	} {
		if got := content.Agrees(c.declared, []byte(c.data)); got != c.agrees {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// FuzzAgrees: whatever is sent in whatever name, it is answered.
func FuzzAgrees(f *testing.F) {
	for declared, data := range samples(f) {
		f.Add(declared, []byte(data))
	}
	f.Fuzz(func(_ *testing.T, declared string, data []byte) { content.Agrees(declared, data) })
}
