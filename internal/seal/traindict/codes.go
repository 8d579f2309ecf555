package main

type coding struct{ code, display string }

// pools are codings that occur often in primary and hospital care: LOINC,
// SNOMED CT, RxNorm, CVX, and the race codes of the CDC.
var pools = map[string][]coding{
	"race": {{"2106-3", "White"}, {"2054-5", "Black or African American"}, {"2028-9", "Asian"}, {"1002-5", "American Indian or Alaska Native"}},
	"lab": {
		{"2339-0", "Glucose [Mass/volume] in Blood"}, {"2345-7", "Glucose [Mass/volume] in Serum or Plasma"},
		{"4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"}, {"2160-0", "Creatinine [Mass/volume] in Serum or Plasma"},
		{"3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma"}, {"38483-4", "Creatinine [Mass/volume] in Blood"},
		{"2951-2", "Sodium [Moles/volume] in Serum or Plasma"}, {"2823-3", "Potassium [Moles/volume] in Serum or Plasma"},
		{"2075-0", "Chloride [Moles/volume] in Serum or Plasma"}, {"2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma"},
		{"17861-6", "Calcium [Mass/volume] in Serum or Plasma"}, {"2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"},
		{"2571-8", "Triglyceride [Mass/volume] in Serum or Plasma"}, {"18262-6", "Low Density Lipoprotein Cholesterol"},
		{"2085-9", "High Density Lipoprotein Cholesterol"}, {"718-7", "Hemoglobin [Mass/volume] in Blood"},
		{"6690-2", "Leukocytes [#/volume] in Blood by Automated count"}, {"789-8", "Erythrocytes [#/volume] in Blood by Automated count"},
		{"777-3", "Platelets [#/volume] in Blood by Automated count"}, {"33914-3", "Estimated Glomerular Filtration Rate"},
		{"1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma"}, {"1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma"},
	},
	"vital": {
		{"8302-2", "Body Height"}, {"29463-7", "Body Weight"}, {"39156-5", "Body mass index (BMI) [Ratio]"},
		{"8867-4", "Heart rate"}, {"9279-1", "Respiratory rate"}, {"8310-5", "Body temperature"},
		{"2708-6", "Oxygen saturation in Arterial blood"}, {"72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported"},
	},
	"survey": {
		{"44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]"}, {"55758-7", "Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]"},
		{"70274-6", "Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]"}, {"75626-2", "Total score [AUDIT-C]"}, {"82667-7", "Total score [DAST-10]"},
	},
	"panel": {
		{"58410-2", "CBC panel - Blood by Automated count"}, {"51990-0", "Basic metabolic panel - Blood"}, {"24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma"},
		{"57698-3", "Lipid panel with direct LDL - Serum or Plasma"}, {"24356-8", "Urinalysis complete panel - Urine"},
	},
	"condition": {
		{"44054006", "Diabetes mellitus type 2 (disorder)"}, {"38341003", "Hypertensive disorder, systemic arterial (disorder)"},
		{"59621000", "Essential hypertension (disorder)"}, {"55822004", "Hyperlipidemia"}, {"15777000", "Prediabetes"},
		{"195967001", "Asthma (disorder)"}, {"53741008", "Coronary arteriosclerosis (disorder)"}, {"22298006", "Myocardial infarction (disorder)"},
		{"444814009", "Viral sinusitis (disorder)"}, {"195662009", "Acute viral pharyngitis (disorder)"}, {"10509002", "Acute bronchitis (disorder)"},
		{"162864005", "Body mass index 30+ - obesity (finding)"}, {"271737000", "Anemia (disorder)"}, {"72892002", "Normal pregnancy"},
		{"160903007", "Full-time employment (finding)"}, {"73595000", "Stress (finding)"}, {"185345009", "Encounter for symptom"},
		{"840539006", "COVID-19"}, {"431855005", "Chronic kidney disease stage 1 (disorder)"}, {"88805009", "Chronic congestive heart failure (disorder)"},
	},
	"procedure": {
		{"430193006", "Medication Reconciliation (procedure)"}, {"710824005", "Assessment of health and social care needs (procedure)"},
		{"171207006", "Depression screening (procedure)"}, {"76601001", "Intramuscular injection"}, {"399208008", "Plain chest X-ray (procedure)"},
		{"73761001", "Colonoscopy"}, {"265764009", "Renal dialysis (procedure)"}, {"428191000124101", "Documentation of current medications"}, {"5880005", "Physical examination procedure"},
	},
	"vaccine": {
		{"140", "Influenza, seasonal, injectable, preservative free"}, {"113", "Td (adult) preservative free"}, {"133", "Pneumococcal conjugate PCV 13"},
		{"08", "Hep B, adolescent or pediatric"}, {"03", "MMR"}, {"20", "DTaP"}, {"10", "IPV"}, {"208", "SARS-COV-2 (COVID-19) vaccine, mRNA, spike protein, LNP, preservative free, 30 mcg/0.3mL dose"},
	},
	"drug": {
		{"314076", "lisinopril 10 MG Oral Tablet"}, {"860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet"}, {"310798", "Hydrochlorothiazide 25 MG Oral Tablet"},
		{"314231", "Simvastatin 10 MG Oral Tablet"}, {"308136", "amLODIPine 2.5 MG Oral Tablet"}, {"313782", "Acetaminophen 325 MG Oral Tablet"},
		{"243670", "aspirin 81 MG Oral Tablet"}, {"308192", "Amoxicillin 500 MG Oral Tablet"}, {"745679", "200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"},
	},
	"visit": {
		{"162673000", "General examination of patient (procedure)"}, {"410620009", "Well child visit (procedure)"}, {"185345009", "Encounter for symptom"},
		{"185347001", "Encounter for problem (procedure)"}, {"390906007", "Follow-up encounter (procedure)"}, {"50849002", "Emergency room admission (procedure)"}, {"185349003", "Encounter for check up (procedure)"},
	},
}
