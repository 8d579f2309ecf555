package demo

import "time"

// allergy is one entry of the allergy list.
type allergy struct {
	substance   code // absent: free text
	text        string
	category    string // food, medication, environment, biologic
	criticality string // low, high, unable-to-assess
	reaction    code
	severity    string // mild, moderate, severe
	status      string // active if empty; inactive, resolved
	recorded    time.Time
}

// Substances and reactions that occur.
var (
	penicillin   = rx("70618", "penicillin")
	sulfameth    = rx("10180", "sulfamethoxazole")
	codeine      = rx("2670", "codeine")
	aspirinSub   = rx("1191", "aspirin")
	peanut       = sct("762952008", "Peanut")
	latex        = sct("111088007", "Latex")
	beeVenom     = sct("288328004", "Bee venom")
	shellfish    = sct("735029006", "Shellfish")
	contrast     = sct("426722004", "Iodinated contrast media")
	noKnown      = sct("716186003", "No known allergy")
	anaphylaxis  = sct("39579001", "Anaphylaxis")
	urticaria    = sct("126485001", "Urticaria")
	rash         = sct("271807003", "Eruption of skin")
	nausea       = sct("422587007", "Nausea")
	wheeze       = sct("56018004", "Wheezing")
	angioedema   = sct("41291007", "Angioedema")
	contactDermt = sct("40275004", "Contact dermatitis")
)

// allergic adds an entry and returns its id.
func (c *chart) allergic(a allergy) string {
	status := tho("allergyintolerance-clinical", "active", "Active")
	if a.status != "" {
		status = tho("allergyintolerance-clinical", a.status, map[string]string{"inactive": "Inactive", "resolved": "Resolved"}[a.status])
	}
	what := concept(a.substance)
	if a.substance.code == "" {
		what = o("text", a.text)
	}
	body := o("clinicalStatus", bare(status),
		"verificationStatus", bare(tho("allergyintolerance-verification", "confirmed", "Confirmed")))
	if a.category != "" {
		body = body.with("type", "allergy", "category", list(a.category))
	}
	if a.criticality != "" {
		body = body.with("criticality", a.criticality)
	}
	body = body.with("code", what, "patient", c.subject(), "recordedDate", instant(a.recorded),
		"recorder", c.nurse.ref(), "asserter", c.subject())
	if a.reaction.code != "" {
		reaction := o("manifestation", list(concept(a.reaction)))
		if a.severity != "" {
			reaction = reaction.with("severity", a.severity)
		}
		body = body.with("reaction", list(reaction))
	}
	id := c.nextID("alg")
	c.put("AllergyIntolerance", id, body)
	return id
}

// usualAllergies gives a patient of no particular interest what most have: no
// known allergy asserted by a nurse, or one or two known ones.
func (c *chart) usualAllergies() {
	when := c.clinicHour(30 + float64(c.r.IntN(1200)))
	options := []allergy{
		{substance: penicillin, category: "medication", criticality: "low", reaction: rash, severity: "moderate"},
		{substance: sulfameth, category: "medication", criticality: "low", reaction: urticaria, severity: "moderate"},
		{substance: codeine, category: "medication", criticality: "low", reaction: nausea, severity: "mild"},
		{substance: latex, category: "environment", criticality: "low", reaction: contactDermt, severity: "mild"},
		{substance: shellfish, category: "food", criticality: "low", reaction: urticaria, severity: "mild"},
		{substance: contrast, category: "medication", criticality: "high", reaction: urticaria, severity: "severe"},
	}
	switch n := c.r.IntN(10); {
	case n < 6:
		c.noAllergies(when)
	default:
		first := c.r.IntN(len(options))
		options[first].recorded = when
		c.allergic(options[first])
		if n == 9 {
			second := (first + 1 + c.r.IntN(len(options)-1)) % len(options)
			options[second].recorded = when
			c.allergic(options[second])
		}
	}
}

// noAllergies records the assertion that none is known, by whom and when.
func (c *chart) noAllergies(when time.Time) string {
	return c.allergic(allergy{substance: noKnown, recorded: when})
}
