package clinical

import (
	"strings"
	"unicode"
)

// tallMan lists drug names with the capitals that tell look-alikes apart.
// Sources: FDA Name Differentiation Project, list of established drug names
// recommended to use tall man lettering; ISMP, FDA and ISMP Lists of
// Look-Alike Drug Names with Recommended Tall Man Letters (2008 list of
// generic names with the additions of 2023 to FDA's table). Brand names are
// not here: they are printed in capitals throughout.
const tallMan = `
acetaZOLAMIDE acetoHEXAMIDE buPROPion busPIRone CARBOplatin CISplatin
chlorproMAZINE chlorproPAMIDE clomiPHENE clomiPRAMINE cycloSERINE cycloSPORINE
DAUNOrubicin DOXOrubicin dimenhyDRINATE diphenhydrAMINE DOBUTamine DOPamine
glipiZIDE glyBURIDE hydrALAZINE hydrOXYzine medroxyPROGESTERone
methylPREDNISolone methylTESTOSTERone niCARdipine NIFEdipine predniSONE
prednisoLONE sulfADIAZINE sulfiSOXAZOLE TOLAZamide TOLBUTamide vinBLAStine
vinCRIStine

ALPRAZolam LORazepam amLODIPine aMILoride azaCITIDine azaTHIOprine ceFAZolin
cefTRIAXone chlordiazePOXIDE clonazePAM cloNIDine DACTINomycin DAPTOmycin
ePHEDrine EPINEPHrine fentaNYL SUFentanil FLUoxetine DULoxetine PARoxetine
guanFACINE guaiFENesin HYDROcodone oxyCODONE HYDROmorphone IDArubicin
inFLIXimab riTUXimab metroNIDAZOLE metFORMIN niMODipine OXcarbazepine
carBAMazepine PENTobarbital PHENobarbital QUEtiapine OLANZapine quiNINE
quiNIDine
`

// tallManNames finds a name by its lower-case letters.
var tallManNames = func() map[string]string {
	names := make(map[string]string)
	for _, n := range strings.Fields(tallMan) {
		names[strings.ToLower(n)] = n
	}
	return names
}()

// Generic renders a generic name: lower case, with tall-man letters in the
// words that have look-alikes.
func Generic(name string) string {
	var b strings.Builder
	word := func(w string) {
		if tall, ok := tallManNames[w]; ok {
			w = tall
		}
		b.WriteString(w)
	}
	start := -1
	lower := strings.ToLower(Plain(name))
	for i, r := range lower {
		if unicode.IsLetter(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			word(lower[start:i])
			start = -1
		}
		b.WriteRune(r)
	}
	if start >= 0 {
		word(lower[start:])
	}
	return b.String()
}
