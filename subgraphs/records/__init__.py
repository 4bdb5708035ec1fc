"""The chart as the EHRs keep it: encounters, problems, allergies, procedures, immunizations."""
