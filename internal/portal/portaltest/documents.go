package portaltest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

func (w *writer) document(id, media, title, status, content string) {
	w.add(fmt.Sprintf(`{"resourceType":"DocumentReference","id":"%s","status":"%s","type":{"text":"%s"},"subject":{"reference":"Patient/%s"},"date":"2026-03-06T16:20:00-05:00","author":[{"display":"Dr Priya Raman"}],"content":[{"attachment":{"contentType":"%s",%s}}]}`, id, status, title, Adaeze, media, content))
}

func (w *writer) documents() {
	data := func(b []byte) string { return `"data":"` + base64.StdEncoding.EncodeToString(b) + `"` }
	w.document("d-note", "text/plain; charset=utf-8", "Admission note", "current", data([]byte("Admitted with weakness.\nPotassium 6.1 mmol per L at the door.\n\nPlan: calcium, insulin with glucose, nephrology to see.\n")))
	w.document("d-scan", "image/png", "Wound photograph", "current", data(picture()))
	w.document("d-pdf", "application/pdf", "Discharge letter of an earlier stay", "superseded", `"url":"Binary/b-pdf"`)
	w.document("d-odd", "application/x-unknown", "File of a device", "current", data([]byte{1, 2, 3}))
	w.add(`{"resourceType":"Binary","id":"b-pdf","contentType":"application/pdf","data":"` + base64.StdEncoding.EncodeToString([]byte(pdf)) + `"}`)
}

// picture is a small image with something to see in it.
func picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for y := range 200 {
		for x := range 320 {
			img.Set(x, y, color.RGBA{uint8(120 + x/4), uint8(90 + y/3), 110, 255})
		}
	}
	var buf bytes.Buffer
	_ = png.Encode(&buf, img) // a bytes.Buffer takes everything
	return buf.Bytes()
}

const pdf = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
