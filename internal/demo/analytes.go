package demo

// analyte is something measured: a laboratory test or a vital sign.
type analyte struct {
	key     string
	code    code
	unit    string // as printed
	ucum    string
	digits  int
	low     float64 // reference range
	high    float64
	lowF    float64 // of women, where it differs
	highF   float64
	panicLo float64 // at or below: LL, act now; 0: none
	panicHi float64 // at or above: HH
	mean    float64 // usual value, 0: middle of the range
	between float64 // how far people differ, 0: an eighth of the range
	cv      float64 // noise of biology and measuring, relative
	diurnal float64
	floor   float64
	cap     float64
	oneSide string // "<": only the upper limit is printed; ">": only the lower
}

// limits is the reference range for a sex.
func (a analyte) limits(sex string) (low, high float64) {
	if sex == "female" && a.highF != 0 {
		return a.lowF, a.highF
	}
	return a.low, a.high
}

// catalogue is all analytes by key. Ranges are those usual for adults.
func catalogue() map[string]analyte {
	out := map[string]analyte{}
	for _, list := range [][]analyte{vitalSigns, chemistry, blood} {
		for _, a := range list {
			out[a.key] = a
		}
	}
	return out
}

var vitalSigns = []analyte{
	{key: "sbp", code: loinc("8480-6", "Systolic blood pressure"), unit: "mmHg", ucum: "mm[Hg]", low: 90, high: 140, mean: 121, between: 5, cv: 0.045, diurnal: 5, floor: 60},
	{key: "dbp", code: loinc("8462-4", "Diastolic blood pressure"), unit: "mmHg", ucum: "mm[Hg]", low: 60, high: 90, mean: 74, between: 3, cv: 0.05, diurnal: 3, floor: 35},
	{key: "hr", code: loinc("8867-4", "Heart rate"), unit: "beats/minute", ucum: "/min", low: 51, high: 100, mean: 75, between: 5, cv: 0.05, diurnal: 4, floor: 35},
	{key: "rr", code: loinc("9279-1", "Respiratory rate"), unit: "breaths/minute", ucum: "/min", low: 12, high: 20, mean: 15.5, between: 0.8, cv: 0.07, floor: 6},
	{key: "temp", code: loinc("8310-5", "Body temperature"), unit: "°C", ucum: "Cel", digits: 1, low: 36.0, high: 37.9, mean: 36.8, between: 0.1, cv: 0.003, diurnal: 0.2, floor: 33},
	{key: "spo2", code: loinc("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"), unit: "%", ucum: "%", low: 95, high: 100, mean: 97.4, between: 0.4, cv: 0.007, cap: 100, oneSide: ">"},
	{key: "weight", code: loinc("29463-7", "Body weight"), unit: "kg", ucum: "kg", digits: 1, cv: 0.004},
	{key: "height", code: loinc("8302-2", "Body height"), unit: "cm", ucum: "cm", digits: 0, cv: 0.001},
	{key: "bmi", code: loinc("39156-5", "Body mass index (BMI) [Ratio]"), unit: "kg/m2", ucum: "kg/m2", digits: 1},
	{key: "head", code: loinc("9843-4", "Head Occipital-frontal circumference"), unit: "cm", ucum: "cm", digits: 1, cv: 0.003},
	{key: "pain", code: loinc("72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"), unit: "points", ucum: "{score}", low: 0, high: 3, mean: 0.6, between: 0.3, cv: 0.3, cap: 10, oneSide: "<"},
}

