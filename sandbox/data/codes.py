"""The clinical vocabulary of the sandbox: each code with its own system's words for it.

LOINC® codes and names are used under the LOINC licence (https://loinc.org/license). RxNorm is
public, CVX is CDC's, ICD-10-CM is in the public domain; the few SNOMED CT codes are those US
Core's own examples use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.data.shapes import CVX, HCPCS, ICD10CM, LOINC, NUCC, RXNORM, SNOMED, Coded


@dataclass(frozen=True, slots=True)
class Measure:
    """`usual` and `spread` describe the healthy; `digits` how finely the instrument reads."""

    code: Coded
    unit: str
    usual: float
    spread: float
    digits: int
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """`share`: how many of the sixty-year-olds have it. `shifts`: what it does to measures."""

    icd: Coded
    snomed: Coded
    share: float
    shifts: dict[str, float] = field(default_factory=dict)
    drug: Coded | None = None
    sensitivity: str | None = None  # a code of v3-ActCode
    passing: bool = False  # it heals


def _measure(
    code: str, display: str, unit: str, usual: float, spread: float, digits: int, *within: str
) -> Measure:
    low, high = ((Decimal(text) if text else None) for text in within or ("", ""))
    return Measure(Coded(LOINC, code, display), unit, usual, spread, digits, low, high)


LABS = {
    "a1c": _measure(
        "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 5.3, 0.2, 1, "4.0", "5.6"
    ),
    "glucose": _measure(
        "2345-7",
        "Glucose [Mass/volume] in Serum or Plasma",
        "mg/dL", 88, 6, 0, "70", "99",
    ),
    "creatinine": _measure(
        "2160-0",
        "Creatinine [Mass/volume] in Serum or Plasma",
        "mg/dL", 0.9, 0.1, 2, "0.60", "1.30",
    ),
    "egfr": _measure(
        "33914-3",
        "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum or Plasma "
        "by Creatinine-based formula (MDRD)",
        "mL/min/{1.73_m2}", 92, 8, 0, "60", "",
    ),
    "potassium": _measure(
        "2823-3",
        "Potassium [Moles/volume] in Serum or Plasma",
        "mmol/L", 4.2, 0.25, 1, "3.5", "5.1",
    ),
    "sodium": _measure(
        "2951-2",
        "Sodium [Moles/volume] in Serum or Plasma",
        "mmol/L", 140, 2, 0, "136", "145",
    ),
    "ldl": _measure(
        "18262-6",
        "Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay",
        "mg/dL", 102, 18, 0, "", "130",
    ),
    "hdl": _measure(
        "2085-9",
        "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
        "mg/dL", 54, 8, 0, "40", "",
    ),
    "triglyceride": _measure(
        "2571-8",
        "Triglyceride [Mass/volume] in Serum or Plasma",
        "mg/dL", 118, 25, 0, "", "150",
    ),
    "tsh": _measure(
        "3016-3",
        "Thyrotropin [Units/volume] in Serum or Plasma",
        "m[IU]/L", 2.0, 0.6, 2, "0.40", "4.50",
    ),
    "hemoglobin": _measure(
        "718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 13.8, 0.8, 1, "12.0", "17.5"
    ),
    "viral-load": _measure(
        "20447-9",
        "HIV 1 RNA [#/volume] (viral load) in Serum or Plasma by NAA with probe detection",
        "{copies}/mL", 24, 6, 0,
    ),
}  # fmt: skip
VITALS = {
    "heart-rate": _measure("8867-4", "Heart rate", "/min", 74, 7, 0),
    "temperature": _measure("8310-5", "Body temperature", "Cel", 36.8, 0.2, 1),
    "oxygen": _measure(
        "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", 97.5, 0.8, 0
    ),
    "weight": _measure("29463-7", "Body weight", "kg", 78, 1.2, 1),
    "height": _measure("8302-2", "Body height", "cm", 170, 0, 0),
}
SYSTOLIC = _measure("8480-6", "Systolic blood pressure", "mm[Hg]", 118, 6, 0)
DIASTOLIC = _measure("8462-4", "Diastolic blood pressure", "mm[Hg]", 75, 5, 0)
BLOOD_PRESSURE = Coded(LOINC, "85354-9", "Blood pressure panel with all children optional")
PHQ9 = _measure(
    "44261-6",
    "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]",
    "{score}", 9, 3, 0,
)  # fmt: skip
PANELS = {
    Coded(LOINC, "24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma"): (
        "glucose", "creatinine", "egfr", "potassium", "sodium",
    ),
    Coded(LOINC, "57698-3", "Lipid panel with direct LDL - Serum or Plasma"): (
        "ldl", "hdl", "triglyceride",
    ),
}  # fmt: skip

PROBLEMS = {
    "diabetes": Problem(
        Coded(ICD10CM, "E11.9", "Type 2 diabetes mellitus without complications"),
        Coded(SNOMED, "44054006", "Diabetes mellitus type 2"),
        0.35,
        {"a1c": 2.1, "glucose": 58, "triglyceride": 40},
        Coded(
            RXNORM, "860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"
        ),
    ),
    "hypertension": Problem(
        Coded(ICD10CM, "I10", "Essential (primary) hypertension"),
        Coded(SNOMED, "59621000", "Essential hypertension"),
        0.5,
        {"systolic": 22, "diastolic": 10},
        Coded(RXNORM, "314076", "lisinopril 10 MG Oral Tablet"),
    ),
    "hyperlipidemia": Problem(
        Coded(ICD10CM, "E78.5", "Hyperlipidemia, unspecified"),
        Coded(SNOMED, "55822004", "Hyperlipidemia"),
        0.4,
        {"ldl": 45, "hdl": -8, "triglyceride": 60},
        Coded(RXNORM, "617310", "atorvastatin 20 MG Oral Tablet"),
    ),
    "kidney-disease": Problem(
        Coded(ICD10CM, "N18.31", "Chronic kidney disease, stage 3a"),
        Coded(SNOMED, "433144002", "Chronic kidney disease stage 3"),
        0.15,
        {"creatinine": 0.6, "egfr": -40, "potassium": 0.4, "hemoglobin": -1.2},
    ),
    "asthma": Problem(
        Coded(ICD10CM, "J45.909", "Unspecified asthma, uncomplicated"),
        Coded(SNOMED, "195967001", "Asthma"),
        0.15,
        {"oxygen": -1.5},
        Coded(RXNORM, "745679", "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"),
    ),
    "depression": Problem(
        Coded(ICD10CM, "F33.1", "Major depressive disorder, recurrent, moderate"),
        Coded(SNOMED, "370143000", "Major depressive disorder"),
        0.15,
        {},
        Coded(RXNORM, "312941", "sertraline 50 MG Oral Tablet"),
        "PSY",
    ),
    "opioid-dependence": Problem(
        Coded(ICD10CM, "F11.20", "Opioid dependence, uncomplicated"),
        Coded(SNOMED, "75544000", "Opioid dependence"),
        0.1,
        {},
        Coded(RXNORM, "1010600", "buprenorphine 2 MG / naloxone 0.5 MG Sublingual Film"),
        "ETH",
    ),
    "hiv": Problem(
        Coded(ICD10CM, "B20", "Human immunodeficiency virus [HIV] disease"),
        Coded(SNOMED, "86406008", "Human immunodeficiency virus infection"),
        0.06,
        {},
        Coded(
            RXNORM,
            "1721613",
            "cobicistat 150 MG / elvitegravir 150 MG / emtricitabine 200 MG / "
            "tenofovir alafenamide 10 MG Oral Tablet",
        ),
        "HIV",
    ),
    "infection": Problem(
        Coded(ICD10CM, "J06.9", "Acute upper respiratory infection, unspecified"),
        Coded(SNOMED, "54150009", "Upper respiratory infection"),
        0.6,
        passing=True,
    ),
}
CHECKUP = Coded(
    ICD10CM,
    "Z00.00",
    "Encounter for general adult medical examination without abnormal findings",
)
ALLERGIES = (
    (Coded(RXNORM, "7980", "penicillin G"), "Hives", "low"),
    (Coded(RXNORM, "2670", "codeine"), "Nausea", "low"),
    (Coded(RXNORM, "10831", "sulfamethoxazole / trimethoprim"), "Anaphylaxis", "high"),
)
VACCINES = (
    Coded(CVX, "140", "Influenza, split virus, trivalent, PF"),
    Coded(CVX, "208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    Coded(CVX, "115", "Tdap"),
    Coded(CVX, "33", "pneumococcal polysaccharide PPV23"),
)
HPV = Coded(CVX, "165", "HPV9")
PROCEDURES = {
    "any": Coded(HCPCS, "G0439", "Annual wellness visit, subsequent visit"),
    "diabetes": Coded(
        HCPCS, "G0108", "Diabetes outpatient self-management training services, individual"
    ),
    "depression": Coded(HCPCS, "G0444", "Annual depression screening"),
}
OFFICE_VISIT = Coded(SNOMED, "185349003", "Encounter for check up")
VIDEO_VISIT = Coded(SNOMED, "448337001", "Telemedicine consultation with patient")
CLINIC_SERVICE = Coded(HCPCS, "G0463", "Hospital outpatient clinic visit")
TELEHEALTH_SERVICE = Coded(HCPCS, "Q3014", "Telehealth originating site facility fee")
FAMILY_MEDICINE = Coded(NUCC, "207Q00000X", "Family Medicine Physician")
INTERNAL_MEDICINE = Coded(NUCC, "207R00000X", "Internal Medicine Physician")
ENDOCRINOLOGY = Coded(NUCC, "207RE0101X", "Endocrinology, Diabetes & Metabolism Physician")
CARDIOLOGY = Coded(NUCC, "207RC0000X", "Cardiovascular Disease Physician")
PSYCHIATRY = Coded(NUCC, "2084P0800X", "Psychiatry Physician")
PRIMARY_CARE_PROVIDER = Coded(SNOMED, "453231000124104", "Primary care provider")
PHYSICIAN = Coded(SNOMED, "309343006", "Physician")
PATIENT_HERSELF = Coded(SNOMED, "116154003", "Patient")
LONGITUDINAL_TEAM = Coded(LOINC, "LA28865-6", "Longitudinal care-coordination focused care team")
CONDITION_TEAM = Coded(LOINC, "LA27978-8", "Condition-focused care team")
