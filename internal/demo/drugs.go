package demo

// drug is one product of the formulary: the RxNorm clinical drug, its
// ingredient, and what a medication line prints.
type drug struct {
	product    code
	ingredient code
	generic    string
	brand      string
	strength   string
	form       code // SNOMED CT dose form
	unit       string
	ucum       string
	route      route
	highAlert  bool
	strengthOf float64 // amount of the dose unit in one tablet, capsule or puff; 0 if measured out
}

type route struct {
	code code
	text string
}

var (
	oral       = route{sct("26643006", "Oral route"), "by mouth"}
	subcut     = route{sct("34206005", "Subcutaneous route"), "subcutaneously"}
	iv         = route{sct("47625008", "Intravenous route"), "intravenously"}
	inhaled    = route{sct("447694001", "Respiratory tract route"), "inhaled"}
	sublingual = route{sct("37839007", "Sublingual route"), "under the tongue"}
	im         = route{sct("78421000", "Intramuscular route"), "intramuscularly"}

	tablet   = sct("385055001", "Tablet")
	capsule  = sct("385049006", "Capsule")
	injected = sct("385219001", "Solution for injection")
	inhaler  = sct("420641004", "Solution for inhalation")
	erTablet = sct("420627008", "Extended-release tablet")
)

const mg, mgUCUM, units, unitsUCUM = "mg", "mg", "units", "[iU]"

func tab(product, ingredient code, generic, brand, strength string, of float64) drug {
	return drug{product, ingredient, generic, brand, strength, tablet, mg, mgUCUM, oral, false, of}
}

func shot(product, ingredient code, generic, brand, strength, unit, ucum string, by route) drug {
	return drug{product, ingredient, generic, brand, strength, injected, unit, ucum, by, false, 0}
}

func (d drug) alert() drug { d.highAlert = true; return d }

func (d drug) shaped(form code, by route) drug {
	d.form, d.route = form, by
	return d
}

// concept names the product and its ingredient; where no product code is known
// for certain the ingredient stands alone, as happens in real charts.
func (d drug) concept() obj {
	if d.product.code == "" {
		return textConcept(d.generic+" "+d.strength, d.ingredient)
	}
	return textConcept(d.product.display, d.product, d.ingredient)
}