var chemistry = []analyte{
	{key: "na", code: loinc("2951-2", "Sodium [Moles/volume] in Serum or Plasma"), unit: "mmol/L", ucum: "mmol/L", low: 135, high: 145, panicLo: 120, panicHi: 160, cv: 0.008},
	{key: "k", code: loinc("2823-3", "Potassium [Moles/volume] in Serum or Plasma"), unit: "mmol/L", ucum: "mmol/L", digits: 1, low: 3.5, high: 5.1, panicLo: 2.8, panicHi: 6.2, cv: 0.035},
	{key: "cl", code: loinc("2075-0", "Chloride [Moles/volume] in Serum or Plasma"), unit: "mmol/L", ucum: "mmol/L", low: 98, high: 107, cv: 0.01},
	{key: "co2", code: loinc("2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma"), unit: "mmol/L", ucum: "mmol/L", low: 22, high: 29, panicLo: 12, panicHi: 40, cv: 0.04},
	{key: "bun", code: loinc("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", low: 7, high: 20, panicHi: 100, mean: 14, cv: 0.08},
	{key: "crea", code: loinc("2160-0", "Creatinine [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", digits: 2, low: 0.74, high: 1.35, lowF: 0.59, highF: 1.04, panicHi: 7.5, cv: 0.035},
	{key: "creasi", code: loinc("14682-9", "Creatinine [Moles/volume] in Serum or Plasma"), unit: "µmol/L", ucum: "umol/L", low: 65, high: 119, lowF: 52, highF: 92, cv: 0.03},
	{key: "egfr", code: loinc("98979-8", "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI 2021)"), unit: "mL/min/1.73 m2", ucum: "mL/min/{1.73_m2}", low: 60, high: 120, oneSide: ">"},
	{key: "ca", code: loinc("17861-6", "Calcium [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", digits: 1, low: 8.6, high: 10.3, panicLo: 6.5, panicHi: 13, cv: 0.02},
	{key: "mg", code: loinc("19123-9", "Magnesium [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", digits: 1, low: 1.7, high: 2.2, panicLo: 1.0, panicHi: 4.7, cv: 0.04},
	{key: "glu", code: loinc("2345-7", "Glucose [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", low: 70, high: 99, panicLo: 45, panicHi: 450, mean: 92, cv: 0.09},
	{key: "pocglu", code: loinc("2339-0", "Glucose [Mass/volume] in Blood"), unit: "mg/dL", ucum: "mg/dL", low: 70, high: 140, panicLo: 45, panicHi: 450, mean: 120, cv: 0.13},
	{key: "a1c", code: loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"), unit: "%", ucum: "%", digits: 1, low: 4.0, high: 5.6, mean: 5.3, cv: 0.012},
	{key: "alb", code: loinc("1751-7", "Albumin [Mass/volume] in Serum or Plasma"), unit: "g/dL", ucum: "g/dL", digits: 1, low: 3.5, high: 5.0, cv: 0.025},
	{key: "tp", code: loinc("2885-2", "Protein [Mass/volume] in Serum or Plasma"), unit: "g/dL", ucum: "g/dL", digits: 1, low: 6.0, high: 8.3, cv: 0.025},
	{key: "alt", code: loinc("1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma"), unit: "U/L", ucum: "U/L", low: 7, high: 55, lowF: 7, highF: 45, mean: 24, cv: 0.1},
	{key: "ast", code: loinc("1920-8", "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma"), unit: "U/L", ucum: "U/L", low: 8, high: 48, lowF: 8, highF: 43, mean: 22, cv: 0.1},
	{key: "alp", code: loinc("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma"), unit: "U/L", ucum: "U/L", low: 40, high: 129, lowF: 35, highF: 104, mean: 72, cv: 0.06},
	{key: "bili", code: loinc("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", digits: 1, low: 0.1, high: 1.2, mean: 0.6, cv: 0.12, floor: 0.1},
	{key: "chol", code: loinc("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", low: 0, high: 200, mean: 186, cv: 0.03, oneSide: "<"},
	{key: "hdl", code: loinc("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", low: 40, high: 80, lowF: 50, highF: 90, cv: 0.035, oneSide: ">"},
	{key: "trig", code: loinc("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma"), unit: "mg/dL", ucum: "mg/dL", low: 0, high: 150, mean: 118, cv: 0.1, floor: 30, oneSide: "<"},
	{key: "ldl", code: loinc("13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation"), unit: "mg/dL", ucum: "mg/dL", low: 0, high: 130, mean: 108, oneSide: "<"},
	{key: "tsh", code: loinc("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma"), unit: "mIU/L", ucum: "m[IU]/L", digits: 2, low: 0.40, high: 4.50, mean: 1.9, cv: 0.12, floor: 0.01},
	{key: "ft4", code: loinc("3024-7", "Thyroxine (T4) free [Mass/volume] in Serum or Plasma"), unit: "ng/dL", ucum: "ng/dL", digits: 2, low: 0.80, high: 1.80, cv: 0.05},
	{key: "crp", code: loinc("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma"), unit: "mg/L", ucum: "mg/L", digits: 1, low: 0, high: 8, mean: 2.4, cv: 0.12, floor: 0.3, oneSide: "<"},
	{key: "pct", code: loinc("33959-8", "Procalcitonin [Mass/volume] in Serum or Plasma"), unit: "ng/mL", ucum: "ng/mL", digits: 2, low: 0, high: 0.10, mean: 0.04, cv: 0.15, floor: 0.02, oneSide: "<"},
	{key: "lact", code: loinc("2524-7", "Lactate [Moles/volume] in Serum or Plasma"), unit: "mmol/L", ucum: "mmol/L", digits: 1, low: 0.5, high: 2.2, panicHi: 4.0, mean: 1.1, cv: 0.1},
	{key: "bnp", code: loinc("33762-6", "Natriuretic peptide.B prohormone N-Terminal [Mass/volume] in Serum or Plasma"), unit: "pg/mL", ucum: "pg/mL", low: 0, high: 300, mean: 85, cv: 0.08, floor: 5, oneSide: "<"},
	{key: "trop", code: loinc("89579-7", "Troponin I.cardiac [Mass/volume] in Serum or Plasma by High sensitivity method"), unit: "ng/L", ucum: "ng/L", low: 0, high: 34, lowF: 0, highF: 16, mean: 5, cv: 0.08, floor: 2, oneSide: "<"},
	{key: "ferr", code: loinc("2276-4", "Ferritin [Mass/volume] in Serum or Plasma"), unit: "ng/mL", ucum: "ng/mL", low: 30, high: 400, lowF: 15, highF: 150, cv: 0.08},
	{key: "uacr", code: loinc("9318-7", "Albumin/Creatinine [Mass Ratio] in Urine"), unit: "mg/g", ucum: "mg/g", low: 0, high: 30, mean: 9, cv: 0.15, floor: 2, oneSide: "<"},
}

var blood = []analyte{
	{key: "wbc", code: loinc("6690-2", "Leukocytes [#/volume] in Blood by Automated count"), unit: "10*3/uL", ucum: "10*3/uL", digits: 1, low: 4.5, high: 11.0, panicLo: 1.5, panicHi: 50, mean: 6.9, cv: 0.07},
	{key: "hb", code: loinc("718-7", "Hemoglobin [Mass/volume] in Blood"), unit: "g/dL", ucum: "g/dL", digits: 1, low: 13.5, high: 17.5, lowF: 12.0, highF: 15.5, panicLo: 6.5, panicHi: 20, cv: 0.018},
	{key: "hct", code: loinc("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count"), unit: "%", ucum: "%", digits: 1, low: 38.3, high: 48.6, lowF: 35.5, highF: 44.9},
	{key: "plt", code: loinc("777-3", "Platelets [#/volume] in Blood by Automated count"), unit: "10*3/uL", ucum: "10*3/uL", low: 150, high: 400, panicLo: 30, panicHi: 1000, mean: 250, cv: 0.05},
	{key: "mcv", code: loinc("787-2", "MCV [Entitic volume] by Automated count"), unit: "fL", ucum: "fL", digits: 1, low: 80, high: 100, mean: 90, between: 1.8, cv: 0.006},
	{key: "rbc", code: loinc("789-8", "Erythrocytes [#/volume] in Blood by Automated count"), unit: "10*6/uL", ucum: "10*6/uL", digits: 2, low: 4.35, high: 5.65, lowF: 3.92, highF: 5.13},
	{key: "neut", code: loinc("751-8", "Neutrophils [#/volume] in Blood by Automated count"), unit: "10*3/uL", ucum: "10*3/uL", digits: 1, low: 1.8, high: 7.7, panicLo: 0.5},
	{key: "inr", code: loinc("6301-6", "INR in Platelet poor plasma by Coagulation assay"), unit: "INR", ucum: "{INR}", digits: 1, low: 0.9, high: 1.1, panicHi: 5.0, mean: 1.0, cv: 0.04},
}
