package demo

import (
	"bytes"
	"time"

	"github.com/go-pdf/fpdf"
)

// notForCare stands on every page and picture.
const notForCare = "SYNTHETIC - NOT FOR CARE"

// letter is one document on the hospital's paper.
type letter struct {
	title, patient, mrn, author string
	born, when                  time.Time
	paragraphs                  []string
}

// writePDF sets the letter. The bytes depend on the letter alone: dates are
// given, the catalogue is sorted and streams are not compressed, since the
// output of a compressor may change with its version.
func writePDF(l letter) []byte {
	pdf := fpdf.New("P", "mm", "Letter", "")
	pdf.SetCompression(false)
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(l.when.UTC())
	pdf.SetModificationDate(l.when.UTC())
	pdf.SetProducer("Port Alder General Hospital (synthetic)", true)
	pdf.SetTitle(l.title, true)
	latin := pdf.UnicodeTranslatorFromDescriptor("")
	pdf.SetMargins(22, 20, 22)
	pdf.SetAutoPageBreak(true, 22)
	pdf.SetHeaderFunc(func() { letterhead(pdf, latin, l) })
	pdf.SetFooterFunc(func() {
		pdf.SetY(-16)
		pdf.SetFont("Helvetica", "B", 9)
		pdf.SetTextColor(170, 30, 30)
		pdf.CellFormat(0, 5, "Synthetic - not for care. No real person is described.", "", 0, "C", false, 0, "")
	})
	pdf.AddPage()
	pdf.SetTextColor(20, 20, 20)
	pdf.SetFont("Helvetica", "B", 15)
	pdf.CellFormat(0, 9, latin(l.title), "", 1, "L", false, 0, "")
	pdf.Ln(2)
	pdf.SetFont("Helvetica", "", 11)
	for _, p := range l.paragraphs {
		pdf.MultiCell(0, 5.6, latin(p), "", "L", false)
		pdf.Ln(2.6)
	}
	pdf.Ln(6)
	pdf.CellFormat(0, 6, latin("Signed electronically: "+l.author+", "+l.when.Format("02-Jan-2006 15:04")), "", 1, "L", false, 0, "")
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		panic("demo: a letter could not be set")
	}
	return out.Bytes()
}

func letterhead(pdf *fpdf.Fpdf, latin func(string) string, l letter) {
	pdf.SetTextColor(170, 30, 30)
	pdf.SetFont("Helvetica", "B", 9)
	pdf.CellFormat(0, 5, notForCare, "", 1, "C", false, 0, "")
	pdf.SetTextColor(20, 60, 90)
	pdf.SetFont("Helvetica", "B", 13)
	pdf.CellFormat(0, 7, "Port Alder General Hospital", "", 1, "L", false, 0, "")
	pdf.SetTextColor(60, 60, 60)
	pdf.SetFont("Helvetica", "", 9)
	pdf.CellFormat(0, 5, "1 Harborview Avenue, Port Alder, NY 14999", "", 1, "L", false, 0, "")
	pdf.CellFormat(0, 5, latin(l.patient+"   born "+l.born.Format("02-Jan-2006")+"   MRN "+l.mrn), "B", 1, "L", false, 0, "")
	pdf.Ln(4)
}
