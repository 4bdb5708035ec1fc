"""Payers: what they keep by FHIR, and their eligibility desks by X12."""
