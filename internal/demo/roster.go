package demo

// slot is one place of the roster: who lies or comes here and with what story.
// Slots 1 to TrapPatients bear the traps; the places never change, because
// tests and drills name their patients by id.
type slot struct {
	story func(*chart)
	sex   string
	age   float64 // years
	ward  string  // "": an outpatient
	los   float64 // days of the current stay
	who   func(*world, *person)
	trap  func(*chart)
}

// slotOf is the slot of patient n. Beyond the roster the outpatient stories
// come round again with other people.
func slotOf(n int) slot {
	if n <= len(roster) {
		return roster[n-1]
	}
	return overflow[(n-len(roster)-1)%len(overflow)]
}

var roster = []slot{
	{chronicKidney, "male", 71, WardMedicine, 3.4, nil, nil},
	{diabetes, "female", 58, WardMedicine, 4.2, nil, nil},
	{diabetes, "male", 63, "", 0, nil, nil},
	{chronicKidney, "female", 77, "", 0, nil, nil},
}

var overflow = []slot{
	{diabetes, "male", 55, "", 0, nil, nil},
	{chronicKidney, "female", 68, "", 0, nil, nil},
	{diabetes, "female", 49, "", 0, nil, nil},
	{chronicKidney, "male", 74, "", 0, nil, nil},
}
