package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Systems of the numbers that this hospital gives out. 2.999 is the arc that
// ITU-T keeps for examples; nothing real is ever registered below it.
const (
	SystemMRN    = "urn:oid:2.999.7.1" // medical record numbers
	SystemVisit  = "urn:oid:2.999.7.2" // visit numbers
	SystemStaff  = "urn:oid:2.999.7.3" // staff numbers
	SystemMember = "urn:oid:2.999.7.4" // insurance member numbers
	SystemOrder  = "urn:oid:2.999.7.5" // placer order numbers
	SystemFiller = "urn:oid:2.999.7.6" // laboratory accession numbers
	systemSSN    = "http://hl7.org/fhir/sid/us-ssn"
	systemNPI    = "http://hl7.org/fhir/sid/us-npi"
)

// baseURL is only used for fullUrl.
const baseURL = "https://hospital.example.org/fhir/"

func patientID(n int) string { return fmt.Sprintf("p%03d", n) }

// mrn returns the number of the nth patient: seven digits and a Luhn check
// digit. It does not depend on the seed, so that a badge or a test may name it.
// The map is one to one below a million.
func mrn(n int) string {
	body := strconv.Itoa(4_000_000 + (n*370_247+81_913)%1_000_000)
	return body + string(luhn(body))
}

// luhn returns the check digit (ISO/IEC 7812-1) of a string of digits.
func luhn(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}

// ssn returns a number that has the form of a social security number and can
// be none: area 9xx is never issued, and the group stays below 50, which the
// tax office leaves out of its own 9xx numbers.
func ssn(r *rand.Rand) string {
	return fmt.Sprintf("9%02d-%02d-%04d", r.IntN(100), 1+r.IntN(49), 1+r.IntN(9999))
}

// npi returns a number of the form of a provider number with a right check
// digit that is none: provider numbers begin with 1 or 2.
func npi(n int) string {
	body := fmt.Sprintf("99999%04d", n)
	return body + string(luhn("80840"+body))
}

// phone returns a number of the range kept for fiction.
func phone(r *rand.Rand) string {
	return fmt.Sprintf("+1 (%s) 555-01%02d", areaCode, r.IntN(100))
}

// areaCode is one that no region bears.
const areaCode = "999"
