package demo

// slot is one place of the roster: who lies or comes here and with what story.
// Slots 1 to TrapPatients bear the traps; the places never change, because
// tests and drills name their patients by id.
type slot struct {
	sex     string
	age     float64 // years
	ward    string  // "": an outpatient
	los     float64 // days of the current stay
	doctor  string  // responsible, if it must be somebody certain
	unknown bool    // nobody knows who it is: no insurance, no past
	story   func(*chart)

	who       func(*chart) // changes the person before anything is written
	name      func(*chart) // changes the Patient resource
	allergies func(*chart) // nil: what most people have
	trap      func(*chart) // runs when the record is written
}

// TrapPatients is how many patients bear traps: p001 to p036.
const TrapPatients = 36

// slotOf is the slot of patient n. Beyond the roster the outpatient stories
// come round again with other people.
func slotOf(n int) slot {
	slots := roster()
	if n <= len(slots) {
		return slots[n-1]
	}
	again := overflow()
	return again[(n-len(slots)-1)%len(again)]
}
