"""Codes: one name for each code system, one spelling for each code."""