// The formulary.
var (
	metformin     = tab(rx("861007", "metformin hydrochloride 500 MG Oral Tablet"), rx("6809", "metformin"), "metformin", "Glucophage", "500 mg", 500)
	metformin1000 = tab(rx("861004", "metformin hydrochloride 1000 MG Oral Tablet"), rx("6809", "metformin"), "metformin", "Glucophage", "1,000 mg", 1000)
	sitagliptin   = tab(rx("665033", "sitagliptin 100 MG Oral Tablet"), rx("593411", "sitagliptin"), "sitagliptin", "Januvia", "100 mg", 100)
	repaglinide   = tab(rx("200257", "repaglinide 0.5 MG Oral Tablet"), rx("73044", "repaglinide"), "repaglinide", "Prandin", "0.5 mg", 0.5)
	lisinopril    = tab(rx("314076", "lisinopril 10 MG Oral Tablet"), rx("29046", "lisinopril"), "lisinopril", "Zestril", "10 mg", 10)
	lisinopril20  = tab(rx("314077", "lisinopril 20 MG Oral Tablet"), rx("29046", "lisinopril"), "lisinopril", "Zestril", "20 mg", 20)
	losartan      = tab(rx("979492", "losartan potassium 50 MG Oral Tablet"), rx("52175", "losartan"), "losartan", "Cozaar", "50 mg", 50)
	amlodipine    = tab(rx("197361", "amlodipine 5 MG Oral Tablet"), rx("17767", "amlodipine"), "amlodipine", "Norvasc", "5 mg", 5)
	hctz          = tab(rx("310798", "hydrochlorothiazide 25 MG Oral Tablet"), rx("5487", "hydrochlorothiazide"), "hydrochlorothiazide", "Microzide", "25 mg", 25)
	spironol      = tab(rx("313096", "spironolactone 25 MG Oral Tablet"), rx("9997", "spironolactone"), "spironolactone", "Aldactone", "25 mg", 25)
	furosemide    = tab(rx("313988", "furosemide 40 MG Oral Tablet"), rx("4603", "furosemide"), "furosemide", "Lasix", "40 mg", 40)
	metoprolol    = tab(rx("866924", "metoprolol tartrate 25 MG Oral Tablet"), rx("6918", "metoprolol"), "metoprolol", "Lopressor", "25 mg", 25)
	metoprololER  = tab(rx("866436", "24 HR metoprolol succinate 50 MG Extended Release Oral Tablet"), rx("6918", "metoprolol"), "metoprolol", "Toprol-XL", "50 mg", 50).shaped(erTablet, oral)
	atorvastatin  = tab(rx("617311", "atorvastatin 40 MG Oral Tablet"), rx("83367", "atorvastatin"), "atorvastatin", "Lipitor", "40 mg", 40)
	aspirin       = tab(rx("243670", "aspirin 81 MG Oral Tablet"), rx("1191", "aspirin"), "aspirin", "", "81 mg", 81)
	clopidogrel   = tab(rx("309362", "clopidogrel 75 MG Oral Tablet"), rx("32968", "clopidogrel"), "clopidogrel", "Plavix", "75 mg", 75)
	warfarin      = tab(rx("855332", "warfarin sodium 5 MG Oral Tablet"), rx("11289", "warfarin"), "warfarin", "Coumadin", "5 mg", 5).alert()
	apixaban      = tab(rx("1364445", "apixaban 5 MG Oral Tablet"), rx("1364430", "apixaban"), "apixaban", "Eliquis", "5 mg", 5).alert()
	digoxin       = tab(rx("197604", "digoxin 0.125 MG Oral Tablet"), rx("3407", "digoxin"), "digoxin", "Lanoxin", "0.125 mg", 0.125).alert()
	levothyroxine = tab(rx("966222", "levothyroxine sodium 0.075 MG Oral Tablet"), rx("10582", "levothyroxine"), "levothyroxine", "Synthroid", "75 mcg", 75).micro()
	sertraline    = tab(rx("312941", "sertraline 50 MG Oral Tablet"), rx("36437", "sertraline"), "sertraline", "Zoloft", "50 mg", 50)
	haloperidol   = tab(rx("310670", "haloperidol 0.5 MG Oral Tablet"), rx("5093", "haloperidol"), "haloperidol", "", "0.5 mg", 0.5)
	bupNaloxone   = tab(rx("351267", "buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet"), rx("1819", "buprenorphine"), "buprenorphine and naloxone", "", "8 mg and 2 mg", 8).shaped(tablet, sublingual)
	prednisone    = tab(rx("312615", "prednisone 20 MG Oral Tablet"), rx("8640", "prednisone"), "prednisone", "", "20 mg", 20)
	azithromycin  = tab(rx("308460", "azithromycin 250 MG Oral Tablet"), rx("18631", "azithromycin"), "azithromycin", "Zithromax", "250 mg", 250)
	amoxicillin   = tab(rx("308191", "amoxicillin 500 MG Oral Capsule"), rx("723", "amoxicillin"), "amoxicillin", "", "500 mg", 500).shaped(capsule, oral)
	cephalexin    = tab(rx("309114", "cephalexin 500 MG Oral Capsule"), rx("2231", "cephalexin"), "cephalexin", "Keflex", "500 mg", 500).shaped(capsule, oral)
	nitrofurant   = tab(rx("1648759", "nitrofurantoin, macrocrystals 100 MG Oral Capsule"), rx("7454", "nitrofurantoin"), "nitrofurantoin", "Macrodantin", "100 mg", 100).shaped(capsule, oral)
	acetamin      = tab(rx("198440", "acetaminophen 500 MG Oral Tablet"), rx("161", "acetaminophen"), "acetaminophen", "Tylenol", "500 mg", 500)
	ibuprofen     = tab(rx("197806", "ibuprofen 600 MG Oral Tablet"), rx("5640", "ibuprofen"), "ibuprofen", "", "600 mg", 600)
	oxycodone     = tab(rx("1049621", "oxycodone hydrochloride 5 MG Oral Tablet"), rx("7804", "oxycodone"), "oxycodone", "", "5 mg", 5).alert()
	gabapentin    = tab(rx("310431", "gabapentin 300 MG Oral Capsule"), rx("25480", "gabapentin"), "gabapentin", "Neurontin", "300 mg", 300).shaped(capsule, oral)
	pantoprazole  = tab(code{}, rx("40790", "pantoprazole"), "pantoprazole", "Protonix", "40 mg", 40)
	labetalol     = tab(rx("896762", "labetalol hydrochloride 200 MG Oral Tablet"), rx("6185", "labetalol"), "labetalol", "", "200 mg", 200)
	ferrous       = tab(rx("310325", "ferrous sulfate 325 MG Oral Tablet"), rx("24947", "ferrous sulfate"), "ferrous sulfate", "", "325 mg", 325)

	albuterol = drug{rx("245314", "albuterol 5 MG/ML Inhalation Solution"), rx("435", "albuterol"), "albuterol", "",
		"5 mg in 1 mL", inhaler, mg, mgUCUM, inhaled, false, 0}
	albuterolMDI = drug{rx("2123111", "NDA020503 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"), rx("435", "albuterol"), "albuterol",
		"Proventil", "90 mcg per puff", sct("421606006", "Aerosol spray"), "puffs", "{puff}", inhaled, false, 1}
	fluticasone = drug{rx("895994", "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler"), rx("41126", "fluticasone"), "fluticasone",
		"Flovent", "44 mcg per puff", sct("421606006", "Aerosol spray"), "puffs", "{puff}", inhaled, false, 1}

	heparin      = shot(rx("1361615", "heparin sodium, porcine 5000 UNT/ML Injectable Solution"), rx("5224", "heparin"), "heparin", "", "5,000 units in 1 mL", units, unitsUCUM, subcut).alert()
	enoxaparin   = shot(rx("854235", "0.4 ML enoxaparin sodium 100 MG/ML Prefilled Syringe"), rx("67108", "enoxaparin"), "enoxaparin", "Lovenox", "40 mg in 0.4 mL", mg, mgUCUM, subcut).alert()
	enoxaparin80 = shot(rx("854241", "0.8 ML enoxaparin sodium 100 MG/ML Prefilled Syringe"), rx("67108", "enoxaparin"), "enoxaparin", "Lovenox", "80 mg in 0.8 mL", mg, mgUCUM, subcut).alert()
	glargine     = shot(rx("847230", "3 ML insulin glargine 100 UNT/ML Pen Injector"), rx("274783", "insulin glargine"), "insulin glargine", "Lantus", "100 units in 1 mL", units, unitsUCUM, subcut).alert()
	lispro       = shot(rx("1652639", "3 ML insulin lispro 100 UNT/ML Pen Injector"), rx("86009", "insulin lispro"), "insulin lispro", "Humalog", "100 units in 1 mL", units, unitsUCUM, subcut).alert()
	regularIV    = shot(rx("311034", "insulin, regular, human 100 UNT/ML Injectable Solution"), rx("253182", "insulin, regular, human"), "insulin regular", "Humulin R", "100 units in 1 mL", units, unitsUCUM, iv).alert()
	ceftriaxone  = shot(rx("1665021", "ceftriaxone 1000 MG Injection"), rx("2193", "ceftriaxone"), "ceftriaxone", "", "1,000 mg", mg, mgUCUM, iv)
	vancomycin   = shot(rx("1807513", "vancomycin 1000 MG Injection"), rx("11124", "vancomycin"), "vancomycin", "", "1,000 mg", mg, mgUCUM, iv)
	pipTazo      = shot(rx("1659149", "piperacillin 4000 MG / tazobactam 500 MG Injection"), rx("8339", "piperacillin"), "piperacillin and tazobactam", "Zosyn", "4,500 mg", mg, mgUCUM, iv)
	cefazolin    = shot(rx("1665050", "cefazolin 1000 MG Injection"), rx("2180", "cefazolin"), "cefazolin", "", "1,000 mg", mg, mgUCUM, iv)
	furosemideIV = shot(rx("1719291", "4 ML furosemide 10 MG/ML Injection"), rx("4603", "furosemide"), "furosemide", "Lasix", "40 mg in 4 mL", mg, mgUCUM, iv)
	morphine     = shot(rx("2003714", "1 ML morphine sulfate 2 MG/ML Injection"), rx("7052", "morphine"), "morphine", "", "2 mg in 1 mL", mg, mgUCUM, iv).alert()
	vitaminK     = shot(code{}, rx("8308", "vitamin K1"), "phytonadione", "", "1 mg in 0.5 mL", mg, mgUCUM, im)
)

