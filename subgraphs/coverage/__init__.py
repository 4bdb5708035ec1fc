"""Who pays: coverages, eligibility by X12, explanations of benefit."""
