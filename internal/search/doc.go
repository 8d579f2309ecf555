// Package search turns a FHIR search into a plan over keyed tokens, and a
// resource into the tokens, edges and index card that such plans find it by.
// It does no I/O: package vault seals, stores, runs and rechecks.
//
// Two rules carry the package. A plan may find too much but never too little,
// and says whether it is exact; and Plan.Match answers the whole query from the
// card alone, so that whatever a plan finds too much is taken out again. The
// formats are described in docs/formats/index.md and docs/formats/card.md.
package search