func (d drug) micro() drug {
	d.unit, d.ucum = "mcg", "ug"
	return d
}

// formularyDrugs is every product, for the Medication resources of the pharmacy.
func formularyDrugs() []drug {
	return []drug{metformin, metformin1000, sitagliptin, repaglinide, lisinopril, lisinopril20, losartan, amlodipine,
		hctz, spironol, furosemide, metoprolol, metoprololER, atorvastatin, aspirin, clopidogrel, warfarin, apixaban,
		digoxin, levothyroxine, sertraline, haloperidol, bupNaloxone, prednisone, azithromycin, amoxicillin, cephalexin,
		nitrofurant, acetamin, ibuprofen, oxycodone, gabapentin, pantoprazole, labetalol, ferrous, albuterol,
		albuterolMDI, fluticasone, heparin, enoxaparin, enoxaparin80, glargine, lispro, regularIV, ceftriaxone,
		vancomycin, pipTazo, cefazolin, furosemideIV, morphine, vitaminK}
}

// formulary makes a Medication for each product.
func (w *world) formulary() []entry {
	var out []entry
	for _, d := range formularyDrugs() {
		id := "med-" + d.product.code
		if d.product.code == "" {
			id = "med-" + d.ingredient.code
		}
		out = append(out, entry{"Medication", id, o("resourceType", "Medication", "id", id, "meta", testMeta(),
			"code", d.concept(), "status", "active", "form", concept(d.form),
			"ingredient", list(o("itemCodeableConcept", concept(d.ingredient), "isActive", true)))})
	}
	return out
}
