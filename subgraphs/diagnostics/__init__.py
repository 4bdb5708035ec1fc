"""Measurements and what gathers them: observations and diagnostic reports."""
