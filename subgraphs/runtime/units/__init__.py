"""Amounts: UCUM units, what laboratories measure, and how one becomes comparable with another."""
